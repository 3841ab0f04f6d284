//! Answers that a client sends with its next request: wrong, unasked, changed or too long.

use durable_mcp_protocol::round_trips::MAX_ANSWERS;
use durable_mcp_worker::transport::request_state::MAX_ANSWER_BYTES;

use super::*;

#[test]
fn answers_to_no_question_are_ignored() {
    let front = front();
    let call = calling("one", &none());
    let first = front.result("tools/call", &call);
    let again = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "wrod": said("x"), "other": {} }),
    );
    assert_eq!(asked(&again), ["word"]);
    let answers = json!({ "word": said("this"), "word-2": said("x"), "more": sampled() });
    assert_eq!(
        text(&front.again("tools/call", &call, &again, &answers)),
        "this"
    );
}

#[test]
fn a_question_with_a_wrong_answer_is_asked_again() {
    let front = front();
    let call = calling("together", &none());
    let right = json!({ "word": said("a"), "line": sampled(), "where": { "roots": [] } });
    for (key, wrong) in [
        ("word", json!({})),
        ("word", json!({ "action": "perhaps" })),
        ("word", json!({ "roots": [] })),
        ("line", json!({ "content": "x" })),
        ("line", said("a")),
        ("where", json!({ "roots": 1 })),
        ("where", sampled()),
    ] {
        let first = front.result("tools/call", &call);
        let mut answers = right.clone();
        answers[key] = wrong.clone();
        let again = front.again("tools/call", &call, &first, &answers);
        assert_eq!(asked(&again), [key], "{wrong}");
        let done = front.again("tools/call", &call, &again, &json!({ key: right[key] }));
        assert_eq!(text(&done), "a m 0", "{wrong}");
    }
}

#[test]
fn malformed_input_responses_are_refused() {
    let front = front();
    for wrong in [
        json!(null),
        json!(1),
        json!([]),
        json!("word"),
        json!({ "word": "this" }),
        json!({ "word": null }),
        json!({ "\u{1}kept": {} }),
        (0..=MAX_ANSWERS)
            .map(|at| (at.to_string(), json!({})))
            .collect(),
    ] {
        let mut call = calling("one", &none());
        call["inputResponses"] = wrong.clone();
        let (status, code, _) = refusal(&front.ask("tools/call", &call).answer());
        assert_eq!((status, code), (400, -32602), "{wrong}");
    }
    let mut call = calling("one", &none());
    call["requestState"] = json!(7);
    assert_eq!(refusal(&front.ask("tools/call", &call).answer()).1, -32602);
}

#[test]
fn an_accepted_answer_cannot_be_changed_in_a_later_round() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    let second = front.again("tools/call", &call, &first, &json!({ "word": said("a") }));
    let third = front.again(
        "tools/call",
        &call,
        &second,
        &json!({ "word": said("changed"), "word-2": said("b") }),
    );
    let done = front.again(
        "tools/call",
        &call,
        &third,
        &json!({ "word": said("again"), "where": { "roots": [] } }),
    );
    assert_eq!(text(&done), "a b 0");
}

#[test]
fn all_answers_together_have_a_length_limit() {
    let front = front();
    let call = calling("several", &none());
    let first = front.result("tools/call", &call);
    let mut second = call.clone();
    second["requestState"] = first["requestState"].clone();
    second["inputResponses"] = json!({ "word": said(&"x".repeat(MAX_ANSWER_BYTES)) });
    let (status, code, _) = refusal(&front.ask("tools/call", &second).answer());
    assert_eq!((status, code), (400, -32602));
}

#[test]
fn the_answers_of_the_last_round_have_a_length_limit() {
    let front = front();
    let call = calling("one", &none());
    let first = front.result("tools/call", &call);
    let with = |bytes: usize| {
        let mut last = call.clone();
        last["requestState"] = first["requestState"].clone();
        last["inputResponses"] = json!({ "word": said(&"x".repeat(bytes)) });
        front.ask("tools/call", &last).answer()
    };
    let refused = with(MAX_ANSWER_BYTES);
    assert_eq!((refused.status, refusal(&refused).1), (400, -32602));
    assert!(
        refused.text.contains("1048576 bytes. Send shorter ones"),
        "{refused:?}"
    );
    assert_eq!(with(MAX_ANSWER_BYTES - 1000).status, 200);
}

use super::*;

#[derive(Deserialize, JsonSchema)]
struct Word {
    word: String,
}

async fn ask(client: Client) -> Result<String, ToolError> {
    Ok(match client.elicit::<Word>("word", "?").await? {
        Elicited::Accepted(Word { word }) => word,
        Elicited::Declined | Elicited::Cancelled => "nothing".to_owned(),
    })
}

fn asking() -> Rig {
    Rig::new(server().tool("ask", "", ask))
}

fn said(word: &str) -> Value {
    json!({ "action": "accept", "content": { "word": word } })
}

#[test]
fn questions_go_out_on_their_calls_stream_and_take_their_own_answers() {
    let rig = asking();
    let calls = [
        rig.post(call("a", "ask", &none())),
        rig.post(call("b", "ask", &none())),
    ];
    let ids = calls
        .each_ref()
        .map(|call| call.read().messages()[0]["id"].clone());
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        rig.post(answer(&ids[1], &said("second"))).answer().status,
        202
    );
    assert_eq!(
        rig.post(answer(&json!("made up"), &said("x")))
            .answer()
            .status,
        202
    );
    assert_eq!(
        rig.post(answer(&ids[0], &said("first"))).answer().status,
        202
    );
    assert_eq!(
        rig.post(answer(&ids[0], &said("again"))).answer().status,
        202
    );
    for (call, (id, word)) in calls.iter().zip([("a", "first"), ("b", "second")]) {
        let read = call.read();
        assert!(read.ended);
        assert_eq!(
            (
                &read.messages()[0]["id"],
                &read.messages()[0]["result"]["content"][0]["text"]
            ),
            (&json!(id), &json!(word))
        );
    }
}

#[test]
fn an_unanswered_question_fails_after_ten_minutes() {
    let rig = asking();
    let call = rig.post(call(1, "ask", &none()));
    let id = call.read().messages()[0]["id"].clone();
    rig.advance(10 * 60 * 1000 - 1);
    let quiet = call.read();
    assert_eq!((quiet.messages(), quiet.ended), (vec![], false));
    rig.advance(1);
    let read = call.read();
    assert_eq!(read.messages()[0]["result"]["isError"], true);
    assert!(read.text.contains("did not answer"), "{}", read.text);
    assert_eq!(rig.post(answer(&id, &said("late"))).answer().status, 202);
}

#[test]
fn open_questions_of_a_session_are_limited() {
    let rig = asking();
    let calls: Vec<_> = (0..=64)
        .map(|id| rig.post(call(id, "ask", &none())))
        .collect();
    let refused = calls[64].answer().json();
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    assert!(
        refused["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Too many")
    );
    let id = calls[0].read().messages()[0]["id"].clone();
    rig.post(answer(&id, &said("room"))).answer();
    rig.advance(0);
    let next = rig.post(call("next", "ask", &none()));
    assert_eq!(next.read().messages()[0]["method"], "elicitation/create");
}

#[test]
fn an_answer_to_an_earlier_question_counts_for_none_after_a_restart() {
    let rig = asking();
    let before = rig.post(call(1, "ask", &none())).read().messages()[0]["id"].clone();
    rig.advance(1);
    rig.restart();
    let call = rig.post(call(2, "ask", &none()));
    let after = call.read().messages()[0]["id"].clone();
    assert_ne!(before, after);
    rig.post(answer(&before, &said("old"))).answer();
    rig.advance(0);
    assert_eq!(call.read().messages(), [Value::Null; 0]);
}

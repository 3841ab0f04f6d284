use super::*;

async fn free(Args(given): Args<Map<String, Value>>) -> String {
    Value::Object(given).to_string()
}

#[test]
fn a_prompt_refuses_an_argument_that_is_no_string_by_its_name() {
    let talk = Conversation::with(
        empty()
            .prompt("echo", "Say a word", echo)
            .prompt("free", "", free),
    );
    let listed = talk.ask("prompts/list", &json!({})).unwrap();
    assert_eq!(
        listed["prompts"][0]["arguments"],
        json!([{ "name": "word", "required": true }])
    );
    let got = talk
        .ask(
            "prompts/get",
            &json!({ "name": "echo", "arguments": { "word": "w" } }),
        )
        .unwrap();
    assert_eq!(
        got,
        json!({
            "description": "Say a word",
            "messages": [{ "role": "user", "content": { "type": "text", "text": "w" } }],
        })
    );
    for arguments in [json!({}), json!({ "word": 5 }), json!({ "word": ["w"] })] {
        let (code, message) = talk.refusal(
            "prompts/get",
            &json!({ "name": "echo", "arguments": arguments }),
        );
        assert_eq!(code, -32602);
        assert!(message.contains("`word`"), "{message}");
    }
    assert_eq!(
        talk.refusal("prompts/get", &json!({ "name": "none" })),
        (-32602, "There is no prompt \"none\".".to_owned())
    );
}

#[test]
fn a_request_without_a_name_finds_no_prompt_not_even_one_without_a_name() {
    let talk = Conversation::with(empty().prompt("", "", async || "said"));
    for params in [json!({}), json!({ "name": 5 }), json!({ "name": null })] {
        let (code, message) = talk.refusal("prompts/get", &params);
        assert_eq!(code, -32602, "{params}");
        assert!(message.contains("`name`"), "{message}");
    }
}

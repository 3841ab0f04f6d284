use super::*;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only their names matter")]
struct Two {
    first: String,
    second: String,
}

async fn two(Args(_): Args<Two>) -> &'static str {
    "two"
}

async fn words(input: CompletionInput) -> Vec<String> {
    input.matching(["Apple", "apricot", "Banana", "Ärger"])
}

async fn after(input: CompletionInput) -> Vec<String> {
    let first = input.settled.get("first").map_or("nothing", String::as_str);
    vec![format!("{first} and {}", input.value)]
}

async fn many(_: CompletionInput) -> Vec<String> {
    (0..250).map(|n| n.to_string()).collect()
}

fn talk() -> Conversation {
    let prompt = Prompt::new("two", "", two)
        .complete("first", words)
        .complete("second", after);
    let template =
        ResourceTemplate::new("t", "test://{first}/{second}", two).complete("first", many);
    Conversation::with(empty().with(prompt).with(template))
}

fn complete(
    talk: &Conversation,
    reference: &Value,
    argument: &str,
    value: &str,
    context: &Value,
) -> Value {
    let params = json!({ "ref": reference, "argument": { "name": argument, "value": value }, "context": context });
    talk.ask("completion/complete", &params).unwrap()["completion"].take()
}

#[test]
fn completion_proposes_values_that_begin_with_the_typed_text() {
    let prompt = json!({ "type": "ref/prompt", "name": "two" });
    for (typed, values) in [
        ("", vec!["Apple", "apricot", "Banana", "Ärger"]),
        ("ap", vec!["Apple", "apricot"]),
        ("AP", vec!["Apple", "apricot"]),
        ("Är", vec!["Ärger"]),
        ("apple pie", vec![]),
        ("x", vec![]),
    ] {
        let found = complete(&talk(), &prompt, "first", typed, &json!(null));
        assert_eq!(
            found,
            json!({ "values": values, "total": values.len(), "hasMore": false }),
            "{typed}"
        );
    }
}

#[test]
fn a_completer_sees_the_arguments_that_are_already_settled() {
    let prompt = json!({ "type": "ref/prompt", "name": "two" });
    let values = |context| complete(&talk(), &prompt, "second", "x", &context)["values"][0].clone();
    assert_eq!(
        values(json!({ "arguments": { "first": "Apple" } })),
        "Apple and x"
    );
    assert_eq!(values(json!({})), "nothing and x");
}

#[test]
fn more_than_a_hundred_values_are_cut_and_counted() {
    let template = json!({ "type": "ref/resource", "uri": "test://{first}/{second}" });
    let found = complete(&talk(), &template, "first", "", &json!(null));
    assert_eq!(found["values"].as_array().unwrap().len(), 100);
    assert_eq!(
        (&found["total"], &found["hasMore"]),
        (&json!(250), &json!(true))
    );
    let none = complete(&talk(), &template, "second", "", &json!(null));
    assert_eq!(none, json!({ "values": [], "total": 0, "hasMore": false }));
}

#[test]
fn completion_for_an_unknown_reference_is_refused() {
    for reference in [
        json!({ "type": "ref/prompt", "name": "three" }),
        json!({ "type": "ref/resource", "uri": "test://a/b" }),
        json!({ "type": "ref/tool", "name": "two" }),
        json!({ "name": "two" }),
        json!({}),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": "first", "value": "" } });
        assert_eq!(
            talk().refusal("completion/complete", &params).0,
            -32602,
            "{reference}"
        );
    }
}

#[test]
fn a_failing_completer_is_an_error_in_its_own_words() {
    async fn fails(input: CompletionInput) -> Result<Vec<String>, Error> {
        let list = (input.value == "a").then(|| vec!["apple".to_owned()]);
        Ok(list.or_err("The list cannot be read now.")?)
    }
    let talk =
        Conversation::with(empty().with(Prompt::new("echo", "", echo).complete("word", fails)));
    let prompt = json!({ "type": "ref/prompt", "name": "echo" });
    assert_eq!(
        complete(&talk, &prompt, "word", "a", &json!(null))["values"],
        json!(["apple"])
    );
    let params = json!({ "ref": prompt, "argument": { "name": "word", "value": "b" } });
    assert_eq!(
        talk.refusal("completion/complete", &params),
        (-32603, "The list cannot be read now.".to_owned())
    );
}

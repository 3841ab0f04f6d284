use super::*;

#[test]
fn a_task_waits_for_the_answer_to_its_question() {
    let front = front();
    let id = begin(&front, "ask", &none());
    let waiting = get(&front, &id);
    assert_eq!(asked(&waiting), ["word"]);
    assert_eq!(
        waiting["inputRequests"]["word"]["method"],
        "elicitation/create"
    );
    assert_eq!(
        waiting["inputRequests"]["word"]["params"]["message"],
        "Which?"
    );
    update(&front, &id, &json!({ "word": said("this") }));
    let done = get(&front, &id);
    assert_eq!(
        (&done["status"], done.get("inputRequests")),
        (&json!("completed"), None)
    );
    assert_eq!(done["result"]["content"][0]["text"], "this");
}

#[test]
fn a_task_accepts_answers_one_by_one_and_asks_again() {
    let front = front();
    let id = begin(&front, "together", &none());
    assert_eq!(asked(&get(&front, &id)), ["where", "word", "word-2"]);
    update(&front, &id, &json!({ "word-2": said("b") }));
    assert_eq!(asked(&get(&front, &id)), ["where", "word"]);
    update(
        &front,
        &id,
        &json!({ "where": { "roots": [] }, "word": said("a") }),
    );
    assert_eq!(
        asked(&get(&front, &id)),
        ["word-3"],
        "a key is never used again"
    );
    update(&front, &id, &json!({ "word-3": said("c") }));
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "a b 0 c");
}

#[test]
fn a_task_ignores_answers_that_fit_no_question() {
    let front = front();
    let id = begin(&front, "together", &none());
    for answers in [
        none(),
        json!({ "other": said("x"), "word-3": said("x") }),
        json!({ "word": { "action": "perhaps" }, "where": said("x") }),
        json!({ "where": { "roots": 7 } }),
    ] {
        update(&front, &id, &answers);
        assert_eq!(
            asked(&get(&front, &id)),
            ["where", "word", "word-2"],
            "{answers}"
        );
    }
    update(
        &front,
        &id,
        &json!({ "word": said("a"), "word-2": { "action": "perhaps" }, "word-3": said("early") }),
    );
    assert_eq!(asked(&get(&front, &id)), ["where", "word-2"]);
    update(
        &front,
        &id,
        &json!({ "word": said("changed"), "word-2": said("b"), "where": { "roots": [] } }),
    );
    update(&front, &id, &json!({ "word-3": said("c") }));
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "a b 0 c");
    update(&front, &id, &json!({ "word": said("late") }));
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "a b 0 c");
}

#[test]
fn a_task_keeps_its_answers_over_a_sleep_of_its_object() {
    let front = front();
    let id = begin(&front, "together", &none());
    front.restart();
    assert_eq!(asked(&get(&front, &id)), ["where", "word", "word-2"]);
    update(&front, &id, &json!({ "word": said("a") }));
    front.restart();
    assert_eq!(asked(&get(&front, &id)), ["where", "word-2"]);
    update(
        &front,
        &id,
        &json!({ "word-2": said("b"), "where": { "roots": [{ "uri": "file:///a" }] } }),
    );
    assert_eq!(asked(&get(&front, &id)), ["word-3"]);
    front.restart();
    update(&front, &id, &json!({ "word-3": said("c") }));
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "a b 1 c");
}

#[test]
fn the_object_of_a_waiting_task_may_sleep() {
    let front = front();
    let id = begin(&front, "ask", &none());
    front.advance(MINUTE);
    let expires = front.host.now() - MINUTE + DEFAULT_TTL_SECONDS * 1000;
    assert_eq!(front.task().store.alarm(), Some(expires));
    front.restart();
    front.advance(MINUTE);
    assert_eq!(
        (status(&front, &id).as_str(), front.task().store.alarm()),
        ("input_required", Some(expires))
    );
    update(&front, &id, &json!({ "word": said("this") }));
    assert_eq!(
        (status(&front, &id).as_str(), front.task().store.alarm()),
        ("completed", Some(expires))
    );
}

#[test]
fn work_inside_once_runs_a_single_time_even_over_a_sleep() {
    let orders = Rc::new(Cell::new(0));
    let counted = Rc::clone(&orders);
    let order = move |client: Client| {
        let orders = Rc::clone(&counted);
        async move {
            let ordered = async {
                orders.set(orders.get() + 1);
                Ok::<_, Error>(orders.get())
            };
            let order = client.once("order", ordered).await?;
            let first = word(client.elicit("word", "1").await?);
            Ok::<_, Error>(format!("order {order}: {first}"))
        }
    };
    let front =
        Front::new(server().with(Tool::new("order", "", order).task_optional())).knowing_tasks();
    let id = begin(&front, "order", &none());
    front.restart();
    update(&front, &id, &json!({ "word": said("a") }));
    assert_eq!(
        get(&front, &id)["result"]["content"][0]["text"],
        "order 1: a"
    );
    assert_eq!(orders.get(), 1);
}

#[test]
fn answers_of_a_task_have_a_common_length_limit() {
    let front = front();
    let id = begin(&front, "ask", &none());
    let answers = json!({ "word": said(&"x".repeat(1024 * 1024)) });
    let answer = front
        .ask(
            "tasks/update",
            &json!({ "taskId": id, "inputResponses": answers }),
        )
        .answer();
    assert_eq!(refusal(&answer).1, -32602);
    assert_eq!(asked(&get(&front, &id)), ["word"]);
}

#[test]
fn a_refused_task_sends_its_user_to_a_page_until_it_succeeds() {
    let calls = Rc::new(Cell::new(0));
    let counted = Rc::clone(&calls);
    let connect = move || {
        counted.set(counted.get() + 1);
        let refuses = counted.get() < 3;
        async move {
            if refuses {
                return ToolResult::refuse(Error::url_elicitation_required(
                    "connect",
                    "Connect",
                    "https://a.example",
                ));
            }
            "connected".into_tool_result()
        }
    };
    let front = Front::new(server().with(Tool::new("connect", "", connect).task_optional()))
        .knowing_tasks();
    let id = begin(&front, "connect", &none());
    assert_eq!(asked(&get(&front, &id)), ["connect"]);
    assert_eq!(
        get(&front, &id)["inputRequests"]["connect"]["params"].get("elicitationId"),
        None
    );
    update(&front, &id, &json!({ "connect": { "action": "accept" } }));
    assert_eq!(asked(&get(&front, &id)), ["connect-2"]);
    update(&front, &id, &json!({ "connect-2": { "action": "accept" } }));
    assert_eq!(
        (status(&front, &id).as_str(), calls.get()),
        ("completed", 3)
    );
    calls.set(0);
    let id = begin(&front, "connect", &none());
    update(&front, &id, &json!({ "connect": { "action": "decline" } }));
    let failed = get(&front, &id);
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("failed"), &json!(-32000))
    );
}

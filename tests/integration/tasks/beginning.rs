use super::*;

#[test]
fn a_call_becomes_a_task_only_for_clients_that_declare_tasks() {
    let front = front();
    let begun = front.result(
        "tools/call",
        &json!({ "name": "slow", "arguments": { "ms": 10 } }),
    );
    for (member, expected) in [
        ("resultType", json!("task")),
        ("status", json!("working")),
        ("ttlMs", json!(DEFAULT_TTL_SECONDS * 1000)),
        ("pollIntervalMs", json!(POLL_MS)),
        ("createdAt", json!("2026-11-18T11:06:40.000Z")),
        ("lastUpdatedAt", json!("2026-11-18T11:06:40.000Z")),
    ] {
        assert_eq!(begun[member], expected, "{member}");
    }
    let id = begun["taskId"].as_str().unwrap();
    assert_eq!(status(&front, id), "working");
    front.advance(10);
    let done = get(&front, id);
    assert_eq!(
        (&done["status"], &done["lastUpdatedAt"]),
        (&json!("completed"), &json!("2026-11-18T11:06:40.010Z"))
    );
    assert_eq!(
        done["result"]["content"],
        json!([{ "type": "text", "text": "slept" }])
    );
    assert_eq!(done["result"]["resultType"], "complete");
    assert_eq!(front.text("plain", &none()), "plain");
    let others = Front::new(server());
    let call = others.call("slow", &json!({ "ms": 10 }));
    others.advance(10);
    assert_eq!(text(&call.answer().json()["result"]), "slept");
    assert_eq!(others.tasks(), 0);
}

#[test]
fn a_tool_available_only_as_a_task_refuses_other_clients() {
    let server = || {
        server().with(
            Tool::new("only", "", slow)
                .task_required()
                .task_ttl(Duration::from_mins(1)),
        )
    };
    let answer = Front::new(server())
        .call("only", &json!({ "ms": 1 }))
        .answer();
    let (status, code, _) = refusal(&answer);
    assert_eq!((status, code), (400, -32021));
    let required = json!({ "requiredCapabilities": { "extensions": { "io.modelcontextprotocol/tasks": {} } } });
    assert_eq!(answer.json()["error"]["data"], required);
    let front = Front::new(server()).knowing_tasks();
    assert_eq!(
        front.result(
            "tools/call",
            &json!({ "name": "only", "arguments": { "ms": 1 } })
        )["ttlMs"],
        60_000
    );
}

#[test]
fn tasks_are_declared_only_by_a_server_that_has_them() {
    let extensions = |front: &Front| {
        front.result("server/discover", &none())["capabilities"]["extensions"].take()
    };
    assert_eq!(
        extensions(&front()),
        json!({ "io.modelcontextprotocol/tasks": {} })
    );
    let without =
        Front::new(Server::new("s", "1").tool("plain", "", async || "plain")).knowing_tasks();
    assert_eq!(extensions(&without), Value::Null);
    let (status, code, _) = refusal(&without.ask("tasks/get", &json!({ "taskId": "t" })).answer());
    assert_eq!((status, code), (404, -32601));
}

#[test]
fn a_task_is_stored_before_its_client_gets_the_id() {
    let front = front();
    let id = begin(&front, "again", &json!({ "ms": 10 }));
    front.restart();
    assert_eq!(status(&front, &id), "working");
    assert!(front.task().store.rows_written() > 0);
}

#[test]
fn task_methods_need_a_client_that_declares_tasks() {
    let front = front();
    let id = begin(&front, "slow", &json!({ "ms": 10 }));
    let front = front.declaring(everything());
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        // The missing capability is told before anything that is wrong with the parameters.
        for params in [json!({ "taskId": id, "inputResponses": {} }), json!({})] {
            let answer = front.ask(method, &params).answer();
            let (status, code, _) = refusal(&answer);
            assert_eq!((status, code), (400, -32021), "{method} {params}");
        }
    }
}

#[test]
fn a_made_up_task_id_reaches_no_object() {
    let front = front();
    let id = begin(&front, "slow", &json!({ "ms": 10 }));
    let tampered = format!(
        "{}{}",
        if id.starts_with('A') { 'B' } else { 'A' },
        &id[1..]
    );
    for made_up in [tampered.as_str(), "", "x", &id[1..]] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let answer = front
                .ask(method, &json!({ "taskId": made_up, "inputResponses": {} }))
                .answer();
            let (status, code, _) = refusal(&answer);
            assert_eq!((status, code), (200, -32602), "{method} {made_up}");
        }
    }
    assert_eq!(front.tasks(), 1);
    for (method, params) in [
        ("tasks/get", none()),
        ("tasks/update", json!({ "taskId": id })),
        (
            "tasks/update",
            json!({ "taskId": id, "inputResponses": [] }),
        ),
        (
            "tasks/update",
            json!({ "taskId": id, "inputResponses": { "a": 1 } }),
        ),
    ] {
        let (status, code, _) = refusal(&front.ask(method, &params).answer());
        assert_eq!((status, code), (400, -32602), "{method} {params}");
    }
}

/// A tool that asks first and then continues as a task, with the number of its starts.
fn deciding() -> (Server, Rc<Cell<u32>>) {
    let begun = Rc::new(Cell::new(0));
    let counted = Rc::clone(&begun);
    let decide = move |client: Client, task: Task, sleep: Sleep| {
        counted.set(counted.get() + 1);
        async move {
            let first = word(client.elicit("word", "Sure?").await?);
            if first == "no" {
                return Ok::<_, Error>("nothing was done".to_owned());
            }
            task.begin().await?;
            sleep.ms(10).await;
            let second = word(client.elicit("word", "And then?").await?);
            Ok(format!("{first} {second}"))
        }
    };
    (server().tool("decide", "", decide), begun)
}

#[test]
fn a_call_may_ask_first_and_then_become_a_task() {
    let (server, begun) = deciding();
    let front = Front::new(server).knowing_tasks();
    let call = json!({ "name": "decide", "arguments": {} });
    let first = front.result("tools/call", &call);
    assert_eq!(
        (&first["resultType"], front.tasks()),
        (&json!("input_required"), 0)
    );
    let refused = front.again(
        "tools/call",
        &call,
        &first,
        &json!({ "word": { "action": "decline" } }),
    );
    assert_eq!(text(&refused), "nothing was done");
    let task = front.again("tools/call", &call, &first, &json!({ "word": said("yes") }));
    assert_eq!(
        (&task["resultType"], &task["status"]),
        (&json!("task"), &json!("working"))
    );
    assert!(task.get("requestState").is_none());
    let id = task["taskId"].as_str().unwrap();
    front.advance(10);
    assert_eq!(
        asked(&get(&front, id)),
        ["word-2"],
        "what was answered before is answered"
    );
    update(&front, id, &json!({ "word-2": said("done") }));
    assert_eq!(get(&front, id)["result"]["content"][0]["text"], "yes done");
    assert_eq!(begun.get(), 4);
}

#[test]
fn a_call_runs_without_a_task_if_its_client_declares_none() {
    let (server, _) = deciding();
    let front = Front::new(server);
    let call = json!({ "name": "decide", "arguments": {} });
    let mut both = call.clone();
    both["inputResponses"] = json!({ "word": said("yes"), "word-2": said("done") });
    let answer = front.ask("tools/call", &both);
    front.advance(10);
    assert_eq!(text(&answer.answer().json()["result"]), "yes done");
    assert_eq!(front.tasks(), 0);
}

#[test]
fn prompts_and_resources_never_become_tasks() {
    let say = async |task: Task| {
        task.begin().await?;
        Ok::<_, Error>("said".to_owned())
    };
    let front = Front::new(
        server()
            .prompt("say", "", say)
            .resource("say", "test://say", say),
    )
    .knowing_tasks();
    let prompt = front.result("prompts/get", &json!({ "name": "say" }));
    assert_eq!(prompt["messages"][0]["content"]["text"], "said");
    assert_eq!(
        front.result("resources/read", &json!({ "uri": "test://say" }))["contents"][0]["text"],
        "said"
    );
}

use super::*;

#[derive(Deserialize, JsonSchema)]
struct Long {
    bytes: usize,
}

fn failing() -> Front {
    let refuse = async |sleep: Sleep| {
        sleep.ms(10).await;
        ToolResult::refuse(Error::resource_not_found("test://x"))
    };
    let server = server()
        .with(
            Tool::new("fail", "", async || {
                Err::<String, _>(ToolError::new("no luck"))
            })
            .task_optional(),
        )
        .with(
            Tool::new("panic", "", async || -> &'static str {
                panic!("on purpose")
            })
            .task_optional(),
        )
        .with(Tool::new("refuse", "", refuse).task_optional())
        .with(
            Tool::new("sample", "", async |client: Client| {
                client
                    .sample("line", Sampling::new("?", 1))
                    .await
                    .map(|sampled| sampled.model)
            })
            .task_optional(),
        )
        .with(
            Tool::new("long", "", async |Args(Long { bytes }): Args<Long>| {
                "x".repeat(bytes)
            })
            .task_optional(),
        );
    Front::new(server).declaring(json!({})).knowing_tasks()
}

#[test]
fn a_failed_tool_completes_its_task_with_an_error_result() {
    let front = failing();
    for (name, arguments) in [
        ("fail", none()),
        ("panic", none()),
        ("long", json!({ "bytes": "many" })),
    ] {
        let id = begin(&front, name, &arguments);
        let task = get(&front, &id);
        assert_eq!(
            (&task["status"], &task["result"]["isError"]),
            (&json!("completed"), &json!(true)),
            "{name}"
        );
        assert!(
            task.get("error").is_none() && task["result"]["content"][0]["text"].is_string(),
            "{task}"
        );
    }
}

#[test]
fn a_refused_call_fails_its_task_with_the_reason() {
    let front = failing();
    for (name, code) in [("refuse", -32602), ("sample", -32021)] {
        let id = begin(&front, name, &none());
        front.advance(10);
        let task = get(&front, &id);
        assert_eq!(
            (&task["status"], &task["error"]["code"]),
            (&json!("failed"), &json!(code)),
            "{name}"
        );
        assert!(task.get("result").is_none(), "{task}");
        assert_eq!(task["statusMessage"], task["error"]["message"], "{name}");
    }
}

#[test]
fn a_long_task_result_is_kept_whole_and_a_too_long_one_is_an_error() {
    let front = failing();
    let id = begin(&front, "long", &json!({ "bytes": 3_000_000 }));
    front.restart();
    let task = get(&front, &id);
    assert_eq!(
        task["result"]["content"][0]["text"].as_str().map(str::len),
        Some(3_000_000)
    );
    let id = begin(&front, "long", &json!({ "bytes": MAX_MESSAGE_BYTES }));
    let task = get(&front, &id);
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!(-32603))
    );
}

#[test]
fn a_cancelled_task_stops() {
    let ended: Rc<RefCell<Vec<&'static str>>> = Rc::default();
    let (first, second) = (Rc::clone(&ended), Rc::clone(&ended));
    let careless = move |sleep: Sleep| {
        let ended = Rc::clone(&first);
        async move {
            sleep.ms(1000).await;
            ended.borrow_mut().push("careless");
        }
    };
    let careful = move |sleep: Sleep, cancelled: Cancelled| {
        let ended = Rc::clone(&second);
        async move {
            cancelled.wait().await;
            sleep.ms(1000).await;
            ended.borrow_mut().push("careful");
            "told nobody"
        }
    };
    let server = server()
        .with(Tool::new("careless", "", careless).task_optional())
        .with(Tool::new("careful", "", careful).task_optional());
    let front = Front::new(server).knowing_tasks();
    for (name, expected) in [("careless", vec![]), ("careful", vec!["careful"])] {
        let id = begin(&front, name, &none());
        front.advance(10);
        cancel(&front, &id);
        let cancelled = get(&front, &id);
        assert_eq!(cancelled["status"], "cancelled");
        assert!(
            cancelled.get("result").is_none() && cancelled.get("error").is_none(),
            "{cancelled}"
        );
        front.advance(10_000);
        assert_eq!(*ended.borrow(), expected);
        assert_eq!(get(&front, &id), cancelled, "it stays as it is");
        cancel(&front, &id);
        assert_eq!(get(&front, &id), cancelled);
    }
}

#[test]
fn a_waiting_task_can_be_cancelled_and_takes_no_more_answers() {
    for restarts in [false, true] {
        let front = front();
        let id = begin(&front, "ask", &none());
        if restarts {
            front.restart();
        }
        cancel(&front, &id);
        let cancelled = get(&front, &id);
        assert_eq!(
            (&cancelled["status"], cancelled.get("inputRequests")),
            (&json!("cancelled"), None)
        );
        update(&front, &id, &json!({ "word": said("late") }));
        assert_eq!(get(&front, &id), cancelled);
    }
}

#[test]
fn a_finished_task_cannot_be_cancelled() {
    let front = failing();
    let id = begin(&front, "fail", &none());
    let done = get(&front, &id);
    cancel(&front, &id);
    assert_eq!(get(&front, &id), done);
    front.restart();
    assert_eq!(get(&front, &id), done);
}

#[test]
fn a_task_leaves_a_line_in_the_log() {
    let front = failing();
    begin(&front, "fail", &none());
    begin(&front, "refuse", &none());
    let cancelled = begin(&front, "slow", &json!({ "ms": 1000 }));
    front.advance(10);
    cancel(&front, &cancelled);
    front.advance(10);
    let lines = front.log();
    let of_tasks: Vec<_> = lines
        .iter()
        .filter(|line| line["event"] == "task")
        .collect();
    let outcomes: Vec<_> = of_tasks
        .iter()
        .map(|line| {
            (
                line["name"].as_str().unwrap(),
                line["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("fail", "tool_error"),
        ("refuse", "error"),
        ("slow", "cancelled"),
    ] {
        assert!(outcomes.contains(&expected), "{outcomes:?}");
    }
    assert_eq!(outcomes.len(), 3);
    let text = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains(&cancelled), "an id is a secret");
}

#[test]
fn failing_storage_is_answered_500_and_ends_no_task() {
    let front = front();
    let id = begin(&front, "slow", &json!({ "ms": 10 }));
    front.task().store.set_broken(true);
    front.restart();
    let answer = front.ask("tasks/get", &json!({ "taskId": id })).answer();
    assert_eq!(answer.status, 500);
    front.task().store.set_broken(false);
    assert_eq!(status(&front, &id), "failed");
}

#[test]
fn a_cancellation_that_cannot_be_stored_changes_nothing() {
    let front = front();
    let id = begin(&front, "slow", &json!({ "ms": 1000 }));
    front.task().store.fail_write(0);
    assert_eq!(
        front
            .ask("tasks/cancel", &json!({ "taskId": id }))
            .answer()
            .status,
        500
    );
    assert_eq!(status(&front, &id), "working");
    front.advance(1000);
    let done = get(&front, &id);
    assert_eq!(done["status"], "completed");
    front.restart();
    assert_eq!(get(&front, &id), done);
}

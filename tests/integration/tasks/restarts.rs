use super::*;

/// Counts how often its handler begins.
fn counting() -> (Front, Rc<Cell<u32>>) {
    let begun = Rc::new(Cell::new(0));
    let work = || {
        let counted = Rc::clone(&begun);
        move |sleep: Sleep| {
            counted.set(counted.get() + 1);
            async move {
                sleep.ms(100_000).await;
                "done"
            }
        }
    };
    let front = Front::new(
        server()
            .with(Tool::new("work", "", work()).task_optional())
            .with(Tool::new("reading", "", work()).task_optional().read_only())
            .with(
                Tool::new("setting", "", work())
                    .task_optional()
                    .idempotent(),
            ),
    );
    (front.knowing_tasks(), begun)
}

#[test]
fn an_interrupted_task_has_failed_and_says_so() {
    let asks: fn(&Front) = |_| ();
    let sleeps: fn(&Front) = |front| front.advance(MINUTE);
    for meanwhile in [asks, sleeps] {
        let (front, begun) = counting();
        let id = begin(&front, "work", &none());
        front.restart();
        meanwhile(&front);
        let failed = get(&front, &id);
        assert_eq!(
            (&failed["status"], &failed["error"]["code"]),
            (&json!("failed"), &json!(-32603))
        );
        let (message, told) = (
            failed["error"]["message"].as_str().unwrap(),
            failed["statusMessage"].as_str().unwrap(),
        );
        assert!(
            message.contains("restarted") && told.contains("restart"),
            "{failed}"
        );
        assert_eq!(begun.get(), 1);
        front.advance(2 * MINUTE);
        assert_eq!(get(&front, &id), failed);
    }
}

#[test]
fn an_idempotent_task_runs_again_when_its_client_polls() {
    for name in ["reading", "setting"] {
        let (front, begun) = counting();
        let id = begin(&front, name, &none());
        front.advance(50_000);
        front.restart();
        front.advance(5 * MINUTE);
        assert_eq!(begun.get(), 1, "nobody asks");
        assert_eq!(status(&front, &id), "working");
        front.advance(99_999);
        assert_eq!((status(&front, &id).as_str(), begun.get()), ("working", 2));
        front.advance(1);
        assert_eq!(
            (status(&front, &id).as_str(), begun.get()),
            ("completed", 2)
        );
    }
}

#[test]
fn a_task_begins_at_most_three_times() {
    let (front, begun) = counting();
    let id = begin(&front, "reading", &none());
    for beginnings in 2..=3 {
        front.restart();
        assert_eq!(
            (status(&front, &id).as_str(), begun.get()),
            ("working", beginnings)
        );
    }
    front.restart();
    assert_eq!((status(&front, &id).as_str(), begun.get()), ("failed", 3));
}

#[test]
fn a_task_whose_restart_cannot_be_stored_restarts_at_the_next_poll() {
    let (front, begun) = counting();
    let id = begin(&front, "reading", &none());
    front.restart();
    front.task().store.fail_write(0);
    assert_eq!(
        front
            .ask("tasks/get", &json!({ "taskId": id }))
            .answer()
            .status,
        500
    );
    assert_eq!((status(&front, &id).as_str(), begun.get()), ("working", 2));
    front.advance(100_000);
    assert_eq!(status(&front, &id), "completed");
}

#[test]
fn an_interrupted_task_does_not_restart_to_be_cancelled() {
    let begun = Rc::new(Cell::new(0));
    let counted = Rc::clone(&begun);
    let careful = move |cancelled: Cancelled| {
        counted.set(counted.get() + 1);
        async move { cancelled.wait().await }
    };
    let server = server().with(
        Tool::new("careful", "", careful)
            .task_optional()
            .read_only(),
    );
    let front = Front::new(server).knowing_tasks();
    let id = begin(&front, "careful", &none());
    front.restart();
    cancel(&front, &id);
    front.advance(MINUTE);
    assert_eq!(
        (status(&front, &id).as_str(), begun.get()),
        ("cancelled", 1)
    );
}

#[test]
fn a_task_that_slept_while_waiting_was_not_interrupted() {
    let begun = Rc::new(Cell::new(0));
    let counted = Rc::clone(&begun);
    let talk = move |client: Client, sleep: Sleep| {
        counted.set(counted.get() + 1);
        async move {
            let mut words = Vec::new();
            for _ in 0..5 {
                words.push(word(client.elicit("word", "?").await?));
            }
            sleep.ms(1000).await;
            Ok::<_, Error>(words.concat())
        }
    };
    let front = Front::new(server().with(Tool::new("talk", "", talk).task_optional().read_only()))
        .knowing_tasks();
    let id = begin(&front, "talk", &none());
    for key in ["word", "word-2", "word-3", "word-4", "word-5"] {
        assert_eq!(asked(&get(&front, &id)), [key]);
        front.restart();
        update(&front, &id, &json!({ key: said("a") }));
    }
    front.restart();
    assert_eq!(
        status(&front, &id),
        "working",
        "this is the first time that it is cut off"
    );
    front.advance(1000);
    assert_eq!(get(&front, &id)["result"]["content"][0]["text"], "aaaaa");
    assert_eq!(begun.get(), 7);
}

#[test]
fn only_a_running_task_keeps_its_object_awake() {
    let front = front();
    let begun = front.host.now();
    let id = begin(&front, "slow", &json!({ "ms": 100_000 }));
    for beat in 1..=3 {
        assert_eq!(front.task().store.alarm(), Some(begun + beat * 30_000));
        front.advance(30_000);
    }
    let rows = front.task().store.rows_written();
    front.advance(9_999);
    assert_eq!(
        (
            status(&front, &id).as_str(),
            front.task().store.rows_written()
        ),
        ("working", rows),
        "a beat writes nothing"
    );
    front.advance(1);
    assert_eq!(status(&front, &id), "completed");
    assert_eq!(
        front.task().store.alarm(),
        Some(begun + DEFAULT_TTL_SECONDS * 1000)
    );
}

#[test]
fn a_task_is_deleted_when_its_ttl_ends() {
    let server = || {
        server()
            .with(
                Tool::new("brief", "", slow)
                    .task_optional()
                    .task_ttl(Duration::from_mins(1)),
            )
            .with(
                Tool::new("asking", "", ask)
                    .task_optional()
                    .task_ttl(Duration::from_mins(1)),
            )
    };
    for (name, arguments) in [
        ("brief", json!({ "ms": 1000 })),
        ("brief", json!({ "ms": 100_000 })),
        ("asking", none()),
    ] {
        let front = Front::new(server()).knowing_tasks();
        let id = begin(&front, name, &arguments);
        front.advance(59_999);
        assert_ne!(status(&front, &id), "failed");
        front.advance(1);
        assert!(front.task().store.is_empty(), "{name}");
        assert_eq!(front.task().store.alarm(), None, "{name}");
        let answer = front.ask("tasks/get", &json!({ "taskId": id })).answer();
        assert_eq!(refusal(&answer).1, -32602, "{name}");
        front.advance(2 * MINUTE);
        assert!(
            front.task().store.is_empty(),
            "{name}: what goes on writes nothing any more"
        );
    }
}

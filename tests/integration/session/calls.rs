use super::*;

#[test]
fn calls_run_in_parallel_up_to_a_limit() {
    let rig = Rig::new(server());
    let running: Vec<_> = (0..MAX_RUNNING)
        .map(|id| rig.post(call(id, "slow", &json!({ "ms": 1_000 }))))
        .collect();
    let refused = rig.post(call("one more", "total", &none())).answer();
    refused.refuses(429, -32000, "one more");
    assert!(
        refused.headers.contains(&("retry-after", "1".into())),
        "{refused:?}"
    );
    rig.post(notification(
        "notifications/cancelled",
        &json!({ "requestId": 0 }),
    ))
    .answer();
    rig.advance(0);
    assert_eq!(rig.ping(), 200);
    rig.advance(1_000);
    for (id, exchange) in running.iter().enumerate() {
        let answer = exchange.answer();
        if id == 0 {
            assert_eq!((answer.status, answer.text.as_str()), (202, ""));
        } else {
            assert_eq!(answer.json()["id"], id);
        }
    }
    let again: Vec<_> = (0..MAX_RUNNING)
        .map(|id| rig.post(call(id, "slow", &json!({ "ms": 1 }))))
        .collect();
    rig.advance(1);
    assert!(again.iter().all(|exchange| exchange.answer().status == 200));
}

#[test]
fn calls_with_the_same_id_each_get_their_own_answer() {
    let rig = Rig::new(server());
    let slow = rig.post(call(1, "slow", &json!({ "ms": 100 })));
    assert_eq!(
        rig.post(call(1, "total", &none())).answer().json()["result"]["content"][0]["text"],
        "0"
    );
    rig.advance(100);
    assert_eq!(
        slow.answer().json()["result"]["content"][0]["text"],
        "slept"
    );
}

#[test]
fn cancelled_calls_stop_at_once_or_after_their_cleanup() {
    let ran = Rc::new(Cell::new((false, false)));
    let (seen, tidied) = (Rc::clone(&ran), Rc::clone(&ran));
    let careless = move |sleep: Sleep| {
        let seen = Rc::clone(&seen);
        async move {
            sleep.ms(100).await;
            seen.set((true, seen.get().1));
        }
    };
    let careful = move |sleep: Sleep, cancelled: Cancelled| {
        let tidied = Rc::clone(&tidied);
        async move {
            cancelled.wait().await;
            sleep.ms(100).await;
            tidied.set((tidied.get().0, true));
            "told nobody"
        }
    };
    let rig = Rig::new(
        server()
            .tool("careless", "", careless)
            .tool("careful", "", careful),
    );
    let exchanges = [
        rig.post(call("a", "careless", &none())),
        rig.post(call("b", "careful", &none())),
    ];
    for id in ["a", "b", "nobody's"] {
        let params = json!({ "requestId": id, "reason": "changed my mind" });
        assert_eq!(
            rig.post(notification("notifications/cancelled", &params))
                .answer()
                .status,
            202
        );
    }
    rig.advance(1_000);
    for exchange in exchanges {
        let answer = exchange.answer();
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    }
    assert_eq!(ran.get(), (false, true));
}

#[test]
fn a_cancelled_prompt_may_clean_up_too() {
    let tidied = Rc::new(Cell::new(false));
    let seen = Rc::clone(&tidied);
    let careful = move |sleep: Sleep, cancelled: Cancelled| {
        let seen = Rc::clone(&seen);
        async move {
            cancelled.wait().await;
            sleep.ms(100).await;
            seen.set(true);
            "told nobody"
        }
    };
    let rig = Rig::new(server().prompt("careful", "", careful));
    let exchange = rig.post(request("a", "prompts/get", &json!({ "name": "careful" })));
    let params = json!({ "requestId": "a" });
    let cancelled = rig.post(notification("notifications/cancelled", &params));
    assert_eq!(cancelled.answer().status, 202);
    rig.advance(1_000);
    assert_eq!(exchange.answer().status, 202);
    assert!(tidied.get());
}

#[test]
fn an_unreadable_body_is_refused_with_its_status_and_code() {
    let rig = Rig::new(server());
    for (refusal, status, code) in [
        (Refusal::TooLarge, 413, -32000),
        (Refusal::NotUtf8, 400, -32700),
    ] {
        rig.send(Method::POST, &[], Err(refusal))
            .answer()
            .refuses(status, code, Value::Null);
    }
    rig.post("{").answer().refuses(400, -32700, Value::Null);
    rig.post(r#"{"jsonrpc":"1.0","id":"x","method":"ping"}"#)
        .answer()
        .refuses(400, -32600, "x");
    rig.post(request(
        3,
        "initialize",
        &json!({ "protocolVersion": "2025-11-25" }),
    ))
    .answer()
    .refuses(400, -32600, 3);
    rig.post(format!("[{}]", call(1, "total", &none())))
        .answer()
        .refuses(400, -32600, Value::Null);
    assert_eq!(rig.ping(), 200);
    assert!(rig.host.memory().is_empty());
}

#[test]
fn a_batch_is_answered_as_one_in_the_version_that_has_batches() {
    let rig = Rig::speaking(ProtocolVersion::V2025_03_26, server());
    let batch = [
        call(1, "total", &none()),
        notification("notifications/cancelled", &json!({ "requestId": 9 })),
        r#"{"jsonrpc":"1.0","id":"bad","method":"ping"}"#.to_owned(),
        call(2, "slow", &json!({ "ms": 50 })),
    ];
    let exchange = rig.post(format!("[{}]", batch.join(",")));
    rig.advance(50);
    let answers = exchange.answer().json();
    let ids: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["id"].clone())
        .collect();
    assert_eq!(ids, [json!("bad"), json!(1), json!(2)]);
    let only_told = rig
        .post(format!(
            "[{}]",
            notification("notifications/cancelled", &none())
        ))
        .answer();
    assert_eq!((only_told.status, only_told.text.as_str()), (202, ""));
    rig.post("[]").answer().refuses(400, -32600, Value::Null);
    let begins = format!(
        "[{}]",
        request(7, "initialize", &json!({ "protocolVersion": "2025-03-26" }))
    );
    rig.post(begins).answer().refuses(400, -32600, 7);
}

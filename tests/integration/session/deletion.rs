use super::*;

#[test]
fn a_deleted_session_is_answered_404_until_its_ids_expire() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    rig.post(request(1, "resources/subscribe", &json!({ "uri": "a:b" })))
        .answer()
        .refuses(200, -32601, 1);
    let stream = rig.get(None);
    let answer = rig.delete();
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert!(rig.is_closed(&stream));
    for _ in 0..2 {
        rig.post(call(5, "total", &none()))
            .answer()
            .refuses(404, -32001, Value::Null);
        rig.delete().refuses(404, -32001, Value::Null);
        rig.try_get(None)
            .unwrap_err()
            .refuses(404, -32001, Value::Null);
        rig.try_get(Some("a1a1a1a1-0-1"))
            .unwrap_err()
            .refuses(404, -32001, Value::Null);
        rig.restart();
    }
    rig.advance(MAX_AGE_MS - 1);
    assert_eq!(rig.ping(), 404);
    rig.advance(MAX_AGE_MS);
    assert!(rig.host.memory().is_empty());
}

#[test]
fn a_deleted_session_without_stored_state_is_answered_404() {
    let rig = Rig::new(server());
    assert_eq!(rig.delete().status, 204);
    rig.restart();
    assert_eq!(rig.ping(), 404);
}

#[test]
fn deletion_stops_running_calls_and_their_later_writes() {
    let late = async |sleep: Sleep, cancelled: Cancelled, counter: Session<Counter>| {
        sleep.ms(100).await;
        assert!(cancelled.is_cancelled());
        let kept = counter.update(|counter| counter.total = 77);
        kept.map_or_else(|error| error.to_string(), |()| "kept".to_owned())
    };
    let rig = Rig::new(server().tool("late", "", late));
    increment_to(&rig, "1");
    let careful = rig.post(call("l", "late", &none()));
    let careless = rig.post(call("s", "slow", &json!({ "ms": 1_000 })));
    assert!(careful.is_open() && careless.is_open());
    assert_eq!(rig.delete().status, 204);
    rig.advance(2_000);
    for exchange in [careful, careless] {
        let answer = exchange.answer();
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (202, ""),
            "nobody is answered"
        );
    }
    rig.restart();
    assert_eq!(rig.ping(), 404);
    rig.advance(3 * MAX_AGE_MS);
    assert!(rig.host.memory().is_empty());
}

use super::*;

#[test]
fn an_idle_session_ends_and_is_forgotten_when_its_ids_expire() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    rig.advance(IDLE_MS - 1);
    assert!(!rig.host.memory().is_empty());
    rig.advance(1);
    rig.post(call(5, "total", &none()))
        .answer()
        .refuses(404, -32001, Value::Null);
    assert_eq!(rig.delete().status, 404);
    assert!(rig.try_get(None).is_err_and(|answer| answer.status == 404));
    rig.restart();
    assert_eq!(
        rig.ping(),
        404,
        "that it has ended is not forgotten by sleeping"
    );
    rig.advance(MAX_AGE_MS - 1);
    assert_eq!(rig.ping(), 404);
    rig.advance(MAX_AGE_MS);
    assert!(rig.host.memory().is_empty());
    assert_eq!(rig.host.memory().alarm(), None);
}

#[test]
fn an_idle_session_that_slept_ends_too() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    rig.restart();
    rig.advance(IDLE_MS + IDLE_MS / 4);
    rig.restart();
    assert_eq!(rig.ping(), 404);
}

#[test]
fn an_idle_session_closes_its_streams() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    let stream = rig.get(None);
    assert!(!rig.is_closed(&stream));
    rig.advance(IDLE_MS + 1);
    assert!(rig.is_closed(&stream));
}

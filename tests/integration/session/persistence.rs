use super::*;

#[test]
fn calls_that_change_nothing_write_nothing() {
    let rig = Rig::new(server());
    for _ in 0..100 {
        assert_eq!(rig.text("total", &none()), "0");
        rig.advance(IDLE_MS / 2);
    }
    assert!(rig.host.memory().is_empty());
    assert_eq!(rig.host.memory().alarms_ordered(), 0);
}

#[test]
fn a_change_of_state_writes_one_row() {
    let rig = Rig::new(server());
    for total in ["1", "2", "3"] {
        increment_to(&rig, total);
    }
    assert_eq!(rig.host.memory_rows(), 3);
    assert_eq!(
        rig.host.memory().alarms_ordered(),
        1,
        "the first one orders the end"
    );
}

#[test]
fn a_used_session_is_kept_by_an_occasional_row() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    for _ in 0..40 {
        rig.advance(IDLE_MS / 10);
        assert_eq!(
            rig.text("total", &none()),
            "1",
            "it has not ended by {}",
            rig.now() - START
        );
    }
    let rows = rig.host.memory_rows() - 1;
    assert!((15..=25).contains(&rows), "{rows} rows in four idle times");
}

#[test]
fn a_written_state_outlives_the_objects_sleep() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    rig.restart();
    increment_to(&rig, "2");
    rig.restart();
    rig.restart();
    assert_eq!(rig.text("total", &none()), "2");
}

#[test]
fn a_failed_write_hides_its_cause_and_changes_no_state() {
    let rig = Rig::new(server());
    increment_to(&rig, "1");
    rig.host.memory().set_broken(true);
    let answer = rig.post(call(1, "increment", &none())).answer();
    let result = &answer.json()["result"];
    assert_eq!(result["isError"], true, "{answer:?}");
    assert!(
        !answer.text.contains("fire") && answer.text.contains("Try again"),
        "{answer:?}"
    );
    assert_eq!(rig.text("total", &none()), "1");
    rig.restart();
    rig.post(call(1, "total", &none()))
        .answer()
        .refuses(500, -32603, Value::Null);
    assert!(
        rig.host
            .warnings
            .borrow()
            .iter()
            .any(|warning| warning.contains("fire"))
    );
    rig.host.memory().set_broken(false);
    increment_to(&rig, "2");
}

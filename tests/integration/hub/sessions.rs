//! Sessions that joined: which of them a notice reaches, and when they are forgotten.

use durable_core::runtime::Runtime;
use durable_core::wire::RuntimeError;
use durable_mcp_worker::hub::{ASK_AGAIN_MS, JOINED_MS};
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::testing::doubles::host::START;

use super::{Rig, listener, tools};

#[test]
fn a_session_without_a_stream_is_notified_while_its_client_may_resume() {
    let rig = Rig::new();
    rig.join("a", START + 100_000);
    rig.hub.leave("a", START + 1_000).unwrap();
    rig.hub.leave("unknown", START + 1_000).unwrap();
    rig.publish(&tools());
    assert_eq!(rig.told(), ["a"]);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("a".to_owned(), Ok(false));
    rig.pass(1_000);
    assert!(rig.host.sessions.borrow().is_empty());
}

#[test]
fn a_session_is_checked_after_a_day_and_again_if_it_cannot_answer() {
    let rig = Rig::new();
    for object in ["cut off", "failing", "here"] {
        rig.join(object, START + 30 * JOINED_MS);
    }
    let outcomes = [
        ("cut off", Ok(false)),
        ("failing", Err(RuntimeError("overloaded".to_owned()))),
    ];
    rig.host
        .outcomes
        .borrow_mut()
        .extend(outcomes.map(|(object, outcome)| (object.to_owned(), outcome)));
    rig.pass(JOINED_MS);
    assert!(
        rig.host
            .told
            .take()
            .iter()
            .all(|(_, publication)| Publication::is_question(&publication.about))
    );
    assert_eq!(
        rig.host
            .sessions
            .borrow()
            .keys()
            .cloned()
            .collect::<Vec<_>>(),
        ["failing", "here"]
    );
    assert_eq!(*rig.runtime.warnings.borrow(), ["overloaded"]);
    assert_eq!(rig.host.alarm(), Some(rig.runtime.now() + ASK_AGAIN_MS));
    rig.host
        .outcomes
        .borrow_mut()
        .insert("failing".to_owned(), Ok(false));
    rig.pass(ASK_AGAIN_MS);
    assert_eq!(
        rig.host
            .sessions
            .borrow()
            .keys()
            .cloned()
            .collect::<Vec<_>>(),
        ["here"]
    );
}

#[test]
fn a_change_reaches_all_joined_sessions_but_its_origin() {
    let rig = Rig::new();
    for object in ["a", "b", "c"] {
        rig.join(object, START + 1000);
    }
    rig.join("a", START + 1000);
    rig.publish(&Publication {
        except: Some("b".to_owned()),
        ..tools()
    });
    assert_eq!(rig.told(), ["a", "c"]);
    rig.publish(&Publication {
        user: Some("ann".to_owned()),
        ..tools()
    });
    assert_eq!(
        rig.told(),
        [""; 0],
        "what concerns a user concerns no session"
    );
}

#[test]
fn sessions_without_listeners_are_forgotten_unreachable_ones_kept() {
    let rig = Rig::new();
    for object in ["away", "failing", "here"] {
        rig.join(object, START + 1000);
    }
    let outcomes = [
        ("away", Ok(false)),
        ("failing", Err(RuntimeError("overloaded".to_owned()))),
    ];
    rig.host
        .outcomes
        .borrow_mut()
        .extend(outcomes.map(|(object, outcome)| (object.to_owned(), outcome)));
    let mut stream = rig.open(&listener(None));
    rig.publish(&tools());
    assert_eq!(rig.told(), ["away", "failing", "here"]);
    rig.publish(&tools());
    assert_eq!(rig.told(), ["failing", "here"]);
    assert_eq!(stream.heard(), 2);
    assert_eq!(*rig.runtime.warnings.borrow(), ["overloaded", "overloaded"]);
}

#[test]
fn an_expired_session_without_listeners_is_forgotten() {
    let rig = Rig::new();
    rig.join("a", START + 1000);
    rig.join("b", START + 2000);
    rig.join("a", START + 3000);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("b".to_owned(), Ok(false));
    rig.pass(2000);
    assert_eq!(rig.told(), ["b"]);
    rig.publish(&tools());
    assert_eq!(rig.told(), ["a"]);
    rig.pass(999);
    assert_eq!(rig.host.sessions.borrow().len(), 1);
    rig.host
        .outcomes
        .borrow_mut()
        .insert("a".to_owned(), Ok(false));
    rig.pass(1);
    assert_eq!(rig.told(), ["a"]);
    assert!(rig.host.sessions.borrow().is_empty());
    assert_eq!(rig.host.alarm(), None);
}

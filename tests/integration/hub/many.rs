//! Very many joined sessions: no event notifies more than it may.

use durable_core::limits::OPERATIONS_AN_INVOCATION;
use durable_mcp_worker::hub::{JOINED_MS, SESSIONS_A_TURN};

use super::*;

/// Joins `count` sessions, and returns their ids.
fn joined(rig: &Rig, count: usize) -> Vec<String> {
    let objects: Vec<_> = (0..count).map(|number| format!("{number:05}")).collect();
    for object in &objects {
        rig.host
            .sessions
            .borrow_mut()
            .insert(object.clone(), START + JOINED_MS);
    }
    objects
}

#[test]
fn very_many_sessions_are_notified_in_turns() {
    let rig = Rig::new();
    let objects = joined(&rig, 2 * SESSIONS_A_TURN + 200);
    rig.publish(&Publication {
        except: Some("00001".to_owned()),
        ..tools()
    });
    let mut told = rig.told();
    assert_eq!(told.len(), SESSIONS_A_TURN - 1);
    rig.pass(0);
    rig.pass(0);
    told.extend(rig.told());
    let expected: Vec<_> = objects
        .iter()
        .filter(|object| *object != "00001")
        .cloned()
        .collect();
    assert_eq!(told, expected);
    rig.pass(0);
    assert_eq!(rig.told(), [""; 0]);
    assert_eq!(
        rig.host.alarm(),
        Some(START + JOINED_MS),
        "nothing is left to tell"
    );
}

#[test]
fn a_repeated_change_is_delivered_once_more_to_many_sessions() {
    let rig = Rig::new();
    let objects = joined(&rig, SESSIONS_A_TURN + 10);
    rig.publish(&tools());
    for _ in 0..100 {
        rig.publish(&tools());
    }
    assert_eq!(rig.told().len(), SESSIONS_A_TURN);
    rig.publish(&Publication::of(&Change::Prompts));
    assert_eq!(
        rig.told().len(),
        SESSIONS_A_TURN,
        "something else is told at once"
    );
    (0..10).for_each(|_| rig.pass(0));
    assert_eq!(rig.told().len(), 10 + 10 + objects.len());
}

#[test]
fn a_constantly_repeated_change_delays_no_other() {
    let rig = Rig::new();
    let objects = joined(&rig, SESSIONS_A_TURN + 10);
    let [busy, other] = [Change::Prompts, Change::Tools].map(|change| Publication::of(&change));
    rig.publish(&busy);
    rig.publish(&other);
    for _ in 0..4 {
        rig.publish(&busy);
        rig.pass(0);
    }
    let told = rig.host.told.take();
    let of_other: Vec<_> = told
        .iter()
        .filter(|(_, publication)| *publication == other)
        .map(|(object, _)| object)
        .collect();
    assert_eq!(of_other, objects.iter().collect::<Vec<_>>());
}

#[test]
fn sessions_behind_an_interrupted_turn_are_still_notified() {
    let rig = Rig::new();
    let objects = joined(&rig, SESSIONS_A_TURN + 10);
    rig.host.stalled.set(true);
    let publication = tools();
    let mut cut_off = Box::pin(rig.hub.publish(&publication));
    assert!((&mut cut_off).now_or_never().is_none());
    drop(cut_off);
    rig.told();
    rig.host.stalled.set(false);
    let again = Rig {
        hub: Hub::new(Rc::clone(&rig.host) as _),
        ..rig
    };
    again.pass(0);
    assert_eq!(again.told(), objects[SESSIONS_A_TURN..]);
}

#[test]
fn very_many_expired_sessions_are_checked_in_turns() {
    let rig = Rig::new();
    let count = joined(&rig, 450).len() + 1;
    rig.join("another", START + 30 * JOINED_MS);
    rig.pass(JOINED_MS);
    let mut asked = rig.told();
    assert_eq!(asked.len(), OPERATIONS_AN_INVOCATION / 5);
    for _ in 0..2 {
        rig.pass(0);
        asked.extend(rig.told());
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), count);
}

//! Conformance of every store. `tests/e2e/sessions/store.test.mjs` asks as much of the platform's own.

use std::cell::Cell;
use std::rc::Rc;

use durable_mcp_protocol::log_level::LogLevel;
use durable_mcp_worker::session::store::{Kept, Store};
use durable_mcp_worker::testing::doubles::memory_store::MemoryStore;

const STREAM: u64 = 7;
const ALL: usize = usize::MAX;

/// Checks a new store.
#[expect(clippy::too_many_lines, reason = "one list of claims for each store")]
fn conforms(store: &dyn Store) {
    assert_eq!(store.load(), Ok(Kept::default()), "a new store is empty");
    assert_eq!(store.state("S"), Ok(None));
    assert_eq!(store.events(STREAM, 0, ALL), Ok(vec![]));
    assert_eq!(store.prune_events(u64::MAX), Ok(None));
    assert_eq!(store.rows_written(), 0, "reading writes nothing");

    writes_a_row(store, || store.put_state("S", "1"));
    writes_a_row(store, || store.put_state("T", "{}"));
    writes_a_row(store, || store.put_state("S", "2"));
    assert_eq!(
        store.state("S"),
        Ok(Some("2".to_owned())),
        "the last value stays"
    );
    assert_eq!(
        store.state("T"),
        Ok(Some("{}".to_owned())),
        "states do not touch each other"
    );
    assert_eq!(store.state("s"), Ok(None), "names are told apart by case");
    let kept = store.load().unwrap();
    assert!(kept.anything && !kept.ended && kept.used > 0);

    for level in [LogLevel::Error, LogLevel::Debug, LogLevel::Warning] {
        writes_a_row(store, || store.put_log_level(level));
        assert_eq!(
            store.load().unwrap().log_level,
            Some(level),
            "the last level stays"
        );
    }

    for uri in ["a:b", "a:a", "a:b", "%"] {
        writes_a_row(store, || store.put_subscription(uri, true));
    }
    writes_a_row(store, || store.put_subscription("a:a", false));
    let mut subscriptions = store.load().unwrap().subscriptions;
    subscriptions.sort();
    assert_eq!(
        subscriptions,
        ["%", "a:b"],
        "each once, and none that was given up"
    );

    for (sequence, expires) in [(10, 300), (2, 100), (u64::MAX - 1, 200)] {
        writes_a_row(store, || {
            store.put_event(STREAM, sequence, &format!("data: {sequence}\n\n"), expires)
        });
    }
    writes_a_row(store, || store.put_event(STREAM + 1, 3, "another's", 100));
    let numbers = |after| {
        store
            .events(STREAM, after, ALL)
            .unwrap()
            .into_iter()
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        numbers(0),
        [2, 10, u64::MAX - 1],
        "events come in order, of that stream only"
    );
    assert_eq!(numbers(2), [10, u64::MAX - 1], "and only later ones");
    assert_eq!(
        store.events(STREAM, 9, 1),
        Ok(vec![(10, "data: 10\n\n".to_owned())]),
        "no more than is enough"
    );
    assert_eq!(
        store.events(STREAM, 0, 10).unwrap().len(),
        2,
        "and none that is cut"
    );
    assert_eq!(
        store.prune_events(99),
        Ok(Some(100)),
        "nothing has expired, and the next does at 100"
    );
    assert_eq!(store.prune_events(100), Ok(Some(200)));
    assert_eq!(numbers(0), [10, u64::MAX - 1]);
    assert_eq!(store.prune_events(1000), Ok(None));
    assert_eq!(numbers(0), [0; 0]);

    let later = store.load().unwrap().used + 1_000_000;
    writes_a_row(store, || store.put_used(later));
    assert_eq!(store.load().unwrap().used, later);

    writes_a_row(store, || store.put_event(STREAM, 1, "x", 100));
    writes_a_row(store, || store.end());
    let kept = store.load().unwrap();
    assert!(kept.anything && kept.ended);
    assert_eq!(
        (kept.log_level, kept.subscriptions),
        (None, vec![]),
        "only the end is kept"
    );
    assert_eq!(store.state("S"), Ok(None));
    assert_eq!(store.events(STREAM, 0, ALL), Ok(vec![]));
    assert!(
        store.put_state("S", "3").is_err(),
        "what has ended takes nothing any more"
    );
    assert!(store.load().unwrap().ended);

    store.clear();
    assert_eq!(store.load(), Ok(Kept::default()), "as if it had never been");
    writes_a_row(store, || store.put_state("S", "4"));
    assert_eq!(store.state("S"), Ok(Some("4".to_owned())));
}

fn writes_a_row(
    store: &dyn Store,
    write: impl FnOnce() -> Result<(), durable_mcp_worker::session::store::StoreError>,
) {
    let before = store.rows_written();
    assert_eq!(write(), Ok(()));
    assert_eq!(store.rows_written() - before, 1);
}

#[test]
fn the_memory_store_passes_the_conformance_checks() {
    conforms(&MemoryStore::new(Rc::new(Cell::new(1_000))));
}

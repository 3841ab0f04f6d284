//! Records of clients that were read or written a moment ago: the steps of a sign-in follow each other within seconds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;

use crate::port::{Kv, KvFuture, KvPage};

/// Most records that one isolate caches: each has some kilobytes at most.
const MAX_KNOWN: usize = 256;

/// Cache of client records in one isolate: by KV key, the time of caching in milliseconds since 1970 and the record.
#[derive(Default)]
pub(crate) struct KnownClients(RefCell<BTreeMap<String, (u64, String)>>);

/// Workers KV behind the cache, read for records that the cache does not hold.
pub(crate) struct KnowingKv<'a> {
    pub(crate) kv: &'a dyn Kv,
    pub(crate) known: &'a KnownClients,
    pub(crate) now: u64,
    /// Time for which a cached record is used.
    pub(crate) known_for: Duration,
}

fn elapsed(now: u64, since: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(since))
}

impl KnownClients {
    fn get(&self, key: &str, now: u64, known_for: Duration) -> Option<String> {
        let known = self.0.borrow();
        known
            .get(key)
            .filter(|(since, _)| elapsed(now, *since) < known_for)
            .map(|(_, record)| record.clone())
    }

    fn put(&self, key: &str, record: &str, now: u64, known_for: Duration) {
        let mut known = self.0.borrow_mut();
        if known.len() >= MAX_KNOWN {
            known.retain(|_, (since, _)| elapsed(now, *since) < known_for);
        }
        if known.len() < MAX_KNOWN {
            known.insert(key.to_owned(), (now, record.to_owned()));
        }
    }

    fn forget(&self, key: &str) {
        self.0.borrow_mut().remove(key);
    }
}

impl Kv for KnowingKv<'_> {
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<String>> {
        async move {
            if let Some(known) = self.known.get(key, self.now, self.known_for) {
                return Ok(Some(known));
            }
            let record = self.kv.get(key).await?;
            // The absence of a record is not cached: it may be put at any moment.
            if let Some(record) = &record {
                self.known.put(key, record, self.now, self.known_for);
            }
            Ok(record)
        }
        .boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        expires: u64,
        metadata: Option<&'a str>,
    ) -> KvFuture<'a, ()> {
        async move {
            self.known.forget(key);
            self.kv.put(key, value, expires, metadata).await?;
            self.known.put(key, value, self.now, self.known_for);
            Ok(())
        }
        .boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, ()> {
        async move {
            let deleted = self.kv.delete(key).await;
            // After the deletion, so that a record that was read meanwhile goes too.
            self.known.forget(key);
            deleted
        }
        .boxed_local()
    }

    fn page<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> KvFuture<'a, KvPage> {
        self.kv.page(prefix, cursor, limit)
    }
}

impl fmt::Debug for KnownClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownClients").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::testing::{KvCall, MemoryKv};

    const KNOWN_MS: u64 = 10_000;
    const KNOWN_FOR: Duration = Duration::from_millis(KNOWN_MS);
    const NOW: u64 = 1_700_000_000_000;
    const NEVER: u64 = NOW;

    #[test]
    fn a_client_record_is_cached_briefly_and_own_changes_are_seen_at_once() {
        let (kv, known) = (MemoryKv::at(NOW), KnownClients::default());
        block_on(kv.put("client:a", "1", NEVER, None)).unwrap();
        let at = |now| KnowingKv {
            kv: &kv,
            known: &known,
            now,
            known_for: KNOWN_FOR,
        };
        for now in [NOW, NOW + KNOWN_MS - 1] {
            assert_eq!(block_on(at(now).get("client:a")), Ok(Some("1".to_owned())));
        }
        assert_eq!(kv.count(KvCall::Get), 1);
        block_on(at(NOW).get("client:a")).unwrap();
        block_on(at(NOW + KNOWN_MS).get("client:a")).unwrap();
        assert_eq!(kv.count(KvCall::Get), 2);
        block_on(at(NOW).put("client:a", "2", NEVER, None)).unwrap();
        assert_eq!(block_on(at(NOW).get("client:a")), Ok(Some("2".to_owned())));
        assert_eq!(kv.count(KvCall::Get), 2);
        block_on(at(NOW).delete("client:a")).unwrap();
        assert_eq!(block_on(at(NOW).get("client:a")), Ok(None));
        block_on(kv.put("client:a", "3", NEVER, None)).unwrap();
        assert_eq!(block_on(at(NOW).get("client:a")), Ok(Some("3".to_owned())));
    }

    #[test]
    fn the_number_of_cached_client_records_is_limited() {
        let known = KnownClients::default();
        for at in 0..=MAX_KNOWN {
            known.put(&at.to_string(), "x", NOW, KNOWN_FOR);
        }
        assert_eq!(known.get(&MAX_KNOWN.to_string(), NOW, KNOWN_FOR), None);
        known.put("later", "x", NOW + KNOWN_MS, KNOWN_FOR);
        assert_eq!(known.0.borrow().len(), 1);
    }
}

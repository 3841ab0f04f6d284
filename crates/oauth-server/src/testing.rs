//! Test doubles of the runtime: a store that fails on demand, and reproducible randomness.

mod lost_writes;
mod web;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::lost_writes::{LostWrites, UnfinishedWrite, Write};
pub use self::web::MemoryWeb;
use durable_core::limits::{
    KV_KEY_BYTES, KV_LEAST_SECONDS, KV_METADATA_BYTES, KV_PAGE_KEYS, KV_VALUE_BYTES,
    OPERATIONS_AN_INVOCATION,
};
use durable_core::runtime::Random;
use durable_core::wire::RuntimeError;

use super::port::{Kv, KvFuture, KvPage};

/// Operations of one invocation, which may not make more than the platform allows.
#[derive(Debug, Clone, Default)]
pub struct Invocation(Rc<Cell<usize>>);

impl Invocation {
    /// Counts an operation of KV, or a request to an object.
    ///
    /// # Errors
    /// When the invocation has made as many as it may.
    pub fn spend(&self) -> Result<(), RuntimeError> {
        if self.0.get() >= OPERATIONS_AN_INVOCATION {
            return Err(RuntimeError(
                "too many operations by a single invocation".to_owned(),
            ));
        }
        self.0.set(self.0.get() + 1);
        Ok(())
    }

    /// Operations so far.
    #[must_use]
    pub fn spent(&self) -> usize {
        self.0.get()
    }
}

/// A call on the store, counted from 1 among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvCall {
    /// A get.
    Get,
    /// A put.
    Put,
    /// A delete.
    Delete,
    /// A listing.
    List,
}

#[derive(Debug, Clone)]
struct StoredValue {
    value: String,
    expires: u64,
    metadata: Option<String>,
}

/// Failure of a call, before or after its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// Without effect.
    Before,
    /// With its effect, of which the caller is not told.
    After,
}

/// A store in memory, with a clock of its own. Every call waits a turn, so that tasks that run together interleave.
#[derive(Debug, Default)]
pub struct MemoryKv {
    records: RefCell<BTreeMap<String, StoredValue>>,
    /// In milliseconds since 1970.
    now: Cell<u64>,
    calls: RefCell<Vec<(KvCall, String)>>,
    failures: RefCell<Vec<(KvCall, usize, Failure)>>,
    down: Cell<bool>,
    invocation: RefCell<Option<Invocation>>,
    weather: LostWrites,
    /// The most keys of a page, where they are fewer than the platform's.
    page_keys: Cell<Option<usize>>,
}

impl MemoryKv {
    /// An empty store at that time, in milliseconds since 1970.
    #[must_use]
    pub fn at(now: u64) -> Self {
        Self {
            now: Cell::new(now),
            ..Self::default()
        }
    }

    /// The time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Limits pages of listings to that many keys from now on.
    pub fn shorten_pages(&self, keys: usize) {
        self.page_keys.set(Some(keys));
    }

    /// Lets time pass.
    pub fn pass_ms(&self, ms: u64) {
        self.now.set(self.now.get().saturating_add(ms));
        self.arrive(ms > 0);
    }

    /// From now on every operation has a turn between its effect and its answer, so that callers can die there, too. A write
    /// whose caller dies takes effect later, or never, by the seed.
    pub fn roughen(&self, seed: u64) {
        self.weather.roughen(seed);
    }

    fn arrive(&self, all: bool) {
        for (key, record) in self.weather.arrivals(all) {
            match record {
                Some(record) => drop(self.records.borrow_mut().insert(key, record)),
                None => drop(self.records.borrow_mut().remove(&key)),
            }
        }
    }

    /// The `nth` call of that kind from now on fails and does nothing; 1 is the next.
    pub fn fail(&self, call: KvCall, nth: usize) {
        let at = self.count(call) + nth;
        self.failures.borrow_mut().push((call, at, Failure::Before));
    }

    /// The `nth` call of that kind from now on does its work and fails; 1 is the next.
    pub fn fail_after(&self, call: KvCall, nth: usize) {
        let at = self.count(call) + nth;
        self.failures.borrow_mut().push((call, at, Failure::After));
    }

    /// Makes every call fail while `down` is true.
    pub fn set_down(&self, down: bool) {
        self.down.set(down);
    }

    /// Counts calls for an invocation from now on, or for none; returns the one before.
    pub fn charge(&self, invocation: Option<Invocation>) -> Option<Invocation> {
        self.invocation.replace(invocation)
    }

    /// Number of calls of that kind so far.
    #[must_use]
    pub fn count(&self, call: KvCall) -> usize {
        self.calls
            .borrow()
            .iter()
            .filter(|(kind, _)| *kind == call)
            .count()
    }

    /// The keys of the calls of that kind, in order.
    #[must_use]
    pub fn called(&self, call: KvCall) -> Vec<String> {
        let calls = self.calls.borrow();
        calls
            .iter()
            .filter(|(kind, _)| *kind == call)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// The living keys that begin with `prefix`.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let (records, now) = (self.records.borrow(), self.now_s());
        let living = records
            .iter()
            .filter(|(key, record)| key.starts_with(prefix) && record.expires > now);
        living.map(|(key, _)| key.clone()).collect()
    }

    /// A living value, without a call.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<String> {
        let records = self.records.borrow();
        records
            .get(key)
            .filter(|record| record.expires > self.now_s())
            .map(|record| record.value.clone())
    }

    /// Expiry of a record, in seconds since 1970.
    #[must_use]
    pub fn expiry(&self, key: &str) -> Option<u64> {
        self.records.borrow().get(key).map(|record| record.expires)
    }

    /// Sets a value that stays, without a call: what another program wrote.
    pub fn set(&self, key: &str, value: &str) {
        let record = StoredValue {
            value: value.to_owned(),
            expires: u64::MAX,
            metadata: None,
        };
        self.records.borrow_mut().insert(key.to_owned(), record);
    }

    fn now_s(&self) -> u64 {
        self.now.get() / 1000
    }

    /// Counts the call, waits a turn, and does `work` unless it is to fail.
    async fn call<T>(
        &self,
        call: KvCall,
        key: &str,
        write: Option<Write>,
        work: impl FnOnce() -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        self.arrive(false);
        self.calls.borrow_mut().push((call, key.to_owned()));
        let count = self.count(call);
        let fault = || RuntimeError(format!("{call:?} number {count} fails"));
        self.invocation
            .borrow()
            .as_ref()
            .map_or(Ok(()), Invocation::spend)?;
        if key.len() > KV_KEY_BYTES {
            return Err(RuntimeError(format!("a key of {} bytes", key.len())));
        }
        let mut flight = UnfinishedWrite::new(&self.weather, write);
        Turn(false).await;
        flight.land();
        if self.down.get() {
            return Err(fault());
        }
        let failure = self
            .failures
            .borrow()
            .iter()
            .find(|(kind, at, _)| *kind == call && *at == count)
            .copied();
        let outcome = match failure {
            None => work(),
            Some((.., Failure::Before)) => Err(fault()),
            Some((.., Failure::After)) => work().and_then(|_| Err(fault())),
        };
        if self.weather.is_rough() {
            Turn(false).await;
        }
        outcome
    }
}

impl Kv for MemoryKv {
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<String>> {
        self.call(KvCall::Get, key, None, || Ok(self.value(key)))
            .boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        expires: u64,
        metadata: Option<&'a str>,
    ) -> KvFuture<'a, ()> {
        let record = StoredValue {
            value: value.to_owned(),
            expires,
            metadata: metadata.map(str::to_owned),
        };
        let write = (key.to_owned(), Some(record.clone()));
        let work = move || {
            if expires < self.now_s() + KV_LEAST_SECONDS {
                return Err(RuntimeError(format!("{key} expires too soon: {expires}")));
            }
            let metadata = metadata.map_or(0, |metadata| Value::from(metadata).to_string().len());
            if value.len() > KV_VALUE_BYTES || metadata > KV_METADATA_BYTES {
                return Err(RuntimeError(format!(
                    "{key} has {} bytes and {metadata} beside it",
                    value.len()
                )));
            }
            self.records
                .borrow_mut()
                .insert(key.to_owned(), record.clone());
            Ok(())
        };
        self.call(KvCall::Put, key, Some(write), work).boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, ()> {
        let work = || {
            self.records.borrow_mut().remove(key);
            Ok(())
        };
        self.call(KvCall::Delete, key, Some((key.to_owned(), None)), work)
            .boxed_local()
    }

    fn page<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> KvFuture<'a, KvPage> {
        let limit = limit.min(self.page_keys.get().unwrap_or(KV_PAGE_KEYS));
        let work = move || {
            let names: Vec<_> = self
                .keys(prefix)
                .into_iter()
                .filter(|key| cursor.is_none_or(|cursor| key.as_str() > cursor))
                .collect();
            let more = names.len() > limit;
            let records = self.records.borrow();
            let keys: Vec<_> = names
                .iter()
                .take(limit)
                .map(|name| {
                    let record = records.get(name);
                    (
                        name.clone(),
                        record.and_then(|record| record.metadata.clone()),
                    )
                })
                .collect();
            let cursor = keys.last().filter(|_| more).map(|(name, _)| name.clone());
            Ok(KvPage { keys, cursor })
        };
        self.call(KvCall::List, prefix, None, work).boxed_local()
    }
}

/// Lets every other task go first, once.
struct Turn(bool);

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Reproducible randomness: the same bytes for the same seed.
#[derive(Debug, Default)]
pub struct SeededRandom {
    seed: u64,
    count: Cell<u64>,
    fails: Cell<bool>,
}

impl SeededRandom {
    /// Randomness from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Makes every call fail while `down` is true.
    pub fn set_down(&self, down: bool) {
        self.fails.set(down);
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        if self.fails.get() {
            return Err(RuntimeError("no randomness".to_owned()));
        }
        for chunk in bytes.chunks_mut(32) {
            let count = self.count.replace(self.count.get().wrapping_add(1));
            let block = Sha256::digest([self.seed.to_be_bytes(), count.to_be_bytes()].concat());
            chunk
                .iter_mut()
                .zip(block)
                .for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::future::join;

    use super::*;

    const NOW: u64 = 1_700_000_000_000;
    const LATER: u64 = NOW / 1000 + 100;

    #[test]
    fn a_stored_record_is_there_until_it_expires() {
        block_on(async {
            let kv = MemoryKv::at(NOW);
            kv.put("a:1", "one", LATER, Some("beside")).await.unwrap();
            assert_eq!(kv.get("a:1").await, Ok(Some("one".to_owned())));
            assert_eq!(kv.expiry("a:1"), Some(LATER));
            kv.pass_ms(100_000);
            assert_eq!(kv.get("a:1").await, Ok(None));
            assert!(kv.list("a:", None).await.unwrap().keys.is_empty());
        });
    }

    #[test]
    fn a_record_that_expires_too_soon_is_refused() {
        let kv = MemoryKv::at(NOW);
        assert!(block_on(kv.put("a", "one", NOW / 1000 + KV_LEAST_SECONDS - 1, None)).is_err());
        assert!(block_on(kv.put("a", "one", NOW / 1000 + KV_LEAST_SECONDS, None)).is_ok());
    }

    #[test]
    fn a_chosen_call_fails_before_or_after_its_effect() {
        block_on(async {
            let kv = MemoryKv::at(NOW);
            kv.fail(KvCall::Put, 2);
            kv.fail_after(KvCall::Put, 3);
            kv.fail(KvCall::Delete, 1);
            assert!(kv.put("a", "1", LATER, None).await.is_ok());
            assert!(kv.put("b", "1", LATER, None).await.is_err());
            assert!(kv.put("c", "1", LATER, None).await.is_err());
            assert!(kv.delete("a").await.is_err());
            assert_eq!(kv.keys(""), ["a", "c"]);
            assert_eq!(kv.called(KvCall::Put), ["a", "b", "c"]);
            assert!(kv.delete("a").await.is_ok());
            kv.set_down(true);
            assert!(kv.get("c").await.is_err());
        });
    }

    #[test]
    fn a_listing_continues_at_its_cursor() {
        block_on(async {
            let kv = MemoryKv::at(NOW);
            for n in 0..150 {
                kv.put(&format!("a:{n:03}"), "", LATER, Some(&n.to_string()))
                    .await
                    .unwrap();
            }
            kv.put("b:1", "", LATER, None).await.unwrap();
            let first = kv.page("a:", None, 100).await.unwrap();
            let second = kv.page("a:", first.cursor.as_deref(), 100).await.unwrap();
            assert_eq!(
                (first.keys.len(), second.keys.len(), second.cursor),
                (100, 50, None)
            );
            assert_eq!(second.keys[0], ("a:100".to_owned(), Some("100".to_owned())));
        });
    }

    #[test]
    fn a_listing_returns_at_most_a_thousand_keys() {
        let kv = MemoryKv::at(NOW);
        for n in 0..1_001 {
            kv.set(&format!("a:{n:04}"), "");
        }
        let page = block_on(kv.page("a:", None, 5_000)).unwrap();
        assert_eq!(
            (page.keys.len(), page.cursor.as_deref()),
            (1_000, Some("a:0999"))
        );
    }

    #[test]
    fn an_invocation_may_make_a_thousand_operations() {
        let kv = MemoryKv::at(NOW);
        kv.charge(Some(Invocation::default()));
        assert!((0..1_000).all(|_| block_on(kv.get("a")).is_ok()));
        assert!(block_on(kv.get("a")).is_err());
        kv.charge(Some(Invocation::default()));
        assert!(
            block_on(kv.get("a")).is_ok(),
            "the next invocation has its own"
        );
    }

    #[test]
    fn sizes_of_keys_values_and_metadata_are_those_of_the_platform() {
        let kv = MemoryKv::at(NOW);
        let put = |key: usize, value: usize, metadata: usize| {
            block_on(kv.put(
                &"k".repeat(key),
                &"v".repeat(value),
                LATER,
                Some(&"b".repeat(metadata)),
            ))
            .is_ok()
        };
        assert!(put(512, 25 * 1024 * 1024, 1_022));
        assert!(!put(513, 1, 1) && !put(1, 25 * 1024 * 1024 + 1, 1) && !put(1, 1, 1_023));
        assert!(block_on(kv.get(&"k".repeat(513))).is_err());
    }

    #[test]
    fn tasks_that_run_together_interleave() {
        let kv = MemoryKv::at(NOW);
        let task = async |name: &str| {
            let _ = kv.get(name).await;
            kv.put(name, "", LATER, None).await
        };
        let _ = block_on(join(task("a"), task("b")));
        let calls: Vec<_> = kv
            .calls
            .borrow()
            .iter()
            .map(|(call, key)| format!("{call:?} {key}"))
            .collect();
        assert_eq!(calls, ["Get a", "Get b", "Put a", "Put b"]);
    }

    #[test]
    fn seeded_randomness_repeats_for_the_same_seed_alone() {
        let bytes = |random: &SeededRandom| {
            let mut bytes = [0; 40];
            random.fill(&mut bytes).unwrap();
            bytes
        };
        let (one, same, other) = (
            SeededRandom::new(1),
            SeededRandom::new(1),
            SeededRandom::new(2),
        );
        let first = bytes(&one);
        assert_eq!(first, bytes(&same));
        assert!(first != bytes(&one) && first != bytes(&other));
        other.set_down(true);
        assert!(other.fill(&mut [0; 4]).is_err());
    }
}

//! The provider's port for Workers KV, which the runtime implements.

use durable_core::limits::KV_PAGE_KEYS;
use durable_core::wire::RuntimeError;
use futures_util::future::LocalBoxFuture;

/// A page of the keys with some prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KvPage {
    /// Names of the keys, each with its metadata.
    pub keys: Vec<(String, Option<String>)>,
    /// Cursor of the next page; `None` on the last one.
    pub cursor: Option<String>,
}

/// An operation on Workers KV.
pub type KvFuture<'a, T> = LocalBoxFuture<'a, Result<T, RuntimeError>>;

/// Workers KV, or its fake in a test. Other locations may see a write late: nothing that must happen exactly once may
/// rest on it.
pub trait Kv {
    /// The value of a key, if there is one.
    fn get<'a>(&'a self, key: &'a str) -> KvFuture<'a, Option<String>>;

    /// Puts a value that goes away at `expires`, in seconds since 1970, with a text that listings show.
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        expires: u64,
        metadata: Option<&'a str>,
    ) -> KvFuture<'a, ()>;

    /// Deletes a key, whether or not it is there.
    fn delete<'a>(&'a self, key: &'a str) -> KvFuture<'a, ()>;

    /// Up to `limit` keys that begin with `prefix`, from `cursor` on. A page may have fewer of them, or none, and a cursor
    /// nevertheless.
    fn page<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> KvFuture<'a, KvPage>;

    /// A page of as many keys as Workers KV lists at once.
    fn list<'a>(&'a self, prefix: &'a str, cursor: Option<&'a str>) -> KvFuture<'a, KvPage> {
        self.page(prefix, cursor, KV_PAGE_KEYS)
    }
}

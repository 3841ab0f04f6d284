//! What the provider needs of the runtime around it.

use futures_util::future::LocalBoxFuture;

use crate::limits::KV_PAGE_KEYS;
use crate::wire::Fault;

/// Some keys of a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The names, each with what was put beside it.
    pub keys: Vec<(String, Option<String>)>,
    /// Where the next listing goes on; none at the end.
    pub cursor: Option<String>,
}

/// Workers KV, or what stands for it in a test. What is put may be seen late elsewhere: nothing that must happen exactly
/// once may rest on it.
pub trait Kv {
    /// The value of a key, if there is one.
    fn get<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<Option<String>, Fault>>;

    /// Puts a value that goes away at `expires`, in seconds since 1970, with a text that listings show.
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        expires: u64,
        beside: Option<&'a str>,
    ) -> LocalBoxFuture<'a, Result<(), Fault>>;

    /// Deletes a key, whether or not it is there.
    fn delete<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), Fault>>;

    /// Up to `limit` keys that begin with `prefix`, from `cursor` on. A page may have fewer of them, or none, and a cursor
    /// nevertheless.
    fn page<'a>(
        &'a self,
        prefix: &'a str,
        cursor: Option<&'a str>,
        limit: usize,
    ) -> LocalBoxFuture<'a, Result<Listing, Fault>>;

    /// A page that is as long as can be.
    fn list<'a>(&'a self, prefix: &'a str, cursor: Option<&'a str>) -> LocalBoxFuture<'a, Result<Listing, Fault>> {
        self.page(prefix, cursor, KV_PAGE_KEYS)
    }
}

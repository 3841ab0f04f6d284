//! Cache of the metadata documents of clients.
//!
//! Every copy is stored for much longer than it is fresh. So users who were let in before are not kept out by a host
//! that is down.

use std::cell::RefCell;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::{CLIENT_SECONDS, Client};
use crate::document_url::{DocumentPolicy, check_url};
use crate::metadata_document::{
    DocumentError, Fetch, FetchFailure, MAX_DOCUMENT_BYTES, MOST_FRESH_SECONDS, fresh_seconds,
    parse,
};
use crate::port::Kv;
use crate::rates::Rates;
use crate::registry_error::RegistryError;
use crate::secret::sha256_hex;
use crate::uri::Uri;

/// Maximum time for a host to answer, in milliseconds: a person is waiting.
pub const FETCH_TIMEOUT_MS: u32 = 10_000;

/// Maximum time for a host to answer where there is an older copy, in milliseconds: no need to wait for a host that
/// hangs.
pub const REFETCH_TIMEOUT_MS: u32 = 3_000;

/// The version of a copy.
const VERSION: u8 = 1;

/// Access to the documents during one request.
#[derive(Clone, Copy)]
pub struct ClientDocuments<'a> {
    /// Store of the copies.
    pub kv: &'a dyn Kv,
    /// Port by which documents are fetched.
    pub fetch: &'a dyn Fetch,
    /// Policy for the URLs of documents.
    pub policy: &'a DocumentPolicy,
    /// Grant types that documents may name.
    pub grant_types: &'a [String],
    /// Recent use of the rate limits, in this isolate.
    pub rates: &'a RefCell<Rates>,
    /// Address of the client that sent the request; empty if it is not known.
    pub address: &'a str,
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

impl ClientDocuments<'_> {
    /// The client that the document at `url` describes. One that is `returning` had its user's consent before, and is as
    /// it was when its host could last be asked.
    ///
    /// # Errors
    /// When the document is refused or not to be had, or the store fails.
    pub async fn client(&self, url: &str, returning: bool) -> Result<Client, RegistryError> {
        check_url(url, self.policy).map_err(RegistryError::Document)?;
        let key = document_key(url);
        let copy = self
            .kv
            .get(&key)
            .await
            .map_err(RegistryError::Unavailable)?;
        let copy = copy
            .as_deref()
            .and_then(|json| serde_json::from_str::<CachedDocument>(json).ok());
        let copy = copy.filter(|copy| copy.v == VERSION && copy.client.id == url);
        if let Some(fresh) = copy.as_ref().filter(|copy| copy.fresh_until > self.now_s()) {
            return Ok(fresh.client.clone());
        }
        let timeout = if returning && copy.is_some() {
            REFETCH_TIMEOUT_MS
        } else {
            FETCH_TIMEOUT_MS
        };
        match (self.fetch(url, timeout).await, copy) {
            (Ok(copy), _) => {
                let json = serde_json::to_string(&copy).unwrap_or_default();
                // Without a copy it is fetched again, that is all.
                let _ = self
                    .kv
                    .put(&key, &json, self.now_s() + CLIENT_SECONDS, None)
                    .await;
                Ok(copy.client)
            }
            (Err(error), Some(copy)) if self.will_do(&copy, &error, returning) => Ok(copy.client),
            (Err(error), Some(_)) if returning => Err(RegistryError::Document(error.of_known())),
            (Err(error), _) => Err(RegistryError::Document(error)),
        }
    }

    /// Decides whether a stale copy is used because the document could not be fetched. When strangers have used up the
    /// fetches, every request gets it for a while, so that they do not keep out users of a known client.
    fn will_do(&self, copy: &CachedDocument, error: &DocumentError, returning: bool) -> bool {
        let is_held_back = matches!(error, DocumentError::TooMany { .. });
        let is_recent = self.now_s() < copy.fresh_until.saturating_add(MOST_FRESH_SECONDS);
        (returning && error.is_outage()) || (is_held_back && is_recent)
    }

    async fn fetch(&self, url: &str, timeout: u32) -> Result<CachedDocument, DocumentError> {
        let host = Uri::parse(url)
            .and_then(|uri| uri.authority)
            .unwrap_or_default();
        let counted = self.rates.borrow_mut().fetch(self.address, host, self.now);
        counted.map_err(|retry_after| DocumentError::TooMany { retry_after })?;
        let fetched = self.fetch_counted(url, timeout).await;
        if fetched.is_err() {
            self.rates.borrow_mut().fetch_failed(self.address, self.now);
        }
        fetched
    }

    async fn fetch_counted(
        &self,
        url: &str,
        timeout: u32,
    ) -> Result<CachedDocument, DocumentError> {
        let fetched = self.fetch.get(url, MAX_DOCUMENT_BYTES, timeout).await;
        let fetched = fetched.map_err(|_| DocumentError::Fetch(FetchFailure::Unreachable))?;
        let client = parse(url, &fetched, self.grant_types)?;
        let seconds = fresh_seconds(fetched.cache_control.as_deref());
        Ok(CachedDocument {
            v: VERSION,
            fresh_until: self.now_s() + seconds,
            client,
        })
    }

    const fn now_s(&self) -> u64 {
        self.now / 1000
    }
}

impl fmt::Debug for ClientDocuments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientDocuments")
    }
}

/// Copy of a document, as it was when last fetched.
#[derive(Serialize, Deserialize)]
struct CachedDocument {
    v: u8,
    /// Time until which the copy is fresh, in seconds since 1970.
    fresh_until: u64,
    client: Client,
}

fn document_key(url: &str) -> String {
    format!("document:{}", sha256_hex(url))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::client::ClientSource;
    use crate::metadata_document::{LEAST_FRESH_SECONDS, MOST_FRESH_SECONDS};
    use crate::rates::{FAILED_FETCH_COST, FETCHES, HOST_FETCHES};
    use crate::testing::{KvCall, MemoryKv, MemoryWeb};

    const URL: &str = "https://c.example/client.json";

    struct World {
        kv: MemoryKv,
        web: MemoryWeb,
        rates: RefCell<Rates>,
    }

    impl World {
        fn new() -> Self {
            let world = Self {
                kv: MemoryKv::at(1_700_000_000_000),
                web: MemoryWeb::default(),
                rates: RefCell::default(),
            };
            world.answers(200, &document("C"));
            world
        }

        fn answers(&self, status: u16, document: &Value) {
            self.web.set_json(URL, status, document);
        }

        fn asked(&self) -> usize {
            self.web.asked().len()
        }

        fn timeout(&self) -> u32 {
            self.web.asked().last().unwrap().1
        }

        fn find(&self, url: &str, returning: bool) -> Result<Client, RegistryError> {
            self.find_for(url, returning, "")
        }

        fn find_for(
            &self,
            url: &str,
            returning: bool,
            address: &str,
        ) -> Result<Client, RegistryError> {
            let documents = ClientDocuments {
                kv: &self.kv,
                fetch: &self.web,
                policy: &DocumentPolicy::default(),
                grant_types: &["authorization_code".to_owned()],
                rates: &self.rates,
                address,
                now: self.kv.now(),
            };
            block_on(documents.client(url, returning))
        }

        fn client(&self, url: &str) -> Result<Client, RegistryError> {
            self.find(url, false)
        }

        fn returning(&self, url: &str) -> Result<Client, RegistryError> {
            self.find(url, true)
        }
    }

    fn document(name: &str) -> Value {
        json!({ "client_id": URL, "client_name": name, "redirect_uris": ["https://c.example/cb"] })
    }

    #[test]
    fn a_document_is_fetched_once_while_it_is_fresh() {
        let world = World::new();
        for _ in 0..5 {
            assert_eq!(world.client(URL).unwrap().name.as_deref(), Some("C"));
        }
        assert_eq!((world.asked(), world.timeout()), (1, FETCH_TIMEOUT_MS));
        world.answers(200, &document("D"));
        world.kv.pass_ms(LEAST_FRESH_SECONDS * 1000);
        assert_eq!(world.client(URL).unwrap().name.as_deref(), Some("D"));
        assert_eq!(world.asked(), 2);
        let keys = world.kv.keys("");
        assert_eq!(keys, [format!("document:{}", sha256_hex(URL))]);
        assert_eq!(
            world.kv.expiry(&keys[0]),
            Some(world.kv.now() / 1000 + CLIENT_SECONDS)
        );
    }

    #[test]
    fn a_host_that_is_down_blocks_new_users_and_not_returning_ones() {
        let world = World::new();
        world.client(URL).unwrap();
        world.kv.pass_ms(MOST_FRESH_SECONDS * 1000);
        world.web.take_down(URL);
        let error = world.client(URL).unwrap_err();
        assert!(
            error.is_temporary() && !error.to_string().contains("no route"),
            "{error}"
        );
        assert_eq!(world.returning(URL).unwrap().name.as_deref(), Some("C"));
        assert_eq!(world.timeout(), REFETCH_TIMEOUT_MS);
        for status in [302, 403, 429, 500] {
            world.answers(status, &json!({}));
            assert!(world.returning(URL).is_ok(), "{status}");
        }
        world.answers(200, &document("D"));
        assert_eq!(world.returning(URL).unwrap().name.as_deref(), Some("D"));
    }

    #[test]
    fn a_withdrawn_or_malformed_document_is_no_client_any_more() {
        let world = World::new();
        world.client(URL).unwrap();
        world.kv.pass_ms(MOST_FRESH_SECONDS * 1000);
        for (status, document) in [
            (404, json!({})),
            (410, json!({})),
            (200, json!({})),
            (200, json!([])),
        ] {
            world.answers(status, &document);
            let error = world.returning(URL).unwrap_err();
            assert!(!error.is_temporary(), "{status} {document}");
        }
    }

    #[test]
    fn a_document_without_a_copy_is_unavailable_while_its_host_is_down() {
        let world = World::new();
        world.web.take_down(URL);
        let error = world.returning(URL).unwrap_err();
        assert!(error.is_temporary());
        assert_eq!(
            (world.timeout(), world.kv.count(KvCall::Put)),
            (FETCH_TIMEOUT_MS, 0)
        );
    }

    #[test]
    fn a_copy_that_could_not_be_stored_is_fetched_again() {
        let world = World::new();
        world.kv.fail(KvCall::Put, 1);
        assert!(world.client(URL).is_ok());
        assert!(world.client(URL).is_ok());
        assert_eq!(world.asked(), 2);
    }

    #[test]
    fn a_copy_that_was_tampered_with_is_fetched_again() {
        let world = World::new();
        let other = Client::public("https://evil.example/c", Vec::new(), ClientSource::Document);
        for copy in [
            "x".to_owned(),
            json!({ "v": 1, "fresh_until": u64::MAX, "client": other }).to_string(),
            json!({ "v": 2, "fresh_until": u64::MAX, "client": {} }).to_string(),
        ] {
            world.kv.set(&document_key(URL), &copy);
            assert_eq!(world.client(URL).unwrap().id, URL);
        }
        assert_eq!(world.asked(), 3);
    }

    #[test]
    fn a_url_that_may_not_be_fetched_reaches_neither_store_nor_host() {
        let world = World::new();
        for url in [
            "https://localhost/c",
            "http://c.example/c",
            "https://169.254.169.254/c",
            "urn://x",
        ] {
            assert!(
                matches!(
                    world.returning(url),
                    Err(RegistryError::Document(DocumentError::Url(_)))
                ),
                "{url}"
            );
        }
        assert_eq!((world.asked(), world.kv.count(KvCall::Get)), (0, 0));
    }

    #[test]
    fn fetches_from_one_host_are_limited() {
        let world = World::new();
        world.web.take_down(URL);
        for _ in 0..HOST_FETCHES.burst * 2 {
            assert!(world.client(URL).is_err());
        }
        assert_eq!(world.asked() as u64, HOST_FETCHES.burst);
        assert!(matches!(
            world.client(URL),
            Err(RegistryError::Document(DocumentError::TooMany { .. }))
        ));
    }

    #[test]
    fn made_up_documents_of_one_address_do_not_block_others() {
        let world = World::new();
        for n in 0..100 {
            let made_up = format!("https://c.example/made-up-{n}.json");
            world.web.take_down(&made_up);
            assert!(world.find_for(&made_up, false, "198.51.100.1").is_err());
        }
        assert_eq!(world.asked() as u64, FETCHES.burst / FAILED_FETCH_COST);
        assert!(world.find_for(URL, false, "192.0.2.1").is_ok());
        assert!(
            world.find_for(URL, false, "198.51.100.1").is_ok(),
            "a fresh copy is for everybody"
        );
    }

    #[test]
    fn a_known_client_is_served_from_its_copy_while_fetches_are_limited() {
        let world = World::new();
        world.client(URL).unwrap();
        let use_up = || {
            (0..HOST_FETCHES.burst)
                .for_each(|n| drop(world.find_for(&format!("{URL}{n}"), false, "")));
        };
        world.kv.pass_ms(LEAST_FRESH_SECONDS * 1000);
        use_up();
        world.answers(200, &document("D"));
        assert_eq!(world.client(URL).unwrap().name.as_deref(), Some("C"));
        world.kv.pass_ms(MOST_FRESH_SECONDS * 1000);
        use_up();
        assert!(matches!(
            world.client(URL),
            Err(RegistryError::Document(DocumentError::TooMany { .. }))
        ));
    }
}

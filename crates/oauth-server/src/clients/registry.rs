//! Every client there is: those in the configuration, those that registered, and those that a document describes.

mod registering;
mod settings;

use std::cell::RefCell;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use self::registering::Registered;
pub use self::settings::RegistrySettings;
use crate::client::{CLIENT_SECONDS, Client, ClientSource};
use crate::document_cache::ClientDocuments;
use crate::document_url::is_document_id;
pub use crate::metadata_document::{Fetch, FetchResponse};
pub use crate::registry_error::RegistryError;
use durable_core::keys::Keys;
use durable_core::runtime::Random;
use durable_core::wire::RuntimeError;

use crate::port::Kv;
use crate::rates::Rates;

/// Shortest time between renewals of the record of a client in use, in seconds: KV writes are dear.
pub const RENEW_AFTER_SECONDS: u64 = 24 * 3600;

/// Characters of an id that is no URL. KV takes keys of 512 bytes.
pub const MAX_ID_CHARS: usize = 256;

/// The clients, for the time of one request.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    /// Store of client records.
    pub kv: &'a dyn Kv,
    /// The ring whose anchor names public clients.
    pub keys: &'a Keys,
    /// Source of random ids and secrets.
    pub random: &'a dyn Random,
    /// Fetcher of metadata documents; none if clients are not identified by one here.
    pub fetch: Option<&'a dyn Fetch>,
    /// The clients of the configuration.
    pub configured: &'a [Client],
    /// Policy for clients outside the configuration.
    pub settings: &'a RegistrySettings,
    /// Use of the rate limits, in the memory of one isolate.
    pub rates: &'a RefCell<Rates>,
    /// The address that the request is from; empty if it is not known.
    pub address: &'a str,
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

impl Registry<'_> {
    /// The client of that id, as it is now.
    ///
    /// # Errors
    /// When its document is refused or not to be had, or the store fails.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, RegistryError> {
        self.find(id, false).await
    }

    /// The client of that id, which had its user's consent before: where the host of its document has trouble, as it was
    /// when that was last fetched.
    ///
    /// # Errors
    /// As of [`client`](Self::client).
    pub async fn returning_client(&self, id: &str) -> Result<Option<Client>, RegistryError> {
        self.find(id, true).await
    }

    async fn find(&self, id: &str, returning: bool) -> Result<Option<Client>, RegistryError> {
        if let Some(client) = self.configured.iter().find(|client| client.id == id) {
            return Ok(Some(client.clone()));
        }
        match self.fetch {
            Some(fetch) if is_document_id(id) => {
                let documents = ClientDocuments {
                    kv: self.kv,
                    fetch,
                    policy: &self.settings.documents,
                    grant_types: &self.settings.offer.grant_types,
                    rates: self.rates,
                    address: self.address,
                    now: self.now,
                };
                documents.client(id, returning).await.map(Some)
            }
            _ => self
                .registered(id)
                .await
                .map_err(RegistryError::Unavailable),
        }
    }

    async fn registered(&self, id: &str) -> Result<Option<Client>, RuntimeError> {
        if id.is_empty()
            || id.len() > MAX_ID_CHARS
            || !id.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Ok(None);
        }
        let Some(record) = self.kv.get(&client_key(id)).await? else {
            return Ok(None);
        };
        let client = Client::from_json(&record)?;
        let is_living =
            client.id == id && client.expires.is_none_or(|expires| expires > self.now_s());
        Ok(is_living.then_some(client))
    }

    /// Renews the record of a client that was used, so that it does not expire. Writes once a day at most, and nothing
    /// for clients that do not expire.
    ///
    /// # Errors
    /// When the store fails. The client is good nevertheless.
    pub async fn renew(&self, client: &Client) -> Result<(), RuntimeError> {
        if client.from != ClientSource::Registered || !self.is_due(client) {
            return Ok(());
        }
        let expires = Some(self.now_s() + CLIENT_SECONDS);
        self.put(&Client {
            expires,
            ..client.clone()
        })
        .await
    }

    /// Deletes the record of a registered client. Its grants are for the caller to end.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn delete(&self, id: &str) -> Result<(), RuntimeError> {
        self.kv.delete(&client_key(id)).await
    }

    async fn put(&self, client: &Client) -> Result<(), RuntimeError> {
        let expires = client.expires.unwrap_or(self.now_s() + CLIENT_SECONDS);
        self.kv
            .put(
                &client_key(&client.id),
                &client.to_json(),
                expires,
                client.name.as_deref().map(kv_metadata),
            )
            .await
    }

    fn is_due(&self, client: &Client) -> bool {
        let now = self.now_s();
        match client.expires {
            Some(expires) => expires.saturating_sub(now) < CLIENT_SECONDS - RENEW_AFTER_SECONDS,
            // A record of workers-oauth-provider does not tell. One that outlived the usual time has no end, or its
            // operator's: it is left alone.
            None => client.registered + CLIENT_SECONDS > now,
        }
    }

    fn random_text<const N: usize>(&self) -> Result<String, RuntimeError> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    const fn now_s(&self) -> u64 {
        self.now / 1000
    }
}

impl fmt::Debug for Registry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registry")
    }
}

fn client_key(id: &str) -> String {
    format!("client:{id}")
}

/// Metadata of a client's key in listings: the first 64 characters of its name.
fn kv_metadata(name: &str) -> &str {
    let end = name.char_indices().nth(64).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::client::AuthMethod;
    use crate::client_auth::{authenticate, credentials};
    use crate::metadata_document::DocumentError;
    use crate::params::RequestParams;
    use crate::rates::REGISTRATIONS;
    use crate::registration::RegistrationError;
    use crate::secret::sha256_hex;
    use crate::testing::{KvCall, MemoryKv, MemoryWeb, SeededRandom};

    const NOW: u64 = 1_700_000_000_000;
    const NOW_S: u64 = NOW / 1000;
    const DAY_MS: u64 = 24 * 3600 * 1000;
    const URL: &str = "https://c.example/client.json";
    const ADDRESS: &str = "192.0.2.1";

    struct World {
        kv: MemoryKv,
        keys: Keys,
        random: SeededRandom,
        web: MemoryWeb,
        configured: Vec<Client>,
        settings: RegistrySettings,
        rates: RefCell<Rates>,
    }

    impl World {
        fn new() -> Self {
            Self {
                kv: MemoryKv::at(NOW),
                keys: Keys::from_secret("secret"),
                random: SeededRandom::new(1),
                web: MemoryWeb::default(),
                configured: Vec::new(),
                settings: RegistrySettings::default(),
                rates: RefCell::default(),
            }
        }

        fn registry(&self) -> Registry<'_> {
            Registry {
                kv: &self.kv,
                keys: &self.keys,
                random: &self.random,
                fetch: Some(&self.web),
                configured: &self.configured,
                settings: &self.settings,
                rates: &self.rates,
                address: ADDRESS,
                now: self.kv.now(),
            }
        }

        fn register(&self, json: &Value) -> Result<(Client, Value), RegistrationError> {
            let registered = block_on(self.registry().register(&json.to_string()))?;
            assert_eq!(registered.status, 201);
            Ok((
                registered.client,
                serde_json::from_str(registered.body.secret()).unwrap(),
            ))
        }

        fn client(&self, id: &str) -> Result<Option<Client>, RegistryError> {
            block_on(self.registry().client(id))
        }
    }

    fn public(name: &str) -> Value {
        json!({
            "client_name": name,
            "redirect_uris": ["http://127.0.0.1:33418/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        })
    }

    #[test]
    fn a_public_client_that_registers_again_is_the_same_without_a_write() {
        let world = World::new();
        let (client, first) = world.register(&public("A")).unwrap();
        assert_eq!(first["client_id"].as_str().unwrap().len(), 22);
        assert_eq!(first["client_id_issued_at"], NOW_S);
        assert!(
            first.get("client_secret").is_none() && first.get("client_secret_expires_at").is_none()
        );
        world.kv.pass_ms(5_000);
        for _ in 0..100 {
            assert_eq!(world.register(&public("A")).unwrap().1, first);
        }
        assert_eq!(world.kv.count(KvCall::Put), 1);
        assert_eq!(world.client(&client.id).unwrap(), Some(client));
    }

    #[test]
    fn registrations_of_one_address_are_limited() {
        let world = World::new();
        let refused = (0..100)
            .filter_map(|n| world.register(&public(&n.to_string())).err())
            .collect::<Vec<_>>();
        assert_eq!(refused.len() as u64, 100 - REGISTRATIONS.burst);
        assert_eq!(refused[0], RegistrationError::TooMany { retry_after: 30 });
        assert_eq!(world.kv.keys("client:").len() as u64, REGISTRATIONS.burst);
        assert!(
            world.register(&public("0")).is_ok(),
            "one that is known may come back at any time"
        );
        world.kv.pass_ms(30_000);
        assert!(world.register(&public("99")).is_ok());
    }

    #[test]
    fn another_deployment_gives_the_same_client_another_id() {
        let (one, other) = (
            World::new(),
            World {
                keys: Keys::from_secret("other"),
                ..World::new()
            },
        );
        assert_ne!(
            one.register(&public("A")).unwrap().0.id,
            other.register(&public("A")).unwrap().0.id
        );
    }

    #[test]
    fn only_the_hash_of_a_client_secret_is_stored() {
        let world = World::new();
        let asked = json!({ "redirect_uris": ["https://a.example/cb"] });
        let (client, answer) = world.register(&asked).unwrap();
        let secret = answer["client_secret"].as_str().unwrap();
        assert_eq!(secret.len(), 43);
        assert_eq!(answer["client_secret_expires_at"], NOW_S + CLIENT_SECONDS);
        assert_eq!(
            world.kv.expiry(&client_key(&client.id)),
            Some(NOW_S + CLIENT_SECONDS)
        );
        let record = world.kv.value(&client_key(&client.id)).unwrap();
        assert!(!record.contains(secret) && record.contains(&sha256_hex(secret)));

        let form = RequestParams::parse(&format!("client_id={}&client_secret={secret}", client.id))
            .unwrap();
        let kept = world.client(&client.id).unwrap().unwrap();
        assert_eq!(kept.auth_method, AuthMethod::Basic);
        assert_eq!(
            authenticate(&kept, &credentials(None, &form).unwrap()),
            Ok(())
        );
        let (other, _) = world.register(&asked).unwrap();
        assert_ne!(other.id, client.id, "each has a secret of its own");
    }

    #[test]
    fn debug_output_hides_a_new_client_secret() {
        let world = World::new();
        let json = json!({ "redirect_uris": ["https://a.example/cb"] }).to_string();
        let registered = block_on(world.registry().register(&json)).unwrap();
        let body: Value = serde_json::from_str(registered.body.secret()).unwrap();
        assert!(!format!("{registered:?}").contains(body["client_secret"].as_str().unwrap()));
    }

    #[test]
    fn a_client_that_could_not_be_stored_is_not_registered() {
        let world = World::new();
        world.kv.fail(KvCall::Put, 1);
        assert_eq!(world.register(&public("A")).unwrap_err().status(), 503);
        assert!(world.register(&public("A")).is_ok());
        world.random.set_down(true);
        let confidential = json!({ "redirect_uris": ["https://a.example/cb"] });
        assert_eq!(world.register(&confidential).unwrap_err().status(), 503);
        assert_eq!(world.kv.keys("").len(), 1);
    }

    #[test]
    fn an_unused_client_expires_and_use_renews_it_once_a_day_at_most() {
        let world = World::new();
        let (client, _) = world.register(&public("A")).unwrap();
        let use_it = || {
            let client = world.client(&client.id).unwrap().unwrap();
            block_on(world.registry().renew(&client)).unwrap();
        };
        use_it();
        assert_eq!(world.kv.count(KvCall::Put), 1);
        world.kv.pass_ms(DAY_MS + 1000);
        use_it();
        use_it();
        assert_eq!(world.kv.count(KvCall::Put), 2);
        world.kv.pass_ms(CLIENT_SECONDS * 1000 - 1000);
        assert!(world.client(&client.id).unwrap().is_some());
        world.kv.pass_ms(1000);
        assert_eq!(world.client(&client.id), Ok(None));
        let (again, answer) = world.register(&public("A")).unwrap();
        assert_eq!(
            (&again.id, answer["client_id_issued_at"].as_u64()),
            (&client.id, Some(world.kv.now() / 1000))
        );
    }

    #[test]
    fn a_client_that_registers_again_after_a_day_is_renewed() {
        let world = World::new();
        let (client, first) = world.register(&public("A")).unwrap();
        world.kv.pass_ms(DAY_MS + 1000);
        let (again, answer) = world.register(&public("A")).unwrap();
        assert_eq!(answer, first);
        assert_eq!(
            (again.registered, world.kv.count(KvCall::Put)),
            (client.registered, 2)
        );
        assert_eq!(
            world.kv.expiry(&client_key(&client.id)),
            Some(world.kv.now() / 1000 + CLIENT_SECONDS)
        );
    }

    #[test]
    fn a_known_client_is_registered_again_even_if_it_cannot_be_renewed() {
        let world = World::new();
        let (client, first) = world.register(&public("A")).unwrap();
        world.kv.pass_ms(DAY_MS + 1000);
        world.kv.fail(KvCall::Put, 1);
        let (again, answer) = world.register(&public("A")).unwrap();
        assert_eq!((again, answer), (client, first));
    }

    #[test]
    fn a_legacy_client_record_is_accepted_and_renewed_if_it_expires() {
        let world = World::new();
        let record = |registered: u64| {
            json!({ "clientId": "abc", "redirectUris": ["https://a.example/cb"], "registrationDate": registered,
                "tokenEndpointAuthMethod": "none", "i18n": { "client_name#de": "Ich" } })
            .to_string()
        };
        for (registered, puts) in [(NOW_S - CLIENT_SECONDS, 0), (NOW_S - 100, 1)] {
            world.kv.set("client:abc", &record(registered));
            let client = world.client("abc").unwrap().unwrap();
            block_on(world.registry().renew(&client)).unwrap();
            assert_eq!(world.kv.count(KvCall::Put), puts);
        }
        let kept: Value = serde_json::from_str(&world.kv.value("client:abc").unwrap()).unwrap();
        assert_eq!(
            (&kept["v"], &kept["expiresAt"]),
            (&json!(1), &json!(NOW_S + CLIENT_SECONDS))
        );
        assert_eq!(kept["i18n"]["client_name#de"], "Ich");
    }

    #[test]
    fn a_client_record_with_another_id_or_past_its_end_is_no_client() {
        let world = World::new();
        let record = |id: &str, expires: u64| {
            json!({ "v": 1, "clientId": id, "redirectUris": [], "expiresAt": expires }).to_string()
        };
        world.kv.set("client:a", &record("b", NOW_S + 100));
        world.kv.set("client:c", &record("c", NOW_S));
        for id in ["a", "c", "e", "", "a b", "ü", &"x".repeat(MAX_ID_CHARS + 1)] {
            assert_eq!(world.client(id), Ok(None), "{id}");
        }
        assert_eq!(
            world.kv.count(KvCall::Get),
            3,
            "an id that nobody can have is not looked up"
        );
    }

    #[test]
    fn a_client_record_of_another_version_is_unavailable_and_is_kept() {
        let world = World::new();
        let (client, _) = world.register(&public("A")).unwrap();
        for record in ["{}", "later", r#"{"v":2,"clientId":"a","redirectUris":[]}"#] {
            world.kv.set(&client_key(&client.id), record);
            let error = world.client(&client.id).unwrap_err();
            assert!(
                matches!(error, RegistryError::Unavailable(_)) && error.is_temporary(),
                "{record}"
            );
            assert_eq!(world.register(&public("A")).unwrap_err().status(), 503);
            assert_eq!(
                world.kv.value(&client_key(&client.id)).as_deref(),
                Some(record)
            );
        }
    }

    #[test]
    fn a_failing_store_is_not_reported_as_an_unknown_client() {
        let world = World::new();
        world.kv.set_down(true);
        for id in ["abc", URL] {
            let error = world.client(id).unwrap_err();
            assert!(
                matches!(error, RegistryError::Unavailable(_)) && error.is_temporary(),
                "{id}"
            );
            assert!(!error.to_string().contains("Get"), "{error}");
        }
    }

    #[test]
    fn a_configured_client_needs_no_store_and_never_expires() {
        let client = Client::public("desk", Vec::new(), ClientSource::Configured);
        let world = World {
            configured: vec![client.clone()],
            ..World::new()
        };
        assert_eq!(world.client("desk"), Ok(Some(client.clone())));
        block_on(world.registry().renew(&client)).unwrap();
        assert_eq!(
            (world.kv.count(KvCall::Get), world.kv.count(KvCall::Put)),
            (0, 0)
        );
    }

    #[test]
    fn a_deleted_client_is_gone() {
        let world = World::new();
        let (client, _) = world.register(&public("A")).unwrap();
        block_on(world.registry().delete(&client.id)).unwrap();
        assert_eq!(world.client(&client.id), Ok(None));
    }

    #[test]
    fn a_document_of_the_server_itself_is_not_fetched() {
        let world = World {
            settings: RegistrySettings::default().at("https://c.example:8443"),
            ..World::new()
        };
        let error = world.client(URL).unwrap_err();
        assert_eq!(error, RegistryError::Document(DocumentError::NotAdmitted));
        assert!(world.web.asked().is_empty());
    }

    #[test]
    fn a_url_is_an_ordinary_id_where_documents_are_not_supported() {
        let world = World::new();
        let registry = Registry {
            fetch: None,
            ..world.registry()
        };
        assert_eq!(block_on(registry.client(URL)), Ok(None));
        assert_eq!(world.kv.called(KvCall::Get), [format!("client:{URL}")]);
    }

    #[test]
    fn parallel_registrations_of_the_same_client_give_one_client() {
        let world = World::new();
        let json = public("A").to_string();
        let registry = world.registry();
        let both = futures_util::future::join(registry.register(&json), registry.register(&json));
        let (one, other) = block_on(both);
        assert_eq!(one.unwrap().client, other.unwrap().client);
        assert_eq!(world.kv.keys("client:").len(), 1);
    }

    #[test]
    fn a_url_is_looked_up_as_a_document_or_for_returning_users_as_a_copy() {
        let world = World::new();
        let document = json!({ "client_id": URL, "client_name": "C", "redirect_uris": ["https://c.example/cb"] });
        world.web.set_json(URL, 200, &document);
        assert_eq!(
            world.client(URL).unwrap().unwrap().from,
            ClientSource::Document
        );
        world.web.take_down(URL);
        world.kv.pass_ms(DAY_MS);
        assert!(world.client(URL).unwrap_err().is_temporary());
        let returning = block_on(world.registry().returning_client(URL));
        assert_eq!(returning.unwrap().unwrap().name.as_deref(), Some("C"));
        assert!(block_on(world.registry().returning_client("https://localhost/c")).is_err());
    }
}

//! Client of the authorization server: configured, named by a document, or registered (RFC 7591).

use reqwest::Url;
use serde_json::{Map, Value};

use super::assertion::ClientKey;
use super::discovery::{ServerMetadata, is_same_issuer};
use super::error::SignInError;
use super::http::{Answer, OAuthHttp};
use crate::log::remember_secret;
use crate::store::records::StoredClient;
use crate::store::{Store, now_ms};

/// Source of a client, which decides what to do when the server no longer knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--static-oauth-client-info`.
    Configured,
    /// `--client-metadata-url`.
    Document,
    /// Registered by an earlier sign-in.
    Stored,
    /// Registered just now.
    Registered,
}

/// Client, and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) record: StoredClient,
    pub(crate) origin: Origin,
}

/// Settings that decide which client it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientSettings {
    /// `--static-oauth-client-info`.
    pub(crate) configured: Option<Map<String, Value>>,
    /// `--client-key`.
    pub(crate) key: Option<ClientKey>,
    /// `--client-metadata-url`.
    pub(crate) document_url: Option<String>,
    /// `--static-oauth-client-metadata`: members that replace those of a registration.
    pub(crate) metadata: Option<Map<String, Value>>,
    /// Grants to register for.
    pub(crate) grant_types: Vec<&'static str>,
}

/// Registration to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration<'a> {
    /// Name of the client that this program is started by.
    pub(crate) client_name: Option<&'a str>,
    /// Redirect URIs, the first of which is used.
    pub(crate) redirect_uris: &'a [String],
    pub(crate) scope: Option<&'a str>,
}

impl ClientSettings {
    /// Key that signs for a client: not for one that was registered without it.
    pub(crate) fn key_of(&self, client: &Client) -> Option<&ClientKey> {
        let is_given = matches!(client.origin, Origin::Configured | Origin::Document);
        let has_key = is_given || client.record.auth_method() == Some("private_key_jwt");
        self.key.as_ref().filter(|_| has_key)
    }

    /// Client without a look at the network, if there is one for this authorization server.
    pub(crate) fn known(
        &self,
        store: &Store,
        server: &ServerMetadata,
    ) -> Result<Option<Client>, SignInError> {
        if let Some(configured) = &self.configured {
            let record = StoredClient::parse(configured.clone()).ok_or_else(|| {
                SignInError::impossible("--static-oauth-client-info has no client_id")
            })?;
            return Ok(Some(Client {
                record,
                origin: Origin::Configured,
            }));
        }
        if let Some(url) = &self.document_url
            && server.takes_client_documents
        {
            return Ok(Some(Client {
                record: StoredClient::public(url),
                origin: Origin::Document,
            }));
        }
        Ok(registered_before(store, server)?.map(|record| Client {
            record,
            origin: Origin::Stored,
        }))
    }

    /// Known client that answers may be sent back to, else one that is registered now.
    pub(crate) async fn obtain(
        &self,
        http: &OAuthHttp,
        store: &Store,
        server: &ServerMetadata,
        registration: Registration<'_>,
    ) -> Result<Client, SignInError> {
        if let Some(known) = self.known(store, server)? {
            let needed = registration.redirect_uris.first();
            let fits = needed.is_none_or(|uri| known.record.redirect_uri_for(uri).is_some());
            if known.origin != Origin::Stored || fits {
                return Ok(known);
            }
        }
        let record = self.register(http, server, registration).await?;
        store.save_client(&record)?;
        Ok(Client {
            record,
            origin: Origin::Registered,
        })
    }

    async fn register(
        &self,
        http: &OAuthHttp,
        server: &ServerMetadata,
        registration: Registration<'_>,
    ) -> Result<StoredClient, SignInError> {
        let Some(endpoint) = &server.registration_endpoint else {
            return Err(SignInError::impossible(
                "the authorization server registers no clients: give one with --static-oauth-client-info, or --client-metadata-url",
            ));
        };
        let mut request = self.request(server, registration);
        let mut answer = http.post_json(endpoint, &request).await?;
        if is_refusal(&answer) && request.remove("scope").is_some() {
            answer = http.post_json(endpoint, &request).await?;
        }
        if is_refusal(&answer) && replace_localhost(&mut request) {
            answer = http.post_json(endpoint, &request).await?;
        }
        if answer.status.is_server_error() {
            return Err(SignInError::Unreachable(format!(
                "the authorization server cannot register clients now: {}",
                answer.words()
            )));
        }
        let registered = answer.object().filter(|_| answer.status.is_success());
        let record = registered.and_then(|answer| record(request, answer, &server.issuer));
        record.ok_or_else(|| {
            if server.is_guessed() {
                return SignInError::impossible(format!(
                    "the server asks for authorization, but offers no sign-in (it has no OAuth metadata, and registering gives {}): give its token with --header 'Authorization: Bearer TOKEN'",
                    answer.words()
                ));
            }
            SignInError::impossible(format!(
                "the authorization server refused to register this client ({}): give one with --static-oauth-client-info, or change the request with --static-oauth-client-metadata",
                answer.words()
            ))
        })
    }

    fn request(
        &self,
        server: &ServerMetadata,
        registration: Registration<'_>,
    ) -> Map<String, Value> {
        let mut request = Map::new();
        let name = match registration.client_name {
            Some(name) => format!("{name} (durable-mcp-remote)"),
            None => "durable-mcp-remote".to_owned(),
        };
        request.insert("client_name".to_owned(), name.into());
        request.insert("application_type".to_owned(), "native".into());
        request.insert(
            "redirect_uris".to_owned(),
            registration.redirect_uris.into(),
        );
        request.insert("grant_types".to_owned(), self.grant_types.clone().into());
        // RFC 7591, section 2.1: `code` is for the grant that redirects, and needs a redirect URI.
        let response_types: &[&str] = if registration.redirect_uris.is_empty() {
            &[]
        } else {
            &["code"]
        };
        request.insert("response_types".to_owned(), response_types.into());
        request.insert(
            "token_endpoint_auth_method".to_owned(),
            registered_method(&server.token_auth_methods).into(),
        );
        if let Some(scope) = registration.scope {
            request.insert("scope".to_owned(), scope.into());
        }
        for (name, value) in self.metadata.iter().flatten() {
            request.insert(name.clone(), value.clone());
        }
        request
    }
}

/// Client that an earlier sign-in registered at this authorization server: no other knows it.
fn registered_before(
    store: &Store,
    server: &ServerMetadata,
) -> Result<Option<StoredClient>, SignInError> {
    let is_of_server = |client: &StoredClient| {
        client
            .issuer()
            .is_none_or(|issuer| is_same_issuer(issuer, &server.issuer))
    };
    let stored = store
        .client()?
        .filter(|client| is_of_server(client) && !client.is_expired(now_ms()));
    stored
        .as_ref()
        .and_then(StoredClient::secret)
        .into_iter()
        .for_each(remember_secret);
    Ok(stored)
}

/// The request's members with those of the answer over them (RFC 7591, section 3.2.1), and the issuer.
fn record(
    request: Map<String, Value>,
    answer: Map<String, Value>,
    issuer: &str,
) -> Option<StoredClient> {
    let mut members = request;
    members.extend(answer);
    members.insert("issuer".to_owned(), issuer.into());
    let record = StoredClient::parse(members)?;
    record.secret().into_iter().for_each(remember_secret);
    Some(record)
}

fn is_refusal(answer: &Answer) -> bool {
    answer.status.is_client_error() || answer.status.is_redirection()
}

/// Writes the redirect URIs with the address, which some servers want; `false` if they are written so.
fn replace_localhost(request: &mut Map<String, Value>) -> bool {
    let mut is_replaced = false;
    for uri in request
        .get_mut("redirect_uris")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let with_address = uri
            .as_str()
            .and_then(|text| Url::parse(text).ok())
            .filter(|url| url.host_str() == Some("localhost"));
        if let Some(mut url) = with_address
            && url.set_host(Some("127.0.0.1")).is_ok()
        {
            *uri = Value::from(url.as_str());
            is_replaced = true;
        }
    }
    is_replaced
}

/// Way to register: a program on a person's machine keeps no secret, so none if that is offered.
fn registered_method(offered: &[String]) -> &'static str {
    let known = ["none", "client_secret_post", "client_secret_basic"];
    known
        .into_iter()
        .find(|known| offered.iter().any(|method| method == known))
        .unwrap_or("none")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_offered_auth_method_with_the_least_secret_is_registered() {
        let of = |methods: &[&str]| {
            registered_method(
                &methods
                    .iter()
                    .map(|method| (*method).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            of(&["client_secret_basic", "client_secret_post", "none"]),
            "none"
        );
        assert_eq!(
            of(&["client_secret_basic", "client_secret_post"]),
            "client_secret_post"
        );
        assert_eq!(
            of(&["client_secret_basic", "private_key_jwt"]),
            "client_secret_basic"
        );
        assert_eq!(of(&[]), "none");
    }

    #[test]
    fn a_client_that_was_registered_without_the_key_is_not_signed_for() {
        // The key of RFC 8410, section 10.3.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let settings = ClientSettings {
            key: Some(ClientKey::from_pem(pem.as_bytes()).unwrap()),
            ..ClientSettings::default()
        };
        for (origin, auth_method, is_signed_for) in [
            (Origin::Configured, "none", true),
            (Origin::Document, "none", true),
            (Origin::Stored, "none", false),
            (Origin::Stored, "private_key_jwt", true),
            (Origin::Registered, "client_secret_basic", false),
            (Origin::Registered, "private_key_jwt", true),
        ] {
            let members = json!({ "client_id": "id", "token_endpoint_auth_method": auth_method });
            let record = StoredClient::parse(object(members)).unwrap();
            let client = Client { record, origin };
            let key = settings.key_of(&client);
            assert_eq!(key.is_some(), is_signed_for, "{origin:?} {auth_method}");
        }
    }

    #[test]
    fn a_client_without_redirects_registers_no_response_type() {
        let server =
            ServerMetadata::of_token_endpoint(&Url::parse("https://as.example/token").unwrap());
        let uris = ["http://localhost:4000/oauth/callback".to_owned()];
        let of = |redirect_uris| {
            let registration = Registration {
                client_name: None,
                redirect_uris,
                scope: None,
            };
            ClientSettings::default().request(&server, registration)["response_types"].clone()
        };
        assert_eq!(of(&[]), json!([]));
        assert_eq!(of(&uris), json!(["code"]));
    }

    #[test]
    fn localhost_in_redirect_uris_is_replaced_once() {
        let mut request =
            object(json!({ "redirect_uris": ["http://localhost:4000/oauth/callback"] }));
        assert!(replace_localhost(&mut request));
        assert_eq!(
            request["redirect_uris"],
            json!(["http://127.0.0.1:4000/oauth/callback"])
        );
        assert!(!replace_localhost(&mut request));
    }

    #[test]
    fn the_response_overrides_the_requested_metadata_in_a_client_record() {
        let request = object(
            json!({ "redirect_uris": ["http://localhost:1/c"], "token_endpoint_auth_method": "none" }),
        );
        let answer = object(
            json!({ "client_id": "id", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post" }),
        );
        let record = record(request, answer, "https://as.example").unwrap();
        assert_eq!(
            record.redirect_uri_for("http://localhost:1/c").as_deref(),
            Some("http://localhost:1/c")
        );
        assert_eq!(
            (record.auth_method(), record.secret()),
            (Some("client_secret_post"), Some("s"))
        );
        assert_eq!(record.issuer(), Some("https://as.example"));
    }
}

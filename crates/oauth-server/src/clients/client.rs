//! Clients (RFC 6749 section 2), and the record of one: JSON in the layout of workers-oauth-provider, so that each
//! program reads what the other wrote.

use std::fmt;

use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::redirect_uri::RedirectUri;
use crate::scope::Scopes;

/// The grant type of a code (RFC 6749 section 4.1.3).
pub const AUTHORIZATION_CODE: &str = "authorization_code";

/// The grant type of a refresh token (RFC 6749 section 6).
pub const REFRESH_TOKEN: &str = "refresh_token";

/// The only response type (RFC 6749 section 3.1.1).
pub const CODE: &str = "code";

/// Seconds after which an unused client's registration expires: as long as workers-oauth-provider keeps one, and longer
/// than its refresh tokens live without use.
pub const CLIENT_SECONDS: u64 = 90 * 24 * 3600;

/// The version of our records.
const VERSION: u8 = 1;

/// Authentication method of a client at the token endpoint (`token_endpoint_auth_method`, RFC 7591 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMethod {
    /// No authentication: the client runs where no secret can be kept.
    #[serde(rename = "none")]
    None,
    /// Client secret in the `Authorization` header.
    #[serde(rename = "client_secret_basic")]
    Basic,
    /// Client secret among the parameters.
    #[serde(rename = "client_secret_post")]
    Post,
}

impl AuthMethod {
    /// All methods, the one that fits most MCP clients first.
    pub const ALL: [Self; 3] = [Self::None, Self::Basic, Self::Post];

    /// Name of the method in metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// The method of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// Application type of a client (`OpenID` Connect Dynamic Client Registration 1.0 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    /// Application on a server.
    Web,
    /// Application on the user's machine.
    Native,
}

impl ApplicationType {
    /// Name of the type in metadata.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

/// Source of a client's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientSource {
    /// Registration by the client itself (RFC 7591).
    #[default]
    Registered,
    /// Metadata document, whose URL is the client id.
    Document,
    /// Configuration of the deployment.
    Configured,
}

/// A client, from any source.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredClient", into = "StoredClient")]
pub struct Client {
    /// Client id.
    pub id: String,
    /// SHA-256 of the client secret, in hex; none if the client has no secret.
    pub secret_hash: Option<String>,
    /// Redirect URIs that responses may be sent to.
    pub redirect_uris: Vec<RedirectUri>,
    /// Name that the client gave itself. Plain text: a page must escape it.
    pub name: Option<String>,
    /// URL of the client's logo.
    pub logo_uri: Option<String>,
    /// URL of the client's home page.
    pub client_uri: Option<String>,
    /// URL of the client's privacy policy.
    pub policy_uri: Option<String>,
    /// URL of the client's terms of service.
    pub tos_uri: Option<String>,
    /// Contacts for questions about the client.
    pub contacts: Vec<String>,
    /// Grant types that the client may use.
    pub grant_types: Vec<String>,
    /// Response types that the client may use.
    pub response_types: Vec<String>,
    /// Authentication method at the token endpoint.
    pub auth_method: AuthMethod,
    /// True if the client chose the method. A client that did not may send its secret either way.
    pub auth_method_explicit: bool,
    /// Application type, if the client named one.
    pub application_type: Option<ApplicationType>,
    /// Scopes that the client registered for, if it named any.
    pub scope: Option<Scopes>,
    /// Time of registration, in seconds since 1970.
    pub registered: u64,
    /// Time at which the client is forgotten unless it is used, in seconds since 1970.
    pub expires: Option<u64>,
    /// Source of the client's metadata.
    pub from: ClientSource,
    /// Other members of the record, which are kept when the record is written again.
    pub other: Map<String, Value>,
}

impl Client {
    /// A public client that uses codes and refresh tokens; the caller sets what differs.
    #[must_use]
    pub fn public(id: &str, redirect_uris: Vec<RedirectUri>, from: ClientSource) -> Self {
        Self {
            id: id.to_owned(),
            secret_hash: None,
            redirect_uris,
            name: None,
            logo_uri: None,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            contacts: Vec::new(),
            grant_types: vec![AUTHORIZATION_CODE.to_owned(), REFRESH_TOKEN.to_owned()],
            response_types: vec![CODE.to_owned()],
            auth_method: AuthMethod::None,
            auth_method_explicit: true,
            application_type: None,
            scope: None,
            registered: 0,
            expires: None,
            from,
            other: Map::new(),
        }
    }

    /// True for a public client, which has no means to authenticate (RFC 6749 section 2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Checks whether the client may use a grant type.
    #[must_use]
    pub fn may(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|own| own == grant_type)
    }

    /// Checks whether the client may have refresh tokens.
    #[must_use]
    pub fn may_refresh(&self) -> bool {
        self.may(REFRESH_TOKEN)
    }

    /// The requested redirect URI, if it matches one of the client's (OAuth 2.1 section 2.3).
    #[must_use]
    pub fn redirect(&self, requested: &str) -> Option<RedirectUri> {
        let known = self.redirect_uris.iter().any(|own| own.matches(requested));
        if known {
            RedirectUri::parse(requested).ok()
        } else {
            None
        }
    }

    /// Record of the client, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a record, ours or one of workers-oauth-provider, which has no version.
    ///
    /// # Errors
    /// When it is of another version: the client is not unknown for that.
    pub fn from_json(json: &str) -> Result<Self, RuntimeError> {
        serde_json::from_str(json).map_err(|_| Format::ClientRecord.unreadable())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredClient {
    #[serde(default)]
    v: u8,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tos_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contacts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grant_types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_types: Option<Vec<String>>,
    #[serde(default)]
    registration_date: Option<u64>,
    #[serde(default)]
    token_endpoint_auth_method: Option<AuthMethod>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_method_explicit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    application_type: Option<ApplicationType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Scopes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(default)]
    from: ClientSource,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// Error of a record of a later version.
struct LaterVersion;

impl fmt::Display for LaterVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a later version")
    }
}

impl TryFrom<StoredClient> for Client {
    type Error = LaterVersion;

    fn try_from(record: StoredClient) -> Result<Self, LaterVersion> {
        if record.v > VERSION {
            Err(LaterVersion)
        } else {
            Ok(Self::of(record))
        }
    }
}

impl Client {
    fn of(record: StoredClient) -> Self {
        // Records of old versions lack what has a default now.
        let assumed = if record.client_secret.is_some() {
            AuthMethod::Basic
        } else {
            AuthMethod::None
        };
        Self {
            id: record.client_id,
            secret_hash: record.client_secret,
            // The other program took addresses that are refused here; those are as good as not registered.
            redirect_uris: record
                .redirect_uris
                .iter()
                .filter_map(|uri| RedirectUri::parse(uri).ok())
                .collect(),
            name: record.client_name,
            logo_uri: record.logo_uri,
            client_uri: record.client_uri,
            policy_uri: record.policy_uri,
            tos_uri: record.tos_uri,
            contacts: record.contacts.unwrap_or_default(),
            grant_types: record.grant_types.unwrap_or_else(default_grant_types),
            response_types: record
                .response_types
                .unwrap_or_else(|| vec![CODE.to_owned()]),
            auth_method: record.token_endpoint_auth_method.unwrap_or(assumed),
            auth_method_explicit: record.auth_method_explicit.unwrap_or(false),
            application_type: record.application_type,
            scope: record.scope,
            registered: record.registration_date.unwrap_or_default(),
            expires: record.expires_at,
            from: record.from,
            other: record.other,
        }
    }
}

fn default_grant_types() -> Vec<String> {
    vec![AUTHORIZATION_CODE.to_owned(), REFRESH_TOKEN.to_owned()]
}

impl From<Client> for StoredClient {
    fn from(client: Client) -> Self {
        Self {
            v: VERSION,
            client_id: client.id,
            client_secret: client.secret_hash,
            redirect_uris: client
                .redirect_uris
                .iter()
                .map(|uri| uri.as_str().to_owned())
                .collect(),
            client_name: client.name,
            logo_uri: client.logo_uri,
            client_uri: client.client_uri,
            policy_uri: client.policy_uri,
            tos_uri: client.tos_uri,
            contacts: Some(client.contacts).filter(|contacts| !contacts.is_empty()),
            grant_types: Some(client.grant_types),
            response_types: Some(client.response_types),
            registration_date: Some(client.registered),
            token_endpoint_auth_method: Some(client.auth_method),
            auth_method_explicit: client.auth_method_explicit.then_some(true),
            application_type: client.application_type,
            scope: client.scope,
            expires_at: client.expires,
            from: client.from,
            other: client.other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn theirs() -> Value {
        json!({
            "clientId": "abc123",
            "clientSecret": "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            "redirectUris": ["https://app.example.com/callback", "http://192.0.2.1/callback"],
            "clientName": "Example App",
            "logoUri": "https://app.example.com/logo.png",
            "clientUri": "https://app.example.com",
            "policyUri": "https://app.example.com/privacy",
            "tosUri": "https://app.example.com/terms",
            "jwksUri": null,
            "i18n": { "client_name#ja": "サンプルアプリ" },
            "contacts": ["dev@example.com"],
            "grantTypes": ["authorization_code", "refresh_token"],
            "responseTypes": ["code"],
            "registrationDate": 1_644_256_123,
            "tokenEndpointAuthMethod": "client_secret_post",
            "authMethodExplicit": true
        })
    }

    #[test]
    fn a_client_record_of_the_other_library_is_read() {
        let client = Client::from_json(&theirs().to_string()).unwrap();
        assert_eq!(client.id, "abc123");
        assert!(client.secret_hash.as_ref().unwrap().starts_with("5e88"));
        assert_eq!(client.name.as_deref(), Some("Example App"));
        assert_eq!(
            client.tos_uri.as_deref(),
            Some("https://app.example.com/terms")
        );
        assert_eq!(client.contacts, ["dev@example.com"]);
        assert_eq!((client.registered, client.expires), (1_644_256_123, None));
        assert_eq!(
            (client.auth_method, client.auth_method_explicit),
            (AuthMethod::Post, true)
        );
        assert_eq!(
            (client.from, client.is_public(), client.may_refresh()),
            (ClientSource::Registered, false, true)
        );
    }

    #[test]
    fn a_stored_redirect_uri_that_would_be_refused_is_left_out() {
        let client = Client::from_json(&theirs().to_string()).unwrap();
        let uris: Vec<_> = client
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .collect();
        assert_eq!(uris, ["https://app.example.com/callback"]);
    }

    #[test]
    fn unused_members_of_a_client_record_are_kept() {
        let again = Client::from_json(&theirs().to_string()).unwrap().to_json();
        let again: Value = serde_json::from_str(&again).unwrap();
        let mut expected = theirs();
        expected["v"] = json!(1);
        expected["from"] = json!("registered");
        expected["redirectUris"] = json!(["https://app.example.com/callback"]);
        assert_eq!(again, expected);
    }

    #[test]
    fn an_old_client_record_gets_the_defaults_of_its_version() {
        let client =
            Client::from_json(r#"{"clientId":"a","redirectUris":["https://a.example/cb"]}"#)
                .unwrap();
        assert_eq!(client.auth_method, AuthMethod::None);
        assert!(
            client.may(AUTHORIZATION_CODE)
                && client.may_refresh()
                && client.response_types == [CODE]
        );
        let client =
            Client::from_json(r#"{"clientId":"a","clientSecret":"00","redirectUris":[]}"#).unwrap();
        assert_eq!(
            (client.auth_method, client.auth_method_explicit),
            (AuthMethod::Basic, false)
        );
    }

    #[test]
    fn a_client_record_survives_being_stored() {
        let uris = vec![RedirectUri::parse("https://a.example/cb").unwrap()];
        let client = Client {
            name: Some("<b>".to_owned()),
            application_type: Some(ApplicationType::Native),
            scope: Some(Scopes::parse("a b").unwrap()),
            registered: 5,
            expires: Some(6),
            ..Client::public("id", uris, ClientSource::Document)
        };
        assert_eq!(Client::from_json(&client.to_json()), Ok(client.clone()));
        assert!(client.to_json().contains("\"v\":1"));
    }

    #[test]
    fn a_client_record_of_another_version_is_an_error() {
        let later = r#"{"v":2,"clientId":"a","redirectUris":[]}"#;
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"clientId":"a"}"#,
            r#"{"clientId":1,"redirectUris":[]}"#,
            later,
        ] {
            assert!(Client::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_registered_redirect_uri_is_accepted() {
        let uris = ["https://a.example/cb", "http://127.0.0.1:1/cb"];
        let uris = uris
            .iter()
            .map(|uri| RedirectUri::parse(uri).unwrap())
            .collect();
        let client = Client::public("id", uris, ClientSource::Registered);
        for good in ["https://a.example/cb", "http://127.0.0.1:54321/cb"] {
            assert_eq!(client.redirect(good).unwrap().as_str(), good);
        }
        for bad in [
            "https://a.example/cb/",
            "HTTPS://A.example/cb",
            "https://a.example/cb?x=1",
            "https://b.example/cb",
        ] {
            assert_eq!(client.redirect(bad), None, "{bad}");
        }
    }

    #[test]
    fn debug_output_hides_the_hash_of_a_client_secret() {
        let text = format!("{:?}", Client::from_json(&theirs().to_string()).unwrap());
        assert!(text.contains("abc123") && !text.contains("5e88"), "{text}");
    }

    #[test]
    fn auth_methods_have_the_same_name_in_json_and_text() {
        for method in AuthMethod::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert_eq!(AuthMethod::parse(method.as_str()), Some(method));
        }
        assert_eq!(AuthMethod::parse("private_key_jwt"), None);
    }
}

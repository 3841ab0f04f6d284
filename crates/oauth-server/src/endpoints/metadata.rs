//! Metadata documents of the authorization server (RFC 8414) and of protected resources (RFC 9728).

use serde_json::{Map, Value, json};

use crate::client::{AuthMethod, CODE};
use crate::scope::Scopes;

/// The scope that asks for refresh tokens (`OpenID` Connect Core 1.0 section 11). It is a matter of the authorization
/// server: no resource names it.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The well-known name of authorization server metadata (RFC 8414 section 3).
pub const AUTHORIZATION_SERVER: &str = "oauth-authorization-server";

/// The well-known name of authorization server metadata in `OpenID` Connect Discovery 1.0 (section 4).
pub const OPENID_CONFIGURATION: &str = "openid-configuration";

/// The well-known name of protected resource metadata (RFC 9728 section 3).
pub const PROTECTED_RESOURCE: &str = "oauth-protected-resource";

/// A metadata document, of the members that have a value.
#[derive(Default)]
struct Document(Map<String, Value>);

impl Document {
    fn set(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
    }
}

/// An authorization server. What is `None` or empty is not served, and not advertised.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerMetadata<'a> {
    /// The issuer identifier (RFC 8414 section 2), as clients compare it.
    pub issuer: &'a str,
    /// Scheme and host that the paths are under.
    pub origin: &'a str,
    /// The path of the authorization endpoint.
    pub authorize: &'a str,
    /// The path of the token endpoint.
    pub token: &'a str,
    /// The path of the registration endpoint.
    pub register: Option<&'a str>,
    /// The path of the revocation endpoint.
    pub revoke: Option<&'a str>,
    /// The path of the introspection endpoint.
    pub introspect: Option<&'a str>,
    /// The scopes there are; `offline_access` among them if refresh tokens are asked for by it.
    pub scopes: Option<&'a Scopes>,
    /// The grant types that the token endpoint serves.
    pub grant_types: &'a [&'a str],
    /// Client authentication methods of the endpoints.
    pub auth_methods: &'a [AuthMethod],
    /// True if the URL of a metadata document is accepted as a client's id.
    pub client_documents: bool,
    /// A page for developers.
    pub documentation: Option<&'a str>,
}

impl ServerMetadata<'_> {
    /// The metadata document as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let scopes = self.scopes.map(|scopes| json!(scopes.to_vec()));
        let mut document = Document::default();
        self.add_endpoints(&mut document);
        document.set("scopes_supported", scopes);
        document.set("response_types_supported", Some(json!([CODE])));
        document.set("response_modes_supported", Some(json!(["query"])));
        document.set("grant_types_supported", Some(json!(self.grant_types)));
        self.add_auth_methods(&mut document);
        document.set("code_challenge_methods_supported", Some(json!(["S256"])));
        document.set(
            "authorization_response_iss_parameter_supported",
            Some(json!(true)),
        );
        document.set(
            "client_id_metadata_document_supported",
            self.client_documents.then_some(Value::Bool(true)),
        );
        document.set("service_documentation", self.documentation.map(Value::from));
        Value::Object(document.0)
    }

    fn add_endpoints(&self, document: &mut Document) {
        let url = |path: &str| Value::from(format!("{}{path}", self.origin));
        document.set("issuer", Some(self.issuer.into()));
        document.set("authorization_endpoint", Some(url(self.authorize)));
        document.set("token_endpoint", Some(url(self.token)));
        document.set("registration_endpoint", self.register.map(url));
        document.set("revocation_endpoint", self.revoke.map(url));
        document.set("introspection_endpoint", self.introspect.map(url));
    }

    fn add_auth_methods(&self, document: &mut Document) {
        let methods: Vec<_> = self
            .auth_methods
            .iter()
            .map(|method| method.as_str())
            .collect();
        // A public client may not ask about tokens: RFC 7662 section 2.1 wants some authorization.
        let proofs: Vec<_> = methods
            .iter()
            .filter(|name| **name != AuthMethod::None.as_str())
            .collect();
        document.set(
            "token_endpoint_auth_methods_supported",
            Some(json!(methods)),
        );
        document.set(
            "revocation_endpoint_auth_methods_supported",
            self.revoke.map(|_| json!(methods)),
        );
        document.set(
            "introspection_endpoint_auth_methods_supported",
            self.introspect.map(|_| json!(proofs)),
        );
    }
}

/// A protected resource.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceMetadata<'a> {
    /// The resource identifier (RFC 9728 section 1.2): its URL, as clients use it.
    pub resource: &'a str,
    /// The issuers whose tokens the resource accepts.
    pub authorization_servers: &'a [&'a str],
    /// The least scopes that the resource is of use with.
    pub scopes: Option<&'a Scopes>,
    /// Name of the resource for people.
    pub name: Option<&'a str>,
    /// A page for developers.
    pub documentation: Option<&'a str>,
}

impl ResourceMetadata<'_> {
    /// The metadata document as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut document = Document::default();
        document.set("resource", Some(self.resource.into()));
        document.set(
            "authorization_servers",
            Some(json!(self.authorization_servers)),
        );
        document.set(
            "scopes_supported",
            self.scopes
                .map(|scopes| json!(scopes.without(OFFLINE_ACCESS).to_vec())),
        );
        document.set("bearer_methods_supported", Some(json!(["header"])));
        document.set("resource_name", self.name.map(Value::from));
        document.set(
            "resource_documentation",
            self.documentation.map(Value::from),
        );
        Value::Object(document.0)
    }
}

/// URL of the metadata of `url`: the well-known name goes between host and path (RFC 8414 section 3.1, RFC 9728 section
/// 3.1). A path of one slash is none.
#[must_use]
pub fn well_known_url(url: &str, name: &str) -> String {
    let (origin, path) = split_origin(url);
    format!("{origin}/.well-known/{name}{path}")
}

/// The paths at which clients look for the metadata of an issuer (RFC 8414 section 5, `OpenID` Connect Discovery 1.0
/// section 4). Under other paths there is nothing, for the issuer would not be the one they were built from.
#[must_use]
pub fn server_metadata_paths(issuer: &str) -> [String; 3] {
    let (_, path) = split_origin(issuer);
    [
        format!("/.well-known/{AUTHORIZATION_SERVER}{path}"),
        format!("/.well-known/{OPENID_CONFIGURATION}{path}"),
        format!("{path}/.well-known/{OPENID_CONFIGURATION}"),
    ]
}

/// Splits a URL into its origin and its path, where a path of one slash counts as empty.
fn split_origin(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| host + at);
    let (origin, path) = url.split_at(end);
    (origin, if path == "/" { "" } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(scopes: &Scopes) -> ServerMetadata<'_> {
        ServerMetadata {
            issuer: "https://a.example",
            origin: "https://a.example",
            authorize: "/authorize",
            token: "/token",
            register: Some("/register"),
            revoke: Some("/revoke"),
            introspect: None,
            scopes: Some(scopes),
            grant_types: &["authorization_code", "refresh_token"],
            auth_methods: &AuthMethod::ALL,
            client_documents: true,
            documentation: None,
        }
    }

    #[test]
    fn the_metadata_advertise_what_is_served() {
        let scopes = Scopes::parse("mcp:use offline_access").unwrap();
        assert_eq!(
            server(&scopes).to_json(),
            json!({
                "issuer": "https://a.example",
                "authorization_endpoint": "https://a.example/authorize",
                "token_endpoint": "https://a.example/token",
                "registration_endpoint": "https://a.example/register",
                "revocation_endpoint": "https://a.example/revoke",
                "scopes_supported": ["mcp:use", "offline_access"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "client_id_metadata_document_supported": true,
            })
        );
    }

    #[test]
    fn the_metadata_omit_what_is_not_served() {
        let document = ServerMetadata {
            issuer: "https://a.example",
            ..ServerMetadata::default()
        }
        .to_json();
        for name in [
            "registration_endpoint",
            "revocation_endpoint",
            "revocation_endpoint_auth_methods_supported",
            "introspection_endpoint",
            "introspection_endpoint_auth_methods_supported",
            "client_id_metadata_document_supported",
            "scopes_supported",
            "service_documentation",
        ] {
            assert!(document.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn introspection_is_advertised_for_confidential_clients_alone() {
        let scopes = Scopes::default();
        let document = ServerMetadata {
            introspect: Some("/introspect"),
            ..server(&scopes)
        }
        .to_json();
        assert_eq!(
            document["introspection_endpoint"],
            "https://a.example/introspect"
        );
        assert_eq!(
            document["introspection_endpoint_auth_methods_supported"],
            json!(["client_secret_basic", "client_secret_post"])
        );
    }

    #[test]
    fn endpoints_are_at_the_origin_even_if_the_issuer_has_a_path() {
        let scopes = Scopes::default();
        let document = ServerMetadata {
            issuer: "https://a.example/tenant",
            ..server(&scopes)
        }
        .to_json();
        assert_eq!(document["issuer"], "https://a.example/tenant");
        assert_eq!(document["token_endpoint"], "https://a.example/token");
    }

    #[test]
    fn resource_metadata_name_the_server_and_omit_offline_access() {
        let scopes = Scopes::parse("mcp:use offline_access").unwrap();
        let resource = ResourceMetadata {
            resource: "https://a.example/mcp",
            authorization_servers: &["https://a.example"],
            scopes: Some(&scopes),
            name: Some("Demo"),
            documentation: None,
        };
        assert_eq!(
            resource.to_json(),
            json!({
                "resource": "https://a.example/mcp",
                "authorization_servers": ["https://a.example"],
                "scopes_supported": ["mcp:use"],
                "bearer_methods_supported": ["header"],
                "resource_name": "Demo",
            })
        );
    }

    #[test]
    fn the_well_known_segment_stands_between_host_and_path() {
        for (url, expected) in [
            (
                "https://a.example/mcp",
                "https://a.example/.well-known/oauth-protected-resource/mcp",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "http://localhost:8787",
                "http://localhost:8787/.well-known/oauth-protected-resource",
            ),
        ] {
            assert_eq!(well_known_url(url, PROTECTED_RESOURCE), expected);
        }
    }

    #[test]
    fn server_metadata_paths_are_built_from_the_path_of_the_issuer() {
        assert_eq!(
            server_metadata_paths("https://a.example/tenant"),
            [
                "/.well-known/oauth-authorization-server/tenant",
                "/.well-known/openid-configuration/tenant",
                "/tenant/.well-known/openid-configuration",
            ]
        );
        let root = server_metadata_paths("https://a.example");
        assert_eq!(root[0], "/.well-known/oauth-authorization-server");
        assert_eq!(root[1], root[2]);
    }
}

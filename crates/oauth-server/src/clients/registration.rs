//! Dynamic registration of clients (RFC 7591): reads what a client asks for, limits it to the offer, and makes the
//! answer. The registry stores the client.

mod error;

use serde_json::{Map, Value, json};

pub use self::error::RegistrationError;
use durable_core::wire::read_loose_object;

use crate::client::{
    AUTHORIZATION_CODE, ApplicationType, AuthMethod, CODE, Client, ClientSource, REFRESH_TOKEN,
};
use crate::client_metadata::{ClientMetadata, MetadataError};
use crate::redirect_policy::RedirectPolicy;
use crate::redirect_uri::RedirectUri;
use crate::scope::Scopes;

/// Bytes of a registration: all the redirect URIs there may be and everything else, with room to spare.
pub const MAX_REGISTRATION_BYTES: usize = 128 * 1024;

/// The grant type of a client that acts for itself (RFC 6749 section 4.4).
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// Metadata that clients may register with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationOffer {
    /// The grant types. One that gives access without a person belongs to clients in the configuration only.
    pub grant_types: Vec<String>,
    /// Client authentication methods for the token endpoint.
    pub auth_methods: Vec<AuthMethod>,
    /// The scopes that the answer may name; empty for all that a client asks for.
    pub scopes: Scopes,
    /// The redirect URIs.
    pub redirects: RedirectPolicy,
}

impl Default for RegistrationOffer {
    fn default() -> Self {
        Self {
            grant_types: vec![AUTHORIZATION_CODE.to_owned(), REFRESH_TOKEN.to_owned()],
            auth_methods: AuthMethod::ALL.to_vec(),
            scopes: Scopes::default(),
            redirects: RedirectPolicy::default(),
        }
    }
}

/// Reads a registration into the client that it asks for, as yet without id, secret and times.
///
/// # Errors
/// When it is no metadata, or asks for what is not offered.
pub fn parse(json: &str, offer: &RegistrationOffer) -> Result<Client, RegistrationError> {
    if json.len() > MAX_REGISTRATION_BYTES {
        return Err(RegistrationError::TooLarge);
    }
    let Some(members) = read_loose_object(json.as_bytes()) else {
        return Err(MetadataError::Other("The body must be a JSON object.".to_owned()).into());
    };
    Ok(asked_for(ClientMetadata::new(&members), offer)?)
}

fn asked_for(
    metadata: ClientMetadata<'_>,
    offer: &RegistrationOffer,
) -> Result<Client, MetadataError> {
    let auth_method = metadata.auth_method(&offer.auth_methods)?;
    let (grant_types, response_types) = types(metadata, offer)?;
    let redirect_uris = metadata
        .redirect_uris(&offer.redirects)?
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    if redirect_uris.is_empty() && grant_types.iter().any(|own| own == AUTHORIZATION_CODE) {
        return Err(MetadataError::RedirectUri(
            "redirect_uris needs at least one URI.".to_owned(),
        ));
    }
    metadata.check_keys()?;
    let client = Client {
        name: metadata.name(),
        logo_uri: metadata.uri("logo_uri"),
        client_uri: metadata.uri("client_uri"),
        policy_uri: metadata.uri("policy_uri"),
        tos_uri: metadata.uri("tos_uri"),
        contacts: metadata.contacts(),
        grant_types,
        response_types,
        auth_method: auth_method.unwrap_or_else(|| default_auth_method(offer)),
        auth_method_explicit: auth_method.is_some(),
        application_type: metadata.application_type(),
        scope: scope(metadata, offer),
        ..Client::public("", redirect_uris, ClientSource::Registered)
    };
    if client.is_public() && client.may(CLIENT_CREDENTIALS) {
        let text = "client_credentials needs a token_endpoint_auth_method other than none.";
        return Err(MetadataError::Other(text.to_owned()));
    }
    Ok(client)
}

/// The default of RFC 7591 section 2. A server that does not offer it takes public clients.
fn default_auth_method(offer: &RegistrationOffer) -> AuthMethod {
    if offer.auth_methods.contains(&AuthMethod::Basic) {
        AuthMethod::Basic
    } else {
        AuthMethod::None
    }
}

/// Grant types and response types, which must fit each other (RFC 7591 section 2.1). Those that are not served are left
/// out, as long as others are asked for.
fn types(
    metadata: ClientMetadata<'_>,
    offer: &RegistrationOffer,
) -> Result<(Vec<String>, Vec<String>), MetadataError> {
    let mut grant_types = metadata
        .list("grant_types")?
        .unwrap_or_else(|| vec![AUTHORIZATION_CODE]);
    grant_types.retain(|asked| offer.grant_types.iter().any(|own| own == asked));
    if grant_types.is_empty() {
        return Err(other(format!(
            "grant_types may have {}.",
            offer.grant_types.join(", ")
        )));
    }
    let has_code = grant_types.contains(&AUTHORIZATION_CODE);
    if grant_types.iter().all(|own| *own == REFRESH_TOKEN) {
        return Err(other(format!(
            "grant_types needs what a refresh token comes from: {AUTHORIZATION_CODE}."
        )));
    }
    let assumed = if has_code { vec![CODE] } else { Vec::new() };
    let asked = metadata.list("response_types")?;
    let mut response_types = asked.clone().unwrap_or(assumed);
    response_types.retain(|asked| *asked == CODE);
    if response_types.is_empty() && asked.is_some_and(|asked| !asked.is_empty()) {
        return Err(other("response_types may have code."));
    }
    if has_code == response_types.is_empty() {
        return Err(other(
            "grant_types has authorization_code if and only if response_types has code.",
        ));
    }
    Ok((once(&grant_types), once(&response_types)))
}

fn other(text: impl Into<String>) -> MetadataError {
    MetadataError::Other(text.into())
}

fn once(texts: &[&str]) -> Vec<String> {
    texts
        .iter()
        .enumerate()
        .filter(|(at, text)| !texts.iter().take(*at).any(|earlier| earlier == *text))
        .map(|(_, text)| (*text).to_owned())
        .collect()
}

/// The scopes that are asked for and offered; `None` if no asked scope is offered, as if the client had named none.
fn scope(metadata: ClientMetadata<'_>, offer: &RegistrationOffer) -> Option<Scopes> {
    let asked = metadata.scope()?;
    let granted = if offer.scopes.is_empty() {
        asked
    } else {
        asked.both(&offer.scopes)
    };
    Some(granted).filter(|scopes| !scopes.is_empty())
}

/// Canonical form of a client's metadata, with its lists sorted: public clients of the same form are one client.
#[must_use]
pub fn canonical(client: &Client) -> String {
    let mut metadata = echo(client);
    let uris = sorted(client.redirect_uris.iter().map(RedirectUri::as_str));
    metadata.insert("redirect_uris".to_owned(), json!(uris));
    metadata.insert(
        "grant_types".to_owned(),
        json!(sorted(client.grant_types.iter().map(String::as_str))),
    );
    let scopes = client.scope.as_ref().map(|scopes| sorted(scopes.iter()));
    metadata.insert("scope".to_owned(), json!(scopes));
    Value::Object(metadata).to_string()
}

fn sorted<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts
}

/// The answer to a registration (RFC 7591 section 3.2.1): the client as it is registered, and its secret.
#[must_use]
pub fn answer(client: &Client, secret: Option<&str>) -> String {
    let mut answer = echo(client);
    answer.insert("client_id".to_owned(), json!(client.id));
    answer.insert("client_id_issued_at".to_owned(), json!(client.registered));
    if let Some(secret) = secret {
        answer.insert("client_secret".to_owned(), json!(secret));
        // The secret lives as long as the record. Use renews that, so this is the earliest that it can be.
        answer.insert(
            "client_secret_expires_at".to_owned(),
            json!(client.expires.unwrap_or_default()),
        );
    }
    Value::Object(answer).to_string()
}

/// The metadata of a client under the names of RFC 7591 section 2.
fn echo(client: &Client) -> Map<String, Value> {
    let uris: Vec<_> = client
        .redirect_uris
        .iter()
        .map(RedirectUri::as_str)
        .collect();
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            members.insert(name.to_owned(), value);
        }
    };
    set("redirect_uris", json!(uris));
    set("client_name", json!(client.name));
    set("client_uri", json!(client.client_uri));
    set("logo_uri", json!(client.logo_uri));
    set("policy_uri", json!(client.policy_uri));
    set("tos_uri", json!(client.tos_uri));
    let contacts = Some(&client.contacts).filter(|contacts| !contacts.is_empty());
    set("contacts", json!(contacts));
    set("grant_types", json!(client.grant_types));
    set("response_types", json!(client.response_types));
    set(
        "token_endpoint_auth_method",
        json!(client.auth_method.as_str()),
    );
    set(
        "application_type",
        json!(client.application_type.map(ApplicationType::as_str)),
    );
    set(
        "scope",
        json!(client.scope.as_ref().map(ToString::to_string)),
    );
    members
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URI: &str = "https://a.example/cb";

    fn asked(value: &Value) -> Result<Client, RegistrationError> {
        parse(&value.to_string(), &RegistrationOffer::default())
    }

    fn refused(value: &Value) -> (&'static str, String) {
        let error = asked(value).expect_err(&value.to_string());
        assert_eq!(error.status(), 400);
        (error.code(), error.description())
    }

    #[test]
    fn omitted_metadata_get_the_defaults_of_the_rfc() {
        let client = asked(&json!({ "redirect_uris": [URI] })).unwrap();
        assert_eq!(
            (client.auth_method, client.auth_method_explicit),
            (AuthMethod::Basic, false)
        );
        assert_eq!(
            (
                client.grant_types.as_slice(),
                client.response_types.as_slice()
            ),
            (
                [AUTHORIZATION_CODE.to_owned()].as_slice(),
                [CODE.to_owned()].as_slice()
            )
        );
        assert_eq!(
            (client.application_type, client.scope, client.from),
            (None, None, ClientSource::Registered)
        );
    }

    #[test]
    fn unknown_metadata_are_ignored_and_known_ones_returned() {
        let client = asked(&json!({
            "redirect_uris": [URI, "http://localhost:1234/cb", "cursor://anysphere.cursor-mcp/cb"],
            "client_name": "<b>Me</b>",
            "client_uri": "https://a.example/",
            "contacts": ["me@a.example"],
            "grant_types": ["authorization_code", "refresh_token", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "scope": "a b",
            "software_id": "x",
            "software_statement": "e30.e30.",
            "jwks_uri": "https://a.example/jwks",
            "client_name#de": "Ich",
            "client_id": "mine",
            "client_secret": "mine",
        }))
        .unwrap();
        let answer: Value = serde_json::from_str(&answer(&client, None)).unwrap();
        assert_eq!(
            answer,
            json!({
                "client_id": "",
                "client_id_issued_at": 0,
                "redirect_uris": [URI, "http://localhost:1234/cb", "cursor://anysphere.cursor-mcp/cb"],
                "client_name": "<b>Me</b>",
                "client_uri": "https://a.example/",
                "contacts": ["me@a.example"],
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
                "application_type": "native",
                "scope": "a b",
            })
        );
    }

    #[test]
    fn a_client_secret_is_returned_with_its_expiry() {
        let client = Client {
            expires: Some(77),
            ..asked(&json!({ "redirect_uris": [URI] })).unwrap()
        };
        let answer: Value = serde_json::from_str(&answer(&client, Some("s3cret"))).unwrap();
        assert_eq!(
            (
                &answer["client_secret"],
                &answer["client_secret_expires_at"]
            ),
            (&json!("s3cret"), &json!(77))
        );
    }

    #[test]
    fn an_unsafe_or_missing_redirect_uri_is_refused() {
        for uri in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "http://a.example/cb",
            "https://a.example/cb#x",
            "https://me@a.example/cb",
            "//a.example/cb",
            "HTTPS://A.example/cb",
            "https://a.example/c\u{1}b",
            "https://a.example/c b",
            "/cb",
            "",
        ] {
            let (code, text) = refused(&json!({ "redirect_uris": [URI, uri] }));
            assert_eq!(code, "invalid_redirect_uri", "{uri}");
            assert!(text.starts_with("redirect_uris[1] is refused: "), "{text}");
        }
        for none in [
            json!({}),
            json!({ "redirect_uris": [] }),
            json!({ "redirect_uris": null }),
        ] {
            assert_eq!(refused(&none).1, "redirect_uris needs at least one URI.");
        }
        assert_eq!(
            refused(&json!({ "redirect_uris": URI })).0,
            "invalid_redirect_uri"
        );
    }

    #[test]
    fn the_application_type_does_not_restrict_redirect_uris() {
        for kind in ["native", "web"] {
            for uri in [
                "com.example.app:/cb",
                "cursor://anysphere.cursor-mcp/cb",
                "http://127.0.0.1/cb",
                URI,
            ] {
                let client =
                    asked(&json!({ "redirect_uris": [uri], "application_type": kind })).unwrap();
                assert_eq!(
                    client.application_type.map(ApplicationType::as_str),
                    Some(kind)
                );
            }
        }
    }

    #[test]
    fn a_redirect_uri_of_a_local_program_or_the_server_is_refused() {
        for uri in [
            "ms-msdt:/id",
            "search-ms:query=x",
            "myapp://cb",
            "https://mcp.example/cb",
        ] {
            let redirects = RedirectPolicy {
                own_origins: vec!["https://mcp.example".to_owned()],
                ..Default::default()
            };
            let offer = RegistrationOffer {
                redirects,
                ..RegistrationOffer::default()
            };
            let error =
                parse(&json!({ "redirect_uris": [URI, uri] }).to_string(), &offer).unwrap_err();
            assert_eq!(error.code(), "invalid_redirect_uri", "{uri}");
            assert!(
                error
                    .description()
                    .starts_with("redirect_uris[1] is refused: A redirect URI must"),
                "{uri}"
            );
        }
    }

    #[test]
    fn unsupported_or_malformed_metadata_are_refused() {
        for (member, value) in [
            ("grant_types", json!(["password"])),
            ("grant_types", json!(["client_credentials"])),
            ("grant_types", json!(["refresh_token"])),
            ("grant_types", json!([])),
            ("grant_types", json!("authorization_code")),
            ("response_types", json!(["token"])),
            ("response_types", json!([])),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("token_endpoint_auth_method", json!(5)),
            ("jwks", json!({ "keys": [{ "d": "x" }] })),
        ] {
            let mut metadata = json!({ "redirect_uris": [URI] });
            metadata[member] = value;
            assert_eq!(
                refused(&metadata).0,
                "invalid_client_metadata",
                "{metadata}"
            );
        }
    }

    #[test]
    fn a_malformed_descriptive_member_refuses_no_client() {
        let plain = asked(&json!({ "redirect_uris": [URI] })).unwrap();
        for (member, values) in [
            (
                "client_name",
                vec![json!(["me"]), json!(5), json!("\u{202e}\u{0}"), json!({})],
            ),
            (
                "logo_uri",
                vec![
                    json!("javascript:alert(1)"),
                    json!("https://a.example/ü.png"),
                    json!(5),
                    json!("x"),
                ],
            ),
            (
                "tos_uri",
                vec![json!("data:text/html,x"), json!("x".repeat(5000))],
            ),
            ("policy_uri", vec![json!("ftp://a.example"), json!([])]),
            ("client_uri", vec![json!("x"), json!("https://é.example")]),
            ("jwks_uri", vec![json!("javascript:x"), json!(5)]),
            ("jwks", vec![json!("x"), json!({}), json!({ "keys": 5 })]),
            (
                "contacts",
                vec![
                    json!("me"),
                    json!([5, null, {}]),
                    json!(["a\u{202e}b"]),
                    json!({}),
                ],
            ),
            (
                "application_type",
                vec![json!("robot"), json!(""), json!(5), json!(["web"])],
            ),
            (
                "scope",
                vec![
                    json!("a\\b"),
                    json!(5),
                    json!(["a"]),
                    json!("é"),
                    json!("x".repeat(2000)),
                ],
            ),
            (
                "software_id",
                vec![json!(5), json!("\u{202e}"), json!("x".repeat(5000))],
            ),
            ("software_version", vec![json!(5), json!({})]),
            ("software_statement", vec![json!("x"), json!(5)]),
            ("subject_type", vec![json!("pairwise"), json!(5)]),
            (
                "grant_types",
                vec![
                    json!(["authorization_code", "implicit", 5, null]),
                    Value::Null,
                ],
            ),
            (
                "response_types",
                vec![json!(["code", "id_token", "code token", 5]), Value::Null],
            ),
            (
                "token_endpoint_auth_methods_supported",
                vec![json!(["private_key_jwt", "client_secret_basic", 5])],
            ),
        ] {
            for value in values {
                let mut metadata = json!({ "redirect_uris": [URI] });
                metadata[member] = value;
                let client =
                    asked(&metadata).unwrap_or_else(|error| panic!("{metadata}: {error:?}"));
                let explicit = client.auth_method_explicit;
                let same = Client {
                    auth_method_explicit: explicit,
                    ..plain.clone()
                };
                assert_eq!(answer(&client, None), answer(&same, None), "{metadata}");
            }
        }
    }

    #[test]
    fn long_names_and_lists_are_cut() {
        let metadata = json!({
            "redirect_uris": [URI], "client_name": format!("\u{202e}{}", "n".repeat(500)), "contacts": vec!["c"; 50],
        });
        let client = asked(&metadata).unwrap();
        assert_eq!(client.name, Some("n".repeat(200)));
        assert_eq!(client.contacts.len(), 20);
    }

    #[test]
    fn a_body_that_is_no_object_or_too_long_is_refused() {
        for text in ["", "x", "[]", "null", "\"a\"", "{", "{\"a\":1}{"] {
            let error = parse(text, &RegistrationOffer::default()).unwrap_err();
            assert_eq!(
                (error.status(), error.code()),
                (400, "invalid_client_metadata"),
                "{text}"
            );
        }
        let long = parse(
            &" ".repeat(MAX_REGISTRATION_BYTES + 1),
            &RegistrationOffer::default(),
        )
        .unwrap_err();
        assert_eq!(
            (long.status(), long.code()),
            (413, "invalid_client_metadata")
        );
        let deep = format!("{{\"redirect_uris\":{}", "[".repeat(100_000));
        assert_eq!(
            parse(&deep, &RegistrationOffer::default())
                .unwrap_err()
                .status(),
            400
        );
    }

    #[test]
    fn a_client_credentials_client_needs_a_secret_and_no_redirect_uri() {
        let offer = RegistrationOffer {
            grant_types: vec![CLIENT_CREDENTIALS.to_owned()],
            ..RegistrationOffer::default()
        };
        let client = parse(r#"{"grant_types":["client_credentials"]}"#, &offer).unwrap();
        assert!(client.redirect_uris.is_empty() && client.response_types.is_empty());
        let public =
            r#"{"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"}"#;
        assert!(parse(public, &offer).is_err());
    }

    #[test]
    fn unknown_scopes_of_a_registration_are_dropped() {
        let offer = RegistrationOffer {
            scopes: Scopes::parse("a b").unwrap(),
            ..RegistrationOffer::default()
        };
        let scope = |scope: &str| {
            let json = json!({ "redirect_uris": [URI], "scope": scope }).to_string();
            parse(&json, &offer)
                .unwrap()
                .scope
                .map(|scopes| scopes.to_string())
        };
        assert_eq!(scope("c b"), Some("b".to_owned()));
        assert_eq!(scope("c"), None);
    }

    #[test]
    fn a_server_without_secrets_registers_public_clients() {
        let offer = RegistrationOffer {
            auth_methods: vec![AuthMethod::None],
            ..RegistrationOffer::default()
        };
        let json = json!({ "redirect_uris": [URI] }).to_string();
        assert!(parse(&json, &offer).unwrap().is_public());
        let json =
            json!({ "redirect_uris": [URI], "token_endpoint_auth_method": "client_secret_post" })
                .to_string();
        assert_eq!(
            parse(&json, &offer).unwrap_err().description(),
            "token_endpoint_auth_method must be none."
        );
    }

    #[test]
    fn the_order_of_lists_does_not_distinguish_clients() {
        let of = |value: Value| canonical(&asked(&value).unwrap());
        let one = of(
            json!({ "redirect_uris": [URI, "https://b.example/cb"], "scope": "a b",
            "grant_types": ["authorization_code", "refresh_token"] }),
        );
        let same = of(
            json!({ "grant_types": ["refresh_token", "authorization_code"], "scope": "b a",
            "redirect_uris": ["https://b.example/cb", URI, URI], "software_version": "2" }),
        );
        assert_eq!(one, same);
        let plain = of(json!({ "redirect_uris": [URI] }));
        for (member, value) in [
            ("client_name", json!("x")),
            ("logo_uri", json!("https://a.example/x")),
            ("scope", json!("a")),
            ("token_endpoint_auth_method", json!("none")),
            ("redirect_uris", json!(["https://a.example/cc"])),
            ("application_type", json!("web")),
        ] {
            let mut other = json!({ "redirect_uris": [URI] });
            other[member] = value;
            assert_ne!(of(other), plain, "{member}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_registration_survives_storing_and_registering_again(
            name in "\\PC{0,20}",
            uri in "(https://|http://|cursor://|com.app:/)[a-z0-9.:]{1,12}(/[a-z?=%]{0,6}){0,2}",
            grants in prop::sample::subsequence(vec!["authorization_code", "refresh_token", "implicit"], 0..=3),
            method in prop::sample::select(vec!["none", "client_secret_basic", "client_secret_post", "x"]),
        ) {
            let asked = json!({ "client_name": name, "redirect_uris": [uri], "grant_types": grants,
                "token_endpoint_auth_method": method });
            if let Ok(client) = parse(&asked.to_string(), &RegistrationOffer::default()) {
                prop_assert_eq!(Client::from_json(&client.to_json()), Ok(client.clone()));
                let again = parse(&answer(&client, None), &RegistrationOffer::default());
                prop_assert_eq!(again.map(|again| canonical(&again)), Ok(canonical(&client)));
            }
        }

        #[test]
        fn the_reader_of_registrations_panics_for_no_text(text in any::<String>()) {
            let _ = parse(&text, &RegistrationOffer::default());
        }
    }

    #[test]
    fn a_lone_surrogate_refuses_a_client_only_in_a_redirect_uri() {
        let uris = r#""redirect_uris":["https://a.example/cb"]"#;
        for (member, name) in [
            (r#""client_name":"Caf\ud83d""#, Some("Caf\u{fffd}")),
            (r#""client_name":1e400"#, None),
            (r#""unknown":{"a":["\udc00",1e400]}"#, None),
            (r#""\ud800":1"#, None),
        ] {
            let client = parse(
                &format!("{{{uris},{member}}}"),
                &RegistrationOffer::default(),
            )
            .unwrap();
            assert_eq!(client.name.as_deref(), name, "{member}");
        }
        let refused = parse(
            r#"{"redirect_uris":["https://a.example/\ud83d"]}"#,
            &RegistrationOffer::default(),
        )
        .unwrap_err();
        assert!(
            format!("{refused:?}").contains("half of a surrogate pair"),
            "{refused:?}"
        );
    }
}

//! Clients whose id is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document; MCP 2025-11-25,
//! Authorization, "Client ID Metadata Documents").
//!
//! Anybody can write such a document. Nothing of one that is refused is ever shown.

use std::fmt;

use durable_core::wire::{RuntimeError, read_loose_object};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::client::{AUTHORIZATION_CODE, AuthMethod, CODE, Client, ClientSource};
use crate::client_metadata::ClientMetadata;
use crate::redirect_policy::RedirectPolicy;
use crate::redirect_uri::RedirectUri;

/// Bytes of a document: what the draft recommends (section 6.6). Those in use have about 1 KiB.
pub const MAX_DOCUMENT_BYTES: usize = 5 * 1024;

/// Shortest time for which a document counts as fresh, in seconds, whatever its host says, so that one sign-in fetches it
/// once.
pub const LEAST_FRESH_SECONDS: u64 = 5 * 60;

/// Longest time for which a document counts as fresh, in seconds, so that what its author withdraws is gone within a day.
pub const MOST_FRESH_SECONDS: u64 = 24 * 3600;

/// Response to a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchResponse {
    /// The status.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Cache-Control` header.
    pub cache_control: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Fetches from the public web.
pub trait Fetch {
    /// Gets `url` as JSON, without following redirects and without credentials. Of the body no more than `limit` bytes
    /// are read, and one more to show that it is longer. What takes longer than `timeout_ms`, body included, is a fault.
    fn get<'a>(
        &'a self,
        url: &'a str,
        limit: usize,
        timeout_ms: u32,
    ) -> LocalBoxFuture<'a, Result<FetchResponse, RuntimeError>>;
}

/// Reason for which a client cannot be identified by its metadata document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The URL is not one that is fetched.
    Url(&'static str),
    /// The policy of this server does not admit the URL's host.
    NotAdmitted,
    /// The fetch gave no document of that client.
    Fetch(FetchFailure),
    /// The same failure for a client whose document was fetched before.
    Withdrawn(FetchFailure),
    /// The document is that client's, and describes a client that cannot be served; its author is told why.
    Content(String),
    /// Too many documents were fetched lately.
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
}

/// Failure of a fetch that gave no document of the client. It is written to the log alone: the person who named the URL must
/// not learn what is there, since it may be something that only this server can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchFailure {
    /// The document's host did not answer, or not in time.
    Unreachable,
    /// The document's host answered with that status.
    Status(u16),
    /// The content type is not JSON.
    NotJson,
    /// Longer than [`MAX_DOCUMENT_BYTES`].
    TooLong,
    /// Not a JSON object.
    NotObject,
    /// The `client_id` in the document is not the document's URL, character by character.
    OtherClient,
}

impl FetchFailure {
    /// True if the document's host failed, rather than withdrew the document.
    const fn is_outage(self) -> bool {
        match self {
            Self::Unreachable | Self::NotJson => true,
            Self::Status(status) => !matches!(status, 404 | 410),
            Self::TooLong | Self::NotObject | Self::OtherClient => false,
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(reason) => write!(
                f,
                "The client_id is not the URL of a metadata document: {reason}"
            ),
            Self::NotAdmitted => f.write_str("This server takes no clients of that host."),
            Self::Fetch(_) => write!(
                f,
                "The client's metadata document could not be fetched. Its URL must answer with status 200, \
                 Content-Type application/json and a JSON object of at most {MAX_DOCUMENT_BYTES} bytes whose client_id is \
                 that URL, character by character. If it does, try again later."
            ),
            Self::Withdrawn(_) => {
                f.write_str("The client's metadata document is no longer at its URL.")
            }
            Self::Content(reason) => {
                write!(f, "The client's metadata document is refused: {reason}")
            }
            Self::TooMany { .. } => {
                f.write_str("Too many metadata documents were fetched lately. Try again later.")
            }
        }
    }
}

impl DocumentError {
    /// True if a later fetch may succeed.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Fetch(_) | Self::TooMany { .. })
    }

    /// True if an earlier copy of the document may still be valid: its host has trouble, or too much was fetched
    /// lately, and the document has not been withdrawn.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::TooMany { .. } => true,
            Self::Fetch(failure) | Self::Withdrawn(failure) => failure.is_outage(),
            Self::Url(_) | Self::NotAdmitted | Self::Content(_) => false,
        }
    }

    /// The same error for a client whose document was fetched before: its host has published it, so the answer may say more.
    pub(crate) fn of_known(self) -> Self {
        match self {
            Self::Fetch(failure) => Self::Withdrawn(failure),
            other => other,
        }
    }

    /// Text for operators: the public text, and the failure of the fetch.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Fetch(failure) | Self::Withdrawn(failure) => format!("{self} ({failure:?})"),
            _ => self.to_string(),
        }
    }
}

/// Reads the document of the client whose id is `url`.
///
/// # Errors
/// When it is not there, or does not describe that client.
pub fn parse(
    url: &str,
    fetched: &FetchResponse,
    grant_types: &[String],
) -> Result<Client, DocumentError> {
    // A redirect, a part and an empty answer are all not the document.
    if fetched.status != 200 {
        return failed(FetchFailure::Status(fetched.status));
    }
    if !fetched.content_type.as_deref().is_some_and(is_json) {
        return failed(FetchFailure::NotJson);
    }
    if fetched.body.len() > MAX_DOCUMENT_BYTES {
        return failed(FetchFailure::TooLong);
    }
    let Some(members) = read_loose_object(&fetched.body) else {
        return failed(FetchFailure::NotObject);
    };
    if members.get("client_id").and_then(Value::as_str) != Some(url) {
        return failed(FetchFailure::OtherClient);
    }
    let metadata = ClientMetadata::new(&members);
    if metadata.has("client_secret") || metadata.has("client_secret_expires_at") {
        return Err(DocumentError::Content(
            "it has a client secret, which everybody can read.".to_owned(),
        ));
    }
    described(url, metadata, grant_types)
}

const fn failed(failure: FetchFailure) -> Result<Client, DocumentError> {
    Err(DocumentError::Fetch(failure))
}

/// The redirect URIs that can be read. Those that a client may not choose are refused at use: a copy of the document serves
/// every origin.
fn redirect_uris(metadata: ClientMetadata<'_>) -> Result<Vec<RedirectUri>, DocumentError> {
    let redirect_uris = metadata
        .redirect_uris(&RedirectPolicy::any())
        .map_err(content_error)?;
    let refused = redirect_uris
        .iter()
        .find_map(|uri| uri.as_ref().err().map(ToString::to_string));
    let redirect_uris: Vec<_> = redirect_uris.into_iter().filter_map(Result::ok).collect();
    if redirect_uris.is_empty() {
        let text = refused.as_deref().unwrap_or("redirect_uris is missing.");
        return Err(content_error(text));
    }
    Ok(redirect_uris)
}

fn described(
    url: &str,
    metadata: ClientMetadata<'_>,
    offered: &[String],
) -> Result<Client, DocumentError> {
    metadata.check_keys().map_err(content_error)?;
    metadata
        .auth_method(&[AuthMethod::None])
        .map_err(content_error)?;
    let Some(name) = metadata.name() else {
        return Err(content_error("client_name is missing."));
    };
    let redirect_uris = redirect_uris(metadata)?;
    let grant_types = metadata.list("grant_types").map_err(content_error)?;
    let grant_types = supported(grant_types, AUTHORIZATION_CODE, |asked| {
        offered.iter().any(|own| own == asked)
    });
    let response_types = metadata.list("response_types").map_err(content_error)?;
    let response_types = supported(response_types, CODE, |asked| asked == CODE);
    if response_types.is_empty() || !grant_types.iter().any(|own| own == AUTHORIZATION_CODE) {
        return Err(content_error(
            "grant_types must have authorization_code, and response_types code.",
        ));
    }
    Ok(Client {
        name: Some(name),
        logo_uri: metadata.uri("logo_uri"),
        client_uri: metadata.uri("client_uri"),
        policy_uri: metadata.uri("policy_uri"),
        tos_uri: metadata.uri("tos_uri"),
        application_type: metadata.application_type(),
        grant_types,
        response_types,
        ..Client::public(url, redirect_uris, ClientSource::Document)
    })
}

fn content_error(error: impl fmt::Display) -> DocumentError {
    DocumentError::Content(error.to_string())
}

/// Entries of a list that this server has. A document is written for every server: the others are left out, and the rest is used.
fn supported(list: Option<Vec<&str>>, default: &str, has: impl Fn(&str) -> bool) -> Vec<String> {
    list.unwrap_or_else(|| vec![default])
        .into_iter()
        .filter(|item| has(item))
        .map(str::to_owned)
        .collect()
}

/// Checks whether a media type is JSON (RFC 8259 section 11, RFC 6839 section 3.1).
fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Seconds for which a document counts as fresh (RFC 9111 section 5.2.2), within bounds.
#[must_use]
pub fn fresh_seconds(cache_control: Option<&str>) -> u64 {
    let directives: Vec<_> = cache_control
        .unwrap_or_default()
        .split(',')
        .map(|item| item.trim().to_ascii_lowercase())
        .collect();
    let never = directives
        .iter()
        .any(|item| matches!(item.as_str(), "no-store" | "no-cache" | "private"));
    let asked = if never {
        0
    } else {
        seconds_of(&directives, "s-maxage")
            .or_else(|| seconds_of(&directives, "max-age"))
            .unwrap_or_default()
    };
    asked.clamp(LEAST_FRESH_SECONDS, MOST_FRESH_SECONDS)
}

fn seconds_of(directives: &[String], name: &str) -> Option<u64> {
    directives.iter().find_map(|item| {
        item.strip_prefix(name)?
            .strip_prefix('=')?
            .trim_matches('"')
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::redirect_uri::RedirectUri;

    const URL: &str = "https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json";

    fn offered() -> Vec<String> {
        vec!["authorization_code".to_owned(), "refresh_token".to_owned()]
    }

    fn chatgpt() -> Value {
        json!({
            "client_id": URL,
            "client_uri": "https://chatgpt.com/",
            "client_name": "ChatGPT",
            "logo_uri": "https://persistent.oaistatic.com/sonic/misc/openai-logo.png",
            "redirect_uris": ["https://chatgpt.com/connector/oauth/IbUR3zxyNQ16"],
            "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "response_types": ["code", "id_token"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "token_endpoint_auth_signing_alg": "RS256",
            "jwks_uri": "https://chatgpt.com/oauth/jwks.json"
        })
    }

    fn fetched(body: &Value) -> FetchResponse {
        FetchResponse {
            status: 200,
            content_type: Some("application/json; charset=utf-8".to_owned()),
            cache_control: None,
            body: body.to_string().into_bytes(),
        }
    }

    fn with(member: &str, value: Value) -> Result<Client, DocumentError> {
        let mut document = chatgpt();
        document[member] = value;
        parse(URL, &fetched(&document), &offered())
    }

    #[test]
    fn the_document_of_chatgpt_is_a_public_client() {
        let client = parse(URL, &fetched(&chatgpt()), &offered()).unwrap();
        assert_eq!(
            (client.id.as_str(), client.name.as_deref()),
            (URL, Some("ChatGPT"))
        );
        assert!(
            client.is_public() && client.may_refresh() && client.from == ClientSource::Document
        );
        assert_eq!(client.grant_types, offered());
        assert_eq!(client.response_types, ["code"]);
        assert!(
            client
                .redirect("https://chatgpt.com/connector/oauth/IbUR3zxyNQ16")
                .is_some()
        );
        assert!(client.logo_uri.is_some() && client.expires.is_none());
    }

    #[test]
    fn the_client_id_in_a_document_must_equal_its_url() {
        for id in [
            json!("https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json/"),
            json!(""),
            Value::Null,
            json!(5),
        ] {
            let error = with("client_id", id).unwrap_err();
            assert_eq!(error, DocumentError::Fetch(FetchFailure::OtherClient));
            assert!(!error.is_outage());
        }
    }

    #[test]
    fn a_document_with_a_missing_or_forbidden_member_is_refused() {
        for (member, value) in [
            ("client_name", Value::Null),
            ("client_name", json!("   ")),
            ("redirect_uris", Value::Null),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("redirect_uris", json!("https://chatgpt.com/cb")),
            ("client_secret", json!("must-not-be-shown")),
            ("client_secret", Value::Null),
            ("client_secret_expires_at", json!(0)),
            (
                "jwks",
                json!({ "keys": [{ "kty": "RSA", "d": "must-not-be-shown" }] }),
            ),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            (
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"]),
            ),
            ("grant_types", json!(["client_credentials"])),
            ("response_types", json!(["token"])),
        ] {
            let error = with(member, value.clone()).expect_err(member);
            assert!(
                matches!(error, DocumentError::Content(_)),
                "{member} {value}: {error}"
            );
            assert!(!error.to_string().contains("must-not-be-shown"), "{error}");
        }
    }

    #[test]
    fn an_unsupported_auth_method_is_answered_with_the_supported_one() {
        let mut document = chatgpt();
        document["token_endpoint_auth_methods_supported"] = Value::Null;
        let error = parse(URL, &fetched(&document), &offered()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("token_endpoint_auth_method must be none."),
            "{error}"
        );
    }

    #[test]
    fn a_malformed_descriptive_member_refuses_no_document() {
        for (member, value) in [
            (
                "client_name",
                json!(format!("\u{202e}ChatGPT\u{0}{}", " ".repeat(300))),
            ),
            ("logo_uri", json!("javascript:alert(1)")),
            ("logo_uri", json!("https://chatgpt.com/ü.png")),
            ("client_uri", json!(5)),
            ("policy_uri", json!("data:text/html,x")),
            ("tos_uri", json!([])),
            ("jwks_uri", json!("javascript:alert(1)")),
            ("jwks", json!({ "keys": "x" })),
            ("contacts", json!("me")),
            ("application_type", json!("robot")),
            ("scope", json!("a\\b")),
            ("software_version", json!(5)),
            ("grant_types", json!(["authorization_code", "implicit", 5])),
            ("response_types", json!(["code", "id_token", null])),
        ] {
            let client = with(member, value.clone())
                .unwrap_or_else(|error| panic!("{member} {value}: {error}"));
            assert_eq!(client.name.as_deref(), Some("ChatGPT"), "{member}");
            let shown = [
                client.logo_uri,
                client.client_uri,
                client.policy_uri,
                client.tos_uri,
            ];
            assert!(
                shown
                    .iter()
                    .flatten()
                    .all(|uri| uri.starts_with("https://")),
                "{member} {value}"
            );
        }
    }

    #[test]
    fn a_refused_redirect_uri_does_not_invalidate_the_others() {
        let client = with(
            "redirect_uris",
            json!(["http://a.example/cb", "http://127.0.0.1/cb"]),
        )
        .unwrap();
        let uris: Vec<_> = client
            .redirect_uris
            .iter()
            .map(RedirectUri::as_str)
            .collect();
        assert_eq!(uris, ["http://127.0.0.1/cb"]);
    }

    #[test]
    fn omitted_members_of_a_document_get_the_defaults_of_the_rfc() {
        let document = json!({ "client_id": URL, "client_name": "x", "redirect_uris": ["https://a.example/cb"] });
        let client = parse(URL, &fetched(&document), &offered()).unwrap();
        assert_eq!(client.grant_types, ["authorization_code"]);
        assert_eq!(
            (client.auth_method, client.response_types.as_slice()),
            (AuthMethod::None, ["code".to_owned()].as_slice())
        );
    }

    #[test]
    fn only_a_complete_json_response_is_a_document() {
        let good = fetched(&chatgpt());
        for status in [201, 204, 206, 301, 302, 304, 307, 404, 500] {
            let error = parse(
                URL,
                &FetchResponse {
                    status,
                    ..good.clone()
                },
                &offered(),
            )
            .unwrap_err();
            assert_eq!(error, DocumentError::Fetch(FetchFailure::Status(status)));
            assert_eq!(error.is_outage(), status != 404);
        }
        for content_type in [
            None,
            Some("text/html"),
            Some("application/jsonp"),
            Some("text/json+json"),
            Some(""),
        ] {
            let content_type = content_type.map(str::to_owned);
            let error = parse(
                URL,
                &FetchResponse {
                    content_type,
                    ..good.clone()
                },
                &offered(),
            )
            .unwrap_err();
            assert_eq!(error, DocumentError::Fetch(FetchFailure::NotJson));
        }
        for content_type in [
            "application/json",
            "Application/JSON ;charset=utf-8",
            "application/cimd+json",
        ] {
            let content_type = Some(content_type.to_owned());
            assert!(
                parse(
                    URL,
                    &FetchResponse {
                        content_type,
                        ..good.clone()
                    },
                    &offered()
                )
                .is_ok()
            );
        }
        for body in [&b""[..], b"{", b"[]", b"\xff\xfe{}", b"null"] {
            let error = parse(
                URL,
                &FetchResponse {
                    body: body.to_vec(),
                    ..good.clone()
                },
                &offered(),
            )
            .unwrap_err();
            assert_eq!(
                error,
                DocumentError::Fetch(FetchFailure::NotObject),
                "{body:?}"
            );
        }
    }

    #[test]
    fn failed_fetches_share_one_text_and_differ_in_the_log_alone() {
        let failures = [
            FetchFailure::Unreachable,
            FetchFailure::Status(302),
            FetchFailure::Status(404),
            FetchFailure::Status(503),
            FetchFailure::NotJson,
            FetchFailure::TooLong,
            FetchFailure::NotObject,
            FetchFailure::OtherClient,
        ];
        let [first, others @ ..] = failures.map(DocumentError::Fetch);
        for other in others {
            assert_eq!(
                (other.to_string(), other.is_temporary()),
                (first.to_string(), first.is_temporary())
            );
            assert_ne!(other.cause(), first.cause());
        }
    }

    #[test]
    fn a_document_has_five_kibibytes_at_most() {
        let mut body = chatgpt().to_string().into_bytes();
        body.resize(MAX_DOCUMENT_BYTES, b' ');
        let mut answer = FetchResponse {
            body,
            ..fetched(&chatgpt())
        };
        assert!(parse(URL, &answer, &offered()).is_ok());
        answer.body.push(b' ');
        assert_eq!(
            parse(URL, &answer, &offered()),
            Err(DocumentError::Fetch(FetchFailure::TooLong))
        );
    }

    #[test]
    fn the_freshness_is_that_of_cache_control_within_bounds() {
        for (header, seconds) in [
            (None, LEAST_FRESH_SECONDS),
            (Some("max-age=0"), LEAST_FRESH_SECONDS),
            (Some("no-store, max-age=7200"), LEAST_FRESH_SECONDS),
            (Some("public, Max-Age=3600"), 3600),
            (Some("max-age=3600, s-maxage=\"7200\""), 7200),
            (Some("max-age=31536000, immutable"), MOST_FRESH_SECONDS),
            (Some("max-age=99999999999999999999"), LEAST_FRESH_SECONDS),
            (Some("max-age=-1"), LEAST_FRESH_SECONDS),
        ] {
            assert_eq!(fresh_seconds(header), seconds, "{header:?}");
        }
    }

    #[test]
    fn a_lone_surrogate_in_a_descriptive_member_refuses_no_document() {
        let url = "https://a.example/client.json";
        let body = format!(
            r#"{{"client_id":"{url}","redirect_uris":["https://a.example/cb"],"client_name":"A\ud83d","x\udc00":1e400}}"#
        );
        let content_type = Some("application/json".to_owned());
        let fetched = FetchResponse {
            status: 200,
            content_type,
            body: body.into_bytes(),
            ..FetchResponse::default()
        };
        let client = parse(url, &fetched, &[AUTHORIZATION_CODE.to_owned()]).unwrap();
        assert_eq!(client.name.as_deref(), Some("A\u{fffd}"));
    }
}

//! Documents and values of others that are read before anything is known of their author.

use durable_core::wire::Reply;
use durable_mcp_protocol::jsonrpc::{Body, Message, parse};
use durable_mcp_protocol::request_meta::RequestMeta;
use durable_mcp_protocol::template::UriTemplate;
use durable_mcp_worker::http::cookies::Cookies;
use durable_mcp_worker::http::policy::{Policy, is_loopback};
use durable_mcp_worker::pages::language::Language;
use durable_mcp_worker::transport::accept;
use durable_mcp_worker::transport::lifecycle;
use futures_executor::block_on;
use http::StatusCode;
use oauth_server::client::Client;
use oauth_server::client_auth::credentials;
use oauth_server::document_url::{DocumentPolicy, check_url};
use oauth_server::gate;
use oauth_server::params::{RequestParams, decode, encode_query};
use oauth_server::redirect_uri::RedirectUri;
use oauth_server::registration::{self, RegistrationOffer};
use oauth_server::resource::{Resource, Resources};
use oauth_server::scope::Scopes;
use oauth_server::uri::{Uri, UriHost};
use serde_json::Value;
use sign_in::jwks::KeySet;
use sign_in::jwt::{Algorithm, ExpectedClaims, UnverifiedJwt};
use sign_in::testing::{FakeUpstream, NOW, head};

use crate::meter::{Bounds, Linear, bounded};

const BOUNDS: Bounds = Bounds {
    peak: Linear(32 << 10, 40),
    bytes: Linear(64 << 10, 128),
    // Each target reads its input several times, and a part may be a byte with a separator.
    allocations: Linear(500, 2),
    steps: Linear(100_000, 250),
};

/// An entry of an operator's list is a letter with a separator at the least. It becomes an `Allowed` of 72 bytes and some
/// allocations in each of two lists, and a list that grows has up to three times its length at once.
const LIST_BOUNDS: Bounds = Bounds {
    peak: Linear(32 << 10, 160),
    allocations: Linear(500, 4),
    ..BOUNDS
};

/// A body of JSON-RPC: which era it is of, and what it says of its client.
pub fn json_rpc(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    bounded(&BOUNDS, text.len(), || {
        let _ = (
            lifecycle::classify(None, text),
            lifecycle::classify(Some("2026-07-28"), text),
        );
        let Ok(body) = parse(text) else { return };
        let messages = match body {
            Body::Single(message) => vec![message],
            Body::Batch(messages) => messages.into_iter().flatten().collect(),
        };
        for message in messages {
            if let Message::Request(request) = message {
                let _ = RequestMeta::read(&request.params);
                assert!(serde_json::from_str::<Value>(&request.params.to_json()).is_ok());
            }
        }
    });
}

/// Client metadata (RFC 7591): a client that was accepted is read as it was written.
pub fn registration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    bounded(&BOUNDS, text.len(), || {
        let Ok(client) = registration::parse(text, &RegistrationOffer::default()) else {
            return;
        };
        let written = client.to_json();
        assert_eq!(
            Client::from_json(&written)
                .ok()
                .map(|client| client.to_json())
                .as_ref(),
            Some(&written)
        );
        let _ = (
            registration::canonical(&client),
            registration::answer(&client, Some("secret")),
        );
    });
}

/// A signed token, after it the key set of its issuer.
pub fn jwt(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    const KEYS: &str = "https://id.example/keys";
    let (token, keys) = text.split_once('\n').unwrap_or((text, ""));
    let web = FakeUpstream::default();
    web.set(
        &format!("GET {KEYS}"),
        200,
        &[("content-type", "application/json")],
        keys.as_bytes(),
    );
    let expected = ExpectedClaims {
        issuers: &["https://id.example"],
        audience: "me",
        nonce: Some("n"),
        now: NOW / 1000,
    };
    bounded(&BOUNDS, text.len(), || {
        if let Ok(token) = UnverifiedJwt::parse(token) {
            let _ = token.claims(&expected);
        }
        if let Ok(key) = serde_json::from_str::<Value>(keys) {
            let _ = (Algorithm::Rs256.fits(&key), Algorithm::Es256.fits(&key));
        }
        let _ = block_on(KeySet::default().verify(KEYS, token, &expected, &web));
    });
}

/// URIs: of redirects, of documents, of resources, and what a template makes of one. The first line is a second one.
pub fn uris(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (first, second) = text.split_once('\n').unwrap_or((text, text));
    bounded(&BOUNDS, text.len(), || {
        if let Some(Uri {
            authority: Some(authority),
            ..
        }) = Uri::parse(first)
        {
            let _ = UriHost::parse(authority).is_some_and(|host| host.is_loopback());
        }
        if let Ok(uri) = RedirectUri::parse(first) {
            assert!(uri.matches(first), "{first}");
            let _ = (
                uri.matches(second),
                uri.host(),
                uri.scheme(),
                uri.with_params(&[("code", second)]),
            );
        }
        let _ = check_url(first, &DocumentPolicy::default());
        let resources = Resources::new("https://server.example", &["/mcp", "/sse"]);
        if let Ok(resource) = Resource::parse(first) {
            let _ = Resources::covers(&[resource.clone()], &resource, resources.root());
        }
        let _ = resources.resolve(text.lines());
        if let Ok(template) = UriTemplate::parse(first) {
            let _ = (template.matches(second), template.variables().count());
        }
    });
}

/// A query or a form.
pub fn params(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    bounded(&BOUNDS, text.len(), || {
        let _ = decode(text).map(|decoded| {
            assert_eq!(
                decode(encode_query(&[("a", &decoded)]).trim_start_matches("a=")),
                Some(decoded)
            );
        });
        if let Ok(scopes) = Scopes::parse(text) {
            assert_eq!(
                Scopes::parse(&scopes.to_string()).map(|again| again.to_vec()),
                Ok(scopes.to_vec())
            );
        }
        let (authorization, form) = text.split_once('\n').unwrap_or(("", text));
        if let Ok(params) = RequestParams::parse(form) {
            let _ = credentials(
                Some(authorization).filter(|value| !value.is_empty()),
                &params,
            );
        }
    });
}

/// Headers of a request, by their names.
pub fn headers(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (value, name) = text.split_once('\n').unwrap_or((text, text));
    bounded(&LIST_BOUNDS, text.len(), || {
        let _ = (
            accept::admits(Some(value), "application/json"),
            accept::admits(Some(value), "text/event-stream"),
        );
        let _ = (Language::of(Some(value)), is_loopback(value));
        let head = head(
            "",
            &[
                ("authorization", value),
                ("content-type", value),
                ("content-length", value),
            ],
        );
        let _ = (
            gate::bearer_hash(&head),
            head.has_type("application/json"),
            head.declared_length(),
        );
        let head = durable_core::wire::Head {
            host: value.to_owned(),
            query: value.to_owned(),
            ..head
        };
        let policy = Policy::new(Some(name), Some(name), &mut Vec::new());
        let _ = (
            policy.check(&head, Some(value)),
            head.origin(),
            head.query_value("sessionId"),
        );
        cookies(value, name);
    });
}

fn cookies(value: &str, name: &str) {
    let mut cookies = Cookies::from_head(&head("", &[("cookie", value)]));
    let _ = cookies.get(name);
    // As many as a sign-in forgets at most.
    for name in cookies
        .names(name.get(..1).unwrap_or_default())
        .iter()
        .take(8)
    {
        cookies.delete(name);
    }
    let _ = cookies.set("flow", value, 60);
    let _ = cookies.onto(Reply::empty(StatusCode::OK));
}

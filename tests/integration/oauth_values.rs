//! Properties of OAuth's value types, for any text that they parse.

use std::cell::Cell;

use durable_core::keys::Keys;
use durable_core::runtime::Random;
use durable_core::seal::{open, open_page, seal, seal_page};
use durable_core::wire::RuntimeError;
use oauth_server::legacy::LegacyGrant;
use oauth_server::params::{RequestParams, RequestParamsError, encode_query};
use oauth_server::pkce::{CodeChallenge, CodeVerifier};
use oauth_server::record::{AccessRecord, RecordError};
use oauth_server::redirect_uri::RedirectUri;
use oauth_server::resource::{Resource, Resources};
use oauth_server::scope::Scopes;
use oauth_server::token::{GrantId, PresentedToken, Token, TokenKind, UserHandle, classify};
use oauth_server::uri::{Uri, UriHost};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Bytes that differ from call to call, from a seed.
struct Seeded(Cell<u64>);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        for byte in bytes {
            let next = self
                .0
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.0.set(next);
            *byte = next.to_be_bytes()[0];
        }
        Ok(())
    }
}

fn seeded(seed: u64) -> Seeded {
    Seeded(Cell::new(seed))
}

fn keys() -> Keys {
    Keys::from_secret("k")
}

fn issue(kind: TokenKind, user: &str, seed: u64) -> Token {
    let random = seeded(seed);
    let grant = GrantId::random(&random).unwrap();
    Token::issue(
        kind,
        &UserHandle::of(&keys(), user),
        &grant,
        &keys(),
        &random,
    )
    .unwrap()
}

fn kind() -> impl Strategy<Value = TokenKind> {
    select(vec![TokenKind::Code, TokenKind::Access, TokenKind::Refresh])
}

/// Pieces that URIs, and attacks on readers of URIs, are made of.
fn near_uri() -> impl Strategy<Value = String> {
    let pieces = [
        "https",
        "http",
        "HTTPS",
        "javascript",
        "app",
        "com.example.app",
        ":",
        "//",
        "/",
        "\\",
        "@",
        "?",
        "#",
        "%",
        "%2e",
        "%00",
        "[",
        "]",
        "[::1]",
        "localhost",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "a.example",
        "A",
        "..",
        ".",
        ":443",
        ":0",
        ":99999",
        "cb",
        " ",
        "\t",
        "\n",
        "\u{0}",
        "\u{e9}",
        "\u{202e}",
        "&",
        "=",
        "+",
        "user",
        "\"",
        "<",
    ];
    vec(select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    let good = select(vec![
        "https://a.example",
        "http://localhost",
        "https://",
        "http://127.0.0.1",
        "app:",
    ]);
    let almost_good = (good, near_uri()).prop_map(|(good, rest)| [good, &rest].concat());
    prop_oneof![any::<String>(), near_uri(), almost_good, "[ -~]{0,80}"]
}

fn is_uri_text(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

proptest! {
    #[test]
    fn no_parser_of_oauth_values_panics_for_any_text(text in text()) {
        let _ = RequestParams::parse(&text);
        let _ = Scopes::parse(&text);
        let _ = RedirectUri::parse(&text);
        let _ = Resource::parse(&text);
        let _ = Uri::parse(&text);
        let _ = UriHost::parse(&text);
        let _ = CodeChallenge::parse(&text);
        let _ = CodeVerifier::parse(&text);
        let _ = UserHandle::parse(&text);
        let _ = GrantId::parse(&text);
        let _ = LegacyGrant::from_json(&text);
        let _ = Keys::from_text(&text);
        let _ = Keys::from_secret(&text).sign(b"m");
        prop_assert!(AccessRecord::from_json(&text, &keys(), &text, 0).is_err());
        prop_assert!(open(&keys(), &text, b"", &text).is_none());
        prop_assert!(open_page(&keys(), &text, &text).is_none());
        prop_assert!(matches!(classify(&text, TokenKind::Access, &keys()), PresentedToken::Unknown | PresentedToken::Legacy(_)));
    }

    #[test]
    fn encoded_parameters_can_be_decoded_again(names in vec("\\PC{1,8}", 0..8), values in vec(any::<String>(), 8)) {
        let pairs: Vec<_> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        let query = encode_query(&pairs);
        prop_assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=".contains(&byte)));
        let repeated = (1..names.len()).any(|at| names[at] != "resource" && names[..at].contains(&names[at]));
        match RequestParams::parse(&query) {
            Ok(params) => {
                prop_assert!(!repeated);
                for (name, value) in pairs {
                    let values: Vec<_> = params.all(name).collect();
                    prop_assert!(value.is_empty() || values.contains(&value));
                }
            }
            Err(error) => prop_assert!(repeated && matches!(error, RequestParamsError::Repeated(_)), "{:?}", error),
        }
    }

    #[test]
    fn a_scope_follows_the_grammar(text in prop_oneof![any::<String>(), "[ -~]{0,12}", "[a-z ]{0,12}"]) {
        let good = |character: char| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
        prop_assert_eq!(Scopes::parse(&text).is_ok(), text.chars().all(good));
        if let Ok(scopes) = Scopes::parse(&text) {
            prop_assert_eq!(&Scopes::parse(&scopes.to_string()).unwrap(), &scopes);
            let json = serde_json::to_string(&scopes).unwrap();
            prop_assert_eq!(serde_json::from_str::<Scopes>(&json).unwrap(), scopes);
        }
    }

    #[test]
    fn scopes_follow_the_laws_of_sets(a in "[a-e ]{0,9}", b in "[a-e ]{0,9}") {
        let (a, b) = (Scopes::parse(&a).unwrap(), Scopes::parse(&b).unwrap());
        let both = a.both(&b);
        prop_assert!(both.is_subset(&a) && both.is_subset(&b));
        prop_assert!(a.iter().all(|scope| both.contains(scope) == b.contains(scope)));
        prop_assert_eq!(a.is_subset(&b), both == a);
        prop_assert!(a.iter().all(|scope| !a.without(scope).contains(scope)));
    }

    #[test]
    fn a_redirect_uri_is_kept_as_it_was_written(text in text()) {
        if let Ok(uri) = RedirectUri::parse(&text) {
            prop_assert_eq!(uri.as_str(), &text);
            prop_assert!(is_uri_text(&text) && !text.contains('#'));
            prop_assert!(uri.matches(&text));
            let scheme = uri.scheme();
            prop_assert!(!scheme.is_empty() && !scheme.bytes().any(|byte| byte.is_ascii_uppercase()));
            prop_assert!(scheme != "http" || uri.is_loopback());
            prop_assert!(!matches!(scheme, "http" | "https") || uri.host().is_some());
            prop_assert!(uri.host().is_none_or(|host| !host.contains('@')));
            let sent = uri.with_params(&[("code", &text)]);
            prop_assert!(sent.starts_with(&text) && is_uri_text(&sent));
            let (_, query) = sent.split_once('?').unwrap();
            prop_assert!(query.ends_with(&encode_query(&[("code", &text)])));
        }
    }

    #[test]
    fn a_matching_redirect_uri_differs_at_most_in_a_loopback_port(registered in text(), requested in text(), ports in any::<[u16; 2]>()) {
        if let Ok(uri) = RedirectUri::parse(&registered) {
            let is_match = uri.matches(&requested);
            prop_assert!(registered == requested || !is_match || uri.is_loopback() && RedirectUri::parse(&requested).is_ok());
        }
        for host in ["localhost", "127.0.0.1", "[::1]", "a.example"] {
            let [one, other] = ports.map(|port| format!("http://{host}:{port}/cb"));
            let matches = RedirectUri::parse(&one).is_ok_and(|uri| uri.matches(&other));
            prop_assert_eq!(matches, host != "a.example");
        }
    }

    #[test]
    fn a_resource_is_normalised_once(text in text()) {
        if let Ok(resource) = Resource::parse(&text) {
            prop_assert_eq!(&Resource::parse(resource.as_str()).unwrap(), &resource);
            let normalised = resource.as_str();
            prop_assert!(is_uri_text(normalised) && !normalised.contains('#'));
            prop_assert!(normalised.starts_with("https://") || normalised.starts_with("http://"));
        }
    }

    #[test]
    fn resolved_resources_belong_to_this_server(asked in vec(prop_oneof![
        text(),
        select(vec!["https://a.example", "https://a.example/", "HTTPS://A.example:443/mcp"]).prop_map(str::to_owned),
    ], 0..4)) {
        let server = Resources::new("https://a.example", &["/mcp", "/sse"]);
        if let Ok(resolved) = server.resolve(asked.iter().map(String::as_str)) {
            prop_assert!(!resolved.is_empty());
            prop_assert!(resolved.iter().all(|resource| server.iter().any(|known| known == resource)));
            prop_assert!(resolved.iter().all(|wanted| Resources::covers(&resolved, wanted, server.root())));
        }
    }

    #[test]
    fn a_challenge_fits_only_its_verifier(one in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}", bytes in any::<[u8; 32]>()) {
        use base64::Engine;
        use sha2::Digest;
        let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let challenge = CodeChallenge::parse(&encode(&sha2::Sha256::digest(&one))).unwrap();
        prop_assert!(challenge.is_of(&CodeVerifier::parse(&one).unwrap()));
        prop_assert_eq!(challenge.is_of(&CodeVerifier::parse(&other).unwrap()), one == other);
        prop_assert!(!CodeChallenge::parse(&encode(&bytes)).unwrap().is_of(&CodeVerifier::parse(&one).unwrap()));
    }

    #[test]
    fn a_token_is_bound_to_its_user_grant_and_kind(user in any::<String>(), seed in any::<u64>(), kind in kind(), other in kind()) {
        let token = issue(kind, &user, seed);
        prop_assert!(token.text().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte)));
        let read = classify(token.text(), other, &keys());
        prop_assert_eq!(matches!(read, PresentedToken::Ours(_)), kind == other);
        if let PresentedToken::Ours(read) = read {
            prop_assert_eq!((&read.handle, &read.grant, read.text()), (&token.handle, &token.grant, token.text()));
            prop_assert_eq!(read.handle, UserHandle::of(&keys(), &user));
        }
    }

    #[test]
    fn a_changed_token_is_refused(seed in any::<u64>(), kind in kind(), at in any::<Index>(), to in any::<char>()) {
        let token = issue(kind, "user", seed);
        let mut characters: Vec<char> = token.text().chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != to);
        characters[at] = to;
        let changed: String = characters.into_iter().collect();
        prop_assert!(!matches!(classify(&changed, kind, &keys()), PresentedToken::Ours(_)));
    }

    #[test]
    fn a_sealed_text_opens_only_with_its_token_and_header(
        token in any::<String>(), other in any::<String>(), header in any::<[u8; 4]>(), plaintext in any::<Vec<u8>>(), seed in any::<u64>(),
    ) {
        let sealed = seal(&keys(), &token, &header, &plaintext, &seeded(seed)).unwrap();
        prop_assert_eq!(open(&keys(), &token, &header, &sealed), Some(plaintext.clone()));
        prop_assert_eq!(open(&keys(), &other, &header, &sealed).is_some(), token == other);
        prop_assert!(open(&keys(), &token, b"other", &sealed).is_none());
        prop_assert!(open_page(&keys(), &token, &sealed).is_none());
        let page = seal_page(&keys(), &token, &plaintext, &seeded(seed)).unwrap();
        prop_assert_eq!(open_page(&keys(), &token, &page), Some(plaintext));
        prop_assert_eq!(open_page(&keys(), &other, &page).is_some(), token == other);
    }

    #[test]
    fn an_access_record_can_be_read_until_it_ends(
        subject in any::<String>(), client_id in any::<String>(), scopes in "[a-e ]{0,9}", name in any::<String>(),
        number in any::<i64>(), expires in 1..u64::MAX, seed in any::<u64>(),
    ) {
        let token = issue(TokenKind::Access, &subject, seed);
        let access = AccessRecord {
            subject,
            grant: token.grant.as_str().to_owned(),
            client_id,
            scopes: Scopes::parse(&scopes).unwrap(),
            audience: vec![Resource::parse("https://a.example/mcp").unwrap()],
            issued: 0,
            expires,
            sessions_since: seed % 3,
            props: serde_json::json!({ "name": name, "number": number }),
        };
        let json = access.to_json(&keys(), &token, &seeded(seed)).unwrap();
        prop_assert_eq!(AccessRecord::from_json(&json, &keys(), token.text(), expires - 1), Ok(access));
        prop_assert_eq!(AccessRecord::from_json(&json, &keys(), token.text(), expires), Err(RecordError::Expired));
        let other = issue(TokenKind::Access, "other", seed);
        prop_assert_eq!(AccessRecord::from_json(&json, &keys(), other.text(), 0), Err(RecordError::NotOne));
    }

    #[test]
    fn a_key_ring_survives_being_stored(bytes in vec(any::<[u8; 32]>(), 1..6), step in 0..40_u64, longest in 0..100_u64) {
        let mut keys = Keys::generate(bytes[0], 0);
        let anchor = keys.anchor_mac("p", b"m");
        for (turn, bytes) in (1..).zip(&bytes[1..]) {
            keys = keys.rotated(*bytes, turn * step, longest);
        }
        let read = Keys::from_text(&keys.to_text()).unwrap();
        prop_assert_eq!(read.to_text(), keys.to_text());
        prop_assert_eq!(read.anchor_mac("p", b"m"), anchor);
        prop_assert!(keys.verify(read.current_id(), b"m", &read.sign(b"m")));
    }
}

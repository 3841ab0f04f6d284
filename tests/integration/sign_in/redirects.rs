//! Redirects to clients: a stranger cannot have a browser sent anywhere without its person's doing.

use http::Method;
use serde_json::{Value, json};

use super::{is_code, is_consent, is_page};
use crate::support::browser::{Browser, Deployment, ORIGIN, REDIRECT, UPSTREAM};

const DOCUMENT: &str = "https://client.example/id.json";

/// Requests with an error that OAuth would tell the client, and its name.
fn wrong() -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let with = |name, value: &str| vec![(name, value.to_owned())];
    vec![
        ("unsupported_response_type", with("response_type", "token")),
        ("invalid_request", with("response_type", "")),
        ("invalid_request", with("response_mode", "fragment")),
        ("request_not_supported", with("request", "e30.e30.")),
        ("request_uri_not_supported", with("request_uri", "urn:x")),
        ("invalid_request", with("code_challenge", "")),
        ("invalid_request", with("code_challenge", "x")),
        ("invalid_request", with("code_challenge_method", "plain")),
        ("invalid_scope", with("scope", "a\"b")),
        ("invalid_target", with("resource", "https://other.example/")),
        ("invalid_request", with("state", &"s".repeat(5000))),
        ("interaction_required", with("prompt", "none")),
    ]
}

fn document(redirect_uris: &[&str]) -> Value {
    json!({ "client_id": DOCUMENT, "client_name": "D", "redirect_uris": redirect_uris })
}

#[test]
fn an_error_of_a_self_registered_client_is_shown_on_a_page() {
    let deployment = Deployment::new();
    deployment
        .web
        .set_json(DOCUMENT, 200, &document(&[REDIRECT]));
    let public = deployment.register(&json!({}));
    let confidential =
        deployment.register(&json!({ "token_endpoint_auth_method": "client_secret_post" }));
    for client in [public.as_str(), &confidential, DOCUMENT] {
        for (error, params) in wrong() {
            let params: Vec<_> = params
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let shown = Browser::new(&deployment).asked(client, &params);
            assert!(
                is_page(&shown, 400) && shown.text.contains(error),
                "{client} {error} {params:?}: {shown:?}"
            );
            assert!(
                !shown.text.contains("client.example"),
                "{error}: {}",
                shown.text
            );
        }
        assert!(is_consent(&Browser::new(&deployment).asked(client, &[])));
    }
}

#[test]
fn an_error_of_a_configured_client_is_redirected_to_the_client() {
    let clients = json!([{ "client_id": "desk", "redirect_uris": [REDIRECT] }]);
    let deployment = Deployment::with_clients(&clients.to_string());
    for (error, params) in wrong() {
        let params: Vec<_> = params
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let shown = Browser::new(&deployment).asked("desk", &params);
        assert!(shown.location().starts_with(REDIRECT), "{error}");
        assert_eq!(
            (shown.sent("error").as_deref(), shown.sent("iss").as_deref()),
            (Some(error), Some(ORIGIN))
        );
    }
}

#[test]
fn a_stored_redirect_uri_that_would_be_refused_gets_no_response() {
    for uri in [
        "ms-msdt:/id",
        "search-ms:query=x",
        "myapp://cb",
        "x-apple.systempreferences:x",
        "https://mcp.example/callback",
        "https://mcp.example:8443/authorize",
    ] {
        let deployment = Deployment::new();
        let record =
            json!({ "clientId": "old", "redirectUris": [uri], "tokenEndpointAuthMethod": "none" });
        deployment.kv().set("client:old", &record.to_string());
        deployment
            .web
            .set_json(DOCUMENT, 200, &document(&[uri, REDIRECT]));
        for client in ["old", DOCUMENT] {
            for prompt in ["", "none"] {
                let shown = Browser::new(&deployment)
                    .asked(client, &[("redirect_uri", uri), ("prompt", prompt)]);
                assert!(is_page(&shown, 400), "{client} {uri}: {shown:?}");
                assert!(
                    shown.text.contains("Tell its developer"),
                    "{client} {uri}: {}",
                    shown.text
                );
            }
        }
        assert!(
            is_consent(&Browser::new(&deployment).asked(DOCUMENT, &[])),
            "its other redirect URI is good"
        );
        let kept = deployment.kv().value("client:old").unwrap();
        assert!(
            kept.contains(uri),
            "nothing is lost of what another version wrote: {kept}"
        );
        let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
        let answer =
            Browser::new(&deployment).send(Method::POST, "/register", &metadata.to_string(), &[]);
        assert!(
            answer.status == 400 && answer.text.contains("invalid_redirect_uri"),
            "{uri}: {answer:?}"
        );
    }
}

#[test]
fn a_configured_client_may_use_a_scheme_of_its_own() {
    let clients = json!([{ "client_id": "desk", "redirect_uris": ["myapp://cb"] }]);
    let deployment = Deployment::with_clients(&clients.to_string());
    let mut browser = Browser::new(&deployment);
    let page = browser.asked("desk", &[("redirect_uri", "myapp://cb")]);
    assert!(
        browser
            .approved(&page, "ann")
            .location()
            .starts_with("myapp://cb?code=")
    );
}

#[test]
fn only_a_configured_client_with_a_secret_may_omit_pkce() {
    let clients = json!([
        { "client_id": "desk", "redirect_uris": [REDIRECT] },
        { "client_id": "office", "client_secret": "s", "redirect_uris": [REDIRECT] },
    ]);
    let deployment = Deployment::with_clients(&clients.to_string());
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        let client = deployment.register(&json!({ "token_endpoint_auth_method": method }));
        let shown = Browser::new(&deployment).asked(&client, &without);
        assert!(
            is_page(&shown, 400) && shown.text.contains("requires PKCE"),
            "{method}: {shown:?}"
        );
        assert!(
            is_consent(&Browser::new(&deployment).asked(&client, &[])),
            "{method}"
        );
    }
    let shown = Browser::new(&deployment).asked("desk", &without);
    assert_eq!(shown.sent("error").as_deref(), Some("invalid_request"));
    assert!(is_consent(
        &Browser::new(&deployment).asked("office", &without)
    ));
}

#[test]
fn an_error_without_consent_in_this_sign_in_is_not_redirected() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    assert!(is_code(&browser.approved(&page, "ann")));
    let left = browser.asked(&client, &[]);
    assert!(
        left.location().starts_with(UPSTREAM),
        "they agreed before, and are not asked"
    );
    let shown = browser.back(&left.sent("state").unwrap(), "denied");
    assert!(is_page(&shown, 403), "{shown:?}");
}

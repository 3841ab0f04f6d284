//! Scopes that a server does not know are ignored wherever they are asked for, and to ask for no others is to ask for none.

use http::Method;
use oauth_server::configured;
use oauth_server::provider::TOKEN_EXCHANGE;
use serde_json::{Value, json};

use super::is_code;
use crate::support::browser::{Browser, Deployment, REDIRECT};
use crate::support::grants::VERIFIER;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Scopes that clients ask for of every server.
const USUAL: &str = "openid email profile offline_access unknown";

/// A deployment that has those scopes, with clients of the operator: one for itself, and one that exchanges tokens.
fn deployment(scopes: &[&str]) -> Deployment {
    let clients = json!([
        { "client_id": "job", "client_secret": "s", "grant_types": ["client_credentials"], "scope": "read" },
        { "client_id": "desk", "redirect_uris": [REDIRECT],
          "grant_types": ["authorization_code", "refresh_token", TOKEN_EXCHANGE] },
    ]);
    let clients = configured::parse(&clients.to_string(), &[TOKEN_EXCHANGE]).unwrap();
    Deployment::set_up(|oauth| {
        oauth
            .scopes(scopes)
            .unwrap()
            .clients(clients)
            .token_exchange()
            .client_credentials()
    })
}

/// The answer of the token endpoint to a client without a secret.
fn asked(browser: &mut Browser<'_>, client: &str, fields: &[(&str, &str)]) -> Value {
    let answer = browser.post("/token", &[&[("client_id", client)], fields].concat());
    serde_json::from_str(&answer.text).unwrap()
}

/// Signs in and gives the tokens; `scope` is asked for at each endpoint.
fn signed_in(browser: &mut Browser<'_>, client: &str, authorize: &str, token: &str) -> Value {
    let page = browser.asked(client, &[("scope", authorize), ("prompt", "consent")]);
    let back = browser.approved(&page, "ann");
    assert!(is_code(&back), "{authorize}: {back:?}");
    let code = back.sent("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("scope", token),
    ];
    asked(browser, client, &form)
}

#[test]
fn unknown_scopes_are_ignored_at_every_endpoint() {
    for (has, authorize, token, given) in [
        (&[][..], USUAL, USUAL, Value::Null),
        (&[], "", "offline_access", Value::Null),
        (&[], USUAL, "", Value::Null),
        (&[], " ", " ", Value::Null),
        (&["read"], USUAL, USUAL, json!("read")),
        (
            &["read", "write", "admin"],
            "openid",
            "",
            json!("read write admin"),
        ),
        (
            &["read", "write", "admin"],
            " ",
            " ",
            json!("read write admin"),
        ),
        (
            &["read", "write", "admin"],
            "openid",
            "openid write",
            json!("write"),
        ),
        (&["read", "write", "admin"], "write", " ", json!("write")),
        (
            &["read"],
            "read openid",
            "openid offline_access",
            json!("read"),
        ),
        (
            &["read"],
            "read offline_access",
            "read offline_access",
            json!("read"),
        ),
        (&["read"], "", USUAL, json!("read")),
        (
            &["read", "write"],
            "read write openid",
            "write email",
            json!("write"),
        ),
    ] {
        let deployment = deployment(has);
        let mut browser = Browser::new(&deployment);
        let tokens = signed_in(&mut browser, "desk", authorize, token);
        assert_eq!(
            tokens["scope"], given,
            "{has:?} {authorize} {token}: {tokens}"
        );
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("scope", token),
        ];
        let next = asked(&mut browser, "desk", &form);
        assert_eq!(next["scope"], given, "{has:?} {authorize} {token}: {next}");
        let access = next["access_token"].as_str().unwrap();
        let subject = [
            ("subject_token", access),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        let form = [
            &[("grant_type", TOKEN_EXCHANGE), ("scope", token)],
            subject.as_slice(),
        ]
        .concat();
        let exchanged = asked(&mut browser, "desk", &form);
        assert_eq!(
            exchanged["scope"], given,
            "{has:?} {authorize} {token}: {exchanged}"
        );
    }
}

#[test]
fn a_request_for_more_than_the_granted_scopes_is_invalid_scope() {
    let deployment = deployment(&["read", "write"]);
    let mut browser = Browser::new(&deployment);
    let tokens = signed_in(&mut browser, "desk", "read", "write openid");
    assert_eq!(tokens["error"], "invalid_scope", "{tokens}");
    let tokens = signed_in(&mut browser, "desk", "read", "");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("scope", "write openid"),
    ];
    assert_eq!(asked(&mut browser, "desk", &form)["error"], "invalid_scope");
    let access = tokens["access_token"].as_str().unwrap();
    let subject = [
        ("subject_token", access),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    let form = [
        &[("grant_type", TOKEN_EXCHANGE), ("scope", "write")],
        subject.as_slice(),
    ]
    .concat();
    assert_eq!(asked(&mut browser, "desk", &form)["error"], "invalid_scope");
}

#[test]
fn client_credentials_give_requested_scopes_within_the_configured_ones() {
    for (has, asked, given) in [
        (&["read", "write"][..], "", Ok(json!("read"))),
        (&["read", "write"], "read openid", Ok(json!("read"))),
        (&["read", "write"], USUAL, Ok(json!("read"))),
        (&["read", "write"], " ", Ok(json!("read"))),
        (&["read", "write"], "read write", Ok(json!("read"))),
        (&["read", "write"], "write", Err("invalid_scope")),
        (&["read", "write"], "write openid", Err("invalid_scope")),
        (&[], USUAL, Ok(Value::Null)),
        (&["write"], "", Ok(Value::Null)),
    ] {
        let deployment = deployment(has);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "job"),
            ("client_secret", "s"),
            ("scope", asked),
        ];
        let answer = Browser::new(&deployment).post("/token", &form);
        let answer: Value = serde_json::from_str(&answer.text).unwrap();
        match given {
            Ok(scope) => {
                assert_eq!(answer["scope"], scope, "{has:?} {asked}: {answer}");
                let form = [
                    ("client_id", "job"),
                    ("client_secret", "s"),
                    ("token", answer["access_token"].as_str().unwrap()),
                ];
                let described = Browser::new(&deployment).post("/introspect", &form);
                let described: Value = serde_json::from_str(&described.text).unwrap();
                assert_eq!(
                    (&described["active"], &described["scope"]),
                    (&json!(true), &scope),
                    "{described}"
                );
            }
            Err(error) => assert_eq!(answer["error"], error, "{has:?} {asked}: {answer}"),
        }
    }
}

#[test]
fn a_registration_returns_only_the_scopes_that_exist() {
    for (has, asked, named) in [
        (&[][..], USUAL, json!("offline_access")),
        (&[], "openid", Value::Null),
        (&["read"], "read openid email", json!("read")),
        (&["read"], "openid", Value::Null),
    ] {
        let deployment = deployment(has);
        for method in ["none", "client_secret_post"] {
            let metadata = json!({ "redirect_uris": [REDIRECT], "scope": asked, "token_endpoint_auth_method": method });
            let answer = Browser::new(&deployment).send(
                Method::POST,
                "/register",
                &metadata.to_string(),
                &[],
            );
            assert_eq!(answer.status, 201, "{answer:?}");
            let answer: Value = serde_json::from_str(&answer.text).unwrap();
            assert_eq!(answer["scope"], named, "{has:?} {asked}");
        }
    }
}

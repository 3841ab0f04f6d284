//! The playground's relay at the Worker: who may, where to, and what of a request and its answer goes through. It is no open proxy, no
//! way into a network, and nobody's purse.

mod exchange;
mod limits;
mod targets;

use durable_mcp_worker::http::request_runtime::RelayRequest;
use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN, Shown};
use crate::support::page;

const SET: &[(&str, &str)] = &[("PLAYGROUND", "bound"), ("PLAYGROUND_RELAY", "on")];

const URL: &str = "https://server.example/mcp?a=secret-query";

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// Headers of a request of the page, but for its token.
const OF_PAGE: &[(&str, &str)] = &[
    ("x-playground", "1"),
    ("origin", ORIGIN),
    ("sec-fetch-site", "same-origin"),
    ("x-target-url", URL),
    ("x-target-method", "POST"),
];

fn deployment() -> Deployment {
    page::deployment(SET)
}

fn relay_token(deployment: &Deployment, name: &str) -> String {
    page::token(deployment, name, "relay", Some("/playground"))
}

/// Sends a request of the page, whose headers `changes` replace; one with an empty value is left out.
fn send(deployment: &Deployment, token: &str, changes: &[(&str, &str)], body: &str) -> Shown {
    let authorization = format!("Bearer {token}");
    let mut headers: Vec<_> = OF_PAGE
        .iter()
        .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name))
        .copied()
        .collect();
    headers.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    if !token.is_empty() {
        headers.push(("authorization", authorization.as_str()));
    }
    Browser::new(deployment).send(Method::POST, "/playground/relay", body, &headers)
}

fn code(shown: &Shown) -> String {
    let text: Value = serde_json::from_str(&shown.text).unwrap_or_else(|_| panic!("{shown:?}"));
    text["error"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("{shown:?}"))
        .to_owned()
}

fn last(deployment: &Deployment) -> RelayRequest {
    deployment.relayed.borrow().last().unwrap().0.clone()
}

fn sent_header<'a>(request: &'a RelayRequest, name: &str) -> Option<&'a str> {
    request
        .headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn the_relay_is_off_without_its_variable() {
    for variables in [
        &[("PLAYGROUND", "bound")][..],
        &[("PLAYGROUND", "bound"), ("PLAYGROUND_RELAY", "off")],
        &[("PLAYGROUND_RELAY", "on")],
    ] {
        let deployment = Deployment::with_variables(variables);
        assert_eq!(deployment.app.problems(), [] as [String; 0]);
        assert_eq!(send(&deployment, "", &[], PING).status, 404);
        assert!(
            !Browser::new(&deployment)
                .get("/playground/config.json")
                .text
                .contains("relay")
        );
        let metadata =
            Browser::new(&deployment).get("/.well-known/oauth-protected-resource/playground");
        assert!(!metadata.text.contains("relay"), "{metadata:?}");
    }
    let deployment = deployment();
    assert!(
        Browser::new(&deployment)
            .get("/playground/config.json")
            .text
            .contains(r#""relay":{"signIn":true}"#)
    );
}

#[test]
fn an_unknown_value_leaves_the_relay_off_and_is_a_problem() {
    let deployment =
        Deployment::with_variables(&[("PLAYGROUND", "bound"), ("PLAYGROUND_RELAY", "yes")]);
    assert!(
        deployment.app.problems()[0].contains("PLAYGROUND_RELAY is \"yes\"; expected is off or on")
    );
    assert_eq!(send(&deployment, "", &[], PING).status, 404);
}

#[test]
fn the_relay_answers_only_the_page_at_its_own_origin() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for changes in [
        &[("x-playground", "")][..],
        &[("x-playground", "2")],
        &[("origin", "")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://mcp.example")],
        &[("origin", "https://mcp.example:8443")],
        &[("sec-fetch-site", "")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(
            send(&deployment, &token, changes, PING).status,
            403,
            "{changes:?}"
        );
    }
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let shown =
            Browser::new(&deployment).send(method.clone(), "/playground/relay", "", OF_PAGE);
        assert_eq!(shown.status, 405, "{method}");
    }
    assert!(deployment.relayed.borrow().is_empty());
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
}

#[test]
fn a_preflight_of_another_origin_allows_no_relay_headers() {
    let deployment = Deployment::with_variables(&[SET[0], SET[1], ("ALLOWED_ORIGINS", "*")]);
    let token = relay_token(&deployment, "ann");
    let headers = [
        ("origin", "https://evil.example"),
        (
            "access-control-request-headers",
            "x-playground, x-target-url",
        ),
    ];
    let preflight =
        Browser::new(&deployment).send(Method::OPTIONS, "/playground/relay", "", &headers);
    assert!(
        !preflight
            .header("access-control-allow-headers")
            .unwrap()
            .contains("x-"),
        "{preflight:?}"
    );
    for site in ["same-origin", "cross-site"] {
        let changes = [("origin", "https://evil.example"), ("sec-fetch-site", site)];
        assert_eq!(send(&deployment, &token, &changes, PING).status, 403);
    }
    assert!(deployment.relayed.borrow().is_empty());
}

#[test]
fn a_token_must_have_scope_and_resource_of_the_relay() {
    let deployment = Deployment::with_variables(&[
        SET[0],
        SET[1],
        ("PLAYGROUND_CHAT", "openai"),
        ("PLAYGROUND_CHAT_URL", "https://models.example/v1"),
        ("PLAYGROUND_MODELS", "small"),
    ]);
    let refused = send(&deployment, "", &[], PING);
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(&format!(
            "{ORIGIN}/.well-known/oauth-protected-resource/playground\""
        )),
        "{challenge}"
    );
    for (scope, resource, status) in [
        ("relay", Some("/playground"), 200),
        ("chat relay", Some("/playground"), 200),
        ("chat", Some("/playground"), 403),
        ("relay", Some("/mcp"), 401),
        ("relay", None, 401),
    ] {
        let token = page::token(&deployment, "ann", scope, resource);
        let shown = send(&deployment, &token, &[], PING);
        assert_eq!(shown.status, status, "{scope} {resource:?}");
        if status == 403 {
            let challenge = shown.header("www-authenticate").unwrap();
            assert!(
                challenge.contains("insufficient_scope") && challenge.contains("scope=\"relay\""),
                "{challenge}"
            );
        }
    }
    let relay = relay_token(&deployment, "ann");
    let authorization = format!("Bearer {relay}");
    let chat = json!({ "model": "small", "messages": [{ "role": "user", "content": "hello" }] })
        .to_string();
    let shown = Browser::new(&deployment).send(
        Method::POST,
        "/playground/chat",
        &chat,
        &[("authorization", &authorization)],
    );
    assert_eq!(
        shown.status, 403,
        "a token of the relay spends nothing of the chat"
    );
    assert!(deployment.asked.borrow().is_empty());
}

#[test]
fn the_consent_page_explains_the_relay_scope() {
    let deployment = deployment();
    let client = deployment.register(&json!({}));
    let page = Browser::new(&deployment).asked(
        &client,
        &[
            ("scope", "relay"),
            ("resource", &format!("{ORIGIN}/playground")),
        ],
    );
    assert!(
        page.text.contains("Reach other servers through this one"),
        "{}",
        page.text
    );
    let account = Browser::new(&deployment).account("ann");
    assert!(
        !account.text.contains("0 requests, 0 tokens"),
        "there is no chat"
    );
}

#[test]
fn a_relay_without_sign_in_works_on_localhost_alone() {
    let variables = |name: &str| {
        SET.iter()
            .find(|(own, _)| *own == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let mut deployment = deployment();
    deployment.app =
        durable_mcp::App::new(durable_mcp::Server::new("s", "1")).with_variables(&variables);
    assert!(
        deployment.app.problems()[0].contains("on this machine alone"),
        "{:?}",
        deployment.app.problems()
    );
    let at = |origin: &str, url: &str, from: &str| {
        let mut browser = Browser::new(&deployment);
        origin.clone_into(&mut browser.origin);
        let headers = [
            ("x-playground", "1"),
            ("origin", from),
            ("sec-fetch-site", "same-origin"),
            ("x-target-url", url),
            ("x-target-method", "POST"),
        ];
        browser
            .send(Method::POST, "/playground/relay", PING, &headers)
            .status
    };
    let local = "http://127.0.0.1:8787";
    assert_eq!(at(ORIGIN, URL, ORIGIN), 404);
    assert_eq!(at(local, URL, local), 200);
    assert_eq!(
        at(local, URL, "http://localhost:3000"),
        403,
        "another program of this machine"
    );
    for url in [
        "http://127.0.0.1:3000/",
        "https://127.0.0.1:3000/",
        "https://localhost:3000/",
        "https://router.local/",
    ] {
        assert_eq!(at(local, url, local), 403, "{url}");
    }
}

#[test]
fn the_relay_is_off_without_its_compatibility_flag_and_says_so() {
    let mut deployment = deployment();
    deployment.app = deployment.app.without_relay();
    assert!(deployment.app.problems()[0].contains("global_fetch_strictly_public"));
    assert_eq!(send(&deployment, "", &[], PING).status, 404);
}

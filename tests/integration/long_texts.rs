//! Texts of callers in errors: an error never sends back what a body can hold.

use durable_mcp::prelude::*;
use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment};
use crate::support::front::Front;
use crate::support::json::request;
use crate::support::object::Rig;

/// Many times as long as what any error quotes.
const LONG: usize = 300_000;

/// The longest answer to something that long, with its headers.
const MAX_ANSWER_BYTES: usize = 6_000;

#[derive(Deserialize, JsonSchema)]
struct Said {
    #[schemars(length(max = 5))]
    #[expect(dead_code, reason = "only faults are looked at")]
    word: String,
    #[schemars(extend("x-mcp-header" = "Kind"))]
    #[expect(dead_code, reason = "only faults are looked at")]
    kind: Option<String>,
    #[schemars(inner(range(max = 5)))]
    #[expect(dead_code, reason = "only faults are looked at")]
    more: Option<std::collections::BTreeMap<String, u32>>,
}

fn server() -> Server {
    Server::new("s", "1")
        .tool("t", "", async |_: Args<Said>, _: Log| "")
        .prompt("p", "", async |_: Args<Said>| "")
        .resource("r", "test://r", async |_: Notify| "")
}

/// Methods with parameters that hold a long text somewhere.
fn requests(long: &str) -> Vec<(String, Value)> {
    let call = |arguments: Value| {
        (
            "tools/call".to_owned(),
            json!({ "name": "t", "arguments": arguments }),
        )
    };
    let mut requests = vec![
        ("tools/call".to_owned(), json!({ "name": long })),
        call(json!({ "word": long })),
        call(json!({ "word": [long] })),
        call(json!({ long: long })),
        call(json!({ "word": "w", "kind": { long: 1 } })),
        call(json!({ "word": "w", "more": { long: "x" } })),
        call(json!({ "word": "w", "more": { long: 7 } })),
        ("prompts/get".to_owned(), json!({ "name": long })),
        (
            "prompts/get".to_owned(),
            json!({ "name": "p", "arguments": { long: "x", "word": long } }),
        ),
        ("resources/read".to_owned(), json!({ "uri": long })),
        ("resources/subscribe".to_owned(), json!({ "uri": long })),
        ("resources/unsubscribe".to_owned(), json!({ "uri": long })),
        ("logging/setLevel".to_owned(), json!({ "level": long })),
        (
            "completion/complete".to_owned(),
            json!({ "ref": { "type": long }, "argument": { "name": long } }),
        ),
        ("tasks/get".to_owned(), json!({ "taskId": long })),
        (
            "subscriptions/listen".to_owned(),
            json!({ "notifications": { "resourceSubscriptions": [long] } }),
        ),
        (long.to_owned(), json!({})),
    ];
    for list in ["tools/list", "prompts/list", "resources/list"] {
        requests.push((list.to_owned(), json!({ "cursor": long })));
    }
    for (name, value) in [
        ("progressToken", json!(long)),
        ("io.modelcontextprotocol/logLevel", json!(long)),
    ] {
        requests.push(("tools/list".to_owned(), json!({ "_meta": { name: value } })));
    }
    requests
}

fn is_short(what: &str, text: &str, headers: impl Iterator<Item = usize>) {
    let bytes = text.len() + headers.sum::<usize>();
    assert!(
        bytes <= MAX_ANSWER_BYTES,
        "{what}: {bytes} bytes: {}",
        &text[..300]
    );
}

#[test]
fn no_error_of_a_stateless_request_repeats_a_long_text() {
    let (front, long) = (Front::new(server()), "ü".repeat(LONG));
    let told = |what: &str, headers: &[(&str, String)], body: String| {
        let answer = front.send(Method::POST, headers, body).answer();
        is_short(
            what,
            &answer.text,
            answer
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len()),
        );
    };
    for (method, params) in requests(&long) {
        let what: String = format!("{method} {params}").chars().take(80).collect();
        let (headers, body) = front.written(&method, &params);
        told(&what, &headers, body.clone());
        // A header that says something else, and one that is long itself.
        let other: Vec<_> = headers
            .iter()
            .map(|(name, _)| (*name, "other".to_owned()))
            .collect();
        told(&what, &other, body.clone());
        let version: Vec<_> = headers
            .iter()
            .map(|(name, _)| (*name, long.clone()))
            .collect();
        told(&what, &version, body);
    }
    let (headers, body) = front.written("tools/list", &json!({}));
    let claimed = body.replace("2026-07-28", &long);
    told("a version", &headers, claimed.clone());
    told("a version without a header", &headers[1..], claimed.clone());
    told(
        "the same version",
        &[("mcp-protocol-version", long.clone())],
        claimed,
    );
    let kind = json!({ "name": "t", "arguments": { "word": "w", "kind": long } });
    let (mut headers, body) = front.written("tools/call", &kind);
    told("an argument that is no header", &headers, body.clone());
    headers.push(("mcp-param-kind", "other".to_owned()));
    told("a header that is no argument", &headers, body);
}

#[test]
fn no_error_of_a_session_repeats_a_long_text() {
    let (rig, long) = (Rig::new(server()), "x".repeat(LONG));
    for (method, params) in requests(&long) {
        let what: String = format!("{method} {params}").chars().take(80).collect();
        let answer = rig.post(request(1, &method, &params)).answer();
        is_short(
            &what,
            &answer.text,
            answer
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len()),
        );
    }
}

#[test]
fn no_oauth_error_repeats_a_long_text() {
    let (deployment, long) = (Deployment::new(), "x".repeat(LONG));
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let names = [
        "client_id",
        "client_secret",
        "grant_type",
        "code",
        "refresh_token",
        "redirect_uri",
        "code_verifier",
        "scope",
        "resource",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "response_mode",
        &long,
    ];
    let usual = [
        ("client_id", client.as_str()),
        ("grant_type", "authorization_code"),
        ("code", "c"),
        ("token", "t"),
    ];
    for name in names {
        let told = |shown: crate::support::browser::Shown, at: &str| {
            let what = format!("{at} {}", &name[..name.len().min(40)]);
            is_short(
                &what,
                &shown.text,
                shown
                    .headers
                    .iter()
                    .map(|(name, value)| name.len() + value.len()),
            );
        };
        let mut fields: Vec<_> = usual
            .into_iter()
            .filter(|(known, _)| *known != name)
            .collect();
        fields.push((name, &long));
        for path in ["/token", "/revoke", "/introspect"] {
            told(browser.post(path, &fields), path);
        }
        fields.push((name, &long));
        told(browser.post("/token", &fields), "twice at /token");
        // A page is longer than an error, and its style longer still.
        let page = browser.asked(&client, &[(name, &long)]);
        assert!(
            page.text.len() < 30_000 && page.header("location").is_none_or(|to| to.len() < 6_000),
            "{name}"
        );
    }
    for name in [
        "redirect_uris",
        "grant_types",
        "token_endpoint_auth_method",
        "scope",
        "response_types",
    ] {
        let metadata =
            json!({ "redirect_uris": ["https://c.example/cb"], name: [&long[..10_000]] })
                .to_string();
        let shown = browser.send(Method::POST, "/register", &metadata, &[]);
        is_short(
            name,
            &shown.text,
            shown
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len()),
        );
    }
}

#[test]
fn a_preflight_repeats_no_long_list_of_header_names() {
    let front = Front::new(server());
    let asked = |names: String| {
        let headers = [("access-control-request-headers", names)];
        let answer = front
            .send(Method::OPTIONS, &headers, String::new())
            .answer();
        answer
            .headers
            .iter()
            .find(|(name, _)| *name == "access-control-allow-headers")
            .unwrap()
            .1
            .clone()
            .into_owned()
    };
    assert!(asked("mcp-param-region".to_owned()).contains("mcp-param-region"));
    assert!(asked("mcp-param-region,".repeat(10_000)).len() < 1_000);
}

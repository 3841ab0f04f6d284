//! Checks that every request meets before MCP does.

mod apps;
mod playground;
mod trailing_slash;

use durable_mcp::Server;
use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment};
use crate::support::front::Front;
use crate::support::object::Answer;

const VERSION: &str = "mcp-protocol-version";

fn front() -> Front {
    async fn nothing() -> &'static str {
        "nothing"
    }
    Front::new(Server::new("s", "1").tool("nothing", "", nothing))
}

fn initialize() -> String {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "c", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": params }).to_string()
}

fn post(front: &Front, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    front
        .send_to(path, Method::POST, &headers, body.to_owned())
        .answer()
}

fn begins(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["result"]["protocolVersion"] == "2025-11-25"
}

#[test]
fn a_header_without_a_value_counts_as_absent() {
    let front = front();
    for name in [
        "mcp-session-id",
        VERSION,
        "last-event-id",
        "accept",
        "authorization",
        "content-encoding",
    ] {
        for value in ["", " "] {
            assert!(
                begins(&post(&front, "/mcp", &[(name, value)], &initialize())),
                "{name}"
            );
        }
    }
    assert_eq!(
        post(&front, "/mcp", &[("origin", "")], &initialize()).status,
        403,
        "that is no page of ours"
    );
}

#[test]
fn initialize_negotiates_regardless_of_version_header_and_metadata() {
    let front = front();
    for version in [
        "2026-07-28",
        "2027-01-01",
        "2025-11-25",
        "2024-11-05",
        "draft",
    ] {
        assert!(
            begins(&post(&front, "/mcp", &[(VERSION, version)], &initialize())),
            "{version}"
        );
        for claimed in [
            json!("2026-07-28"),
            json!("2027-01-01"),
            json!("2025-11-25"),
            json!(7),
        ] {
            let mut body: Value = serde_json::from_str(&initialize()).unwrap();
            body["params"]["_meta"] = json!({ "io.modelcontextprotocol/protocolVersion": claimed });
            body["params"]["protocolVersion"] = json!(version);
            for method in ["", "initialize"] {
                let answer = post(
                    &front,
                    "/mcp",
                    &[(VERSION, version), ("mcp-method", method)],
                    &body.to_string(),
                );
                assert!(
                    answer.json()["result"]["protocolVersion"].is_string(),
                    "{version} {claimed} {answer:?}"
                );
                assert!(
                    answer
                        .headers
                        .iter()
                        .any(|(name, _)| *name == "mcp-session-id"),
                    "{version} {claimed} {answer:?}"
                );
            }
        }
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping" }).to_string();
    let answer = post(&front, "/mcp", &[(VERSION, "2027-01-01")], &ping);
    assert_eq!(
        (answer.status, &answer.json()["id"]),
        (400, &json!(7)),
        "{answer:?}"
    );
    assert!(
        answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("2026-07-28"),
        "{answer:?}"
    );
}

#[test]
fn a_message_to_the_home_page_is_told_the_endpoints() {
    let front = front();
    let answer = post(&front, "/", &[], &initialize());
    let message = answer.json()["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(answer.status, 405, "{answer:?}");
    assert!(
        message.contains("https://mcp.example.com/mcp")
            && message.contains("https://mcp.example.com/sse"),
        "{message}"
    );
}

#[test]
fn problems_are_shown_only_to_a_browser_on_the_same_machine() {
    let server = || {
        Server::new("s", "1")
            .tool("no name", "", async || "")
            .resource("r", "<no uri>", async || "")
    };
    let app = durable_mcp::App::new(server())
        .with_variables(&|name| (name == "ANSWERS").then(|| "loudly".to_owned()));
    let shown = |host: &str| {
        let answer = Front::of(app.clone())
            .at(host)
            .send_to("/", Method::GET, &[], String::new())
            .answer();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    };
    for host in [
        "localhost",
        "localhost:8787",
        "127.0.0.1:8787",
        "[::1]:8787",
    ] {
        let page = shown(host);
        for told in ["no name", "no uri", "ANSWERS"] {
            assert!(page.contains(told), "{host} {told}");
        }
        assert!(!page.contains("<no uri"), "markup in a problem is text");
    }
    for host in ["mcp.example.com", "localhost.example.com", "192.168.0.1"] {
        assert!(!shown(host).contains("no name"), "{host}");
    }
}

#[test]
fn a_compressed_body_is_refused_with_the_accepted_encoding() {
    let front = front();
    for coding in ["gzip", "br", "deflate", "zstd", "GZIP", "identity, gzip"] {
        for version in ["", "2025-11-25", "2026-07-28"] {
            let answer = post(
                &front,
                "/mcp",
                &[("content-encoding", coding), (VERSION, version)],
                &initialize(),
            );
            assert_eq!(answer.status, 415, "{coding} {answer:?}");
            assert!(
                answer.json()["error"]["message"]
                    .as_str()
                    .unwrap()
                    .contains("Content-Encoding"),
                "{answer:?}"
            );
        }
        assert_eq!(
            post(
                &front,
                "/sse/message",
                &[("content-encoding", coding)],
                "{}"
            )
            .status,
            415
        );
        let deployment = Deployment::new();
        for path in [
            "/token",
            "/register",
            "/revoke",
            "/introspect",
            "/authorize",
            "/account",
        ] {
            let headers = [("content-encoding", coding), ("accept-language", "en")];
            let shown = Browser::new(&deployment).send(Method::POST, path, "{}", &headers);
            assert!(
                shown.status == 415 && shown.text.contains("Content-Encoding"),
                "{path} {shown:?}"
            );
            assert_eq!(shown.header("accept-encoding"), Some("identity"));
        }
    }
    assert!(begins(&post(
        &front,
        "/mcp",
        &[("content-encoding", "Identity")],
        &initialize()
    )));
}

#[test]
fn a_body_may_begin_with_a_byte_order_mark() {
    assert!(begins(&post(
        &front(),
        "/mcp",
        &[],
        &format!("\u{feff}{}", initialize())
    )));
}

#[test]
fn strict_transport_security_is_sent_over_https_except_on_localhost() {
    let deployment = Deployment::new();
    for (origin, told) in [
        ("https://mcp.example", true),
        ("https://localhost:8787", false),
        ("http://localhost:8787", false),
        ("http://127.0.0.1:8787", false),
    ] {
        let mut browser = Browser::new(&deployment);
        origin.clone_into(&mut browser.origin);
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/account"),
            (Method::POST, "/token"),
            (Method::GET, "/no"),
        ] {
            let shown = browser.send(method, path, "", &[]);
            assert_eq!(
                shown.header("strict-transport-security").is_some(),
                told,
                "{origin} {path}"
            );
        }
    }
}

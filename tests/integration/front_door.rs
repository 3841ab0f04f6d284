//! Checks that every request meets before MCP does.

use durable_mcp::Server;
use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, CHALLENGE, Deployment, ORIGIN, REDIRECT};
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
fn a_trailing_slash_is_the_same_endpoint() {
    let front = front();
    assert!(begins(&post(&front, "/mcp/", &[], &initialize())));
    for path in ["/mcp//", "/mcp/x"] {
        assert_eq!(post(&front, path, &[], &initialize()).status, 404, "{path}");
    }
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
fn a_resource_with_a_trailing_slash_is_the_same_for_sign_in() {
    let deployment = Deployment::new();
    let mut browser = Browser::new(&deployment);
    let challenged = browser.send(Method::POST, "/mcp/", "", &[]);
    let challenge = challenged.header("www-authenticate").unwrap().to_owned();
    let metadata = "/.well-known/oauth-protected-resource/mcp/";
    assert!(
        challenge.contains(&format!("https://mcp.example{metadata}\"")),
        "{challenge}"
    );
    let document: Value =
        serde_json::from_str(&browser.send(Method::GET, metadata, "", &[]).text).unwrap();
    assert_eq!(document["resource"], "https://mcp.example/mcp/");
    assert_eq!(
        browser
            .send(
                Method::GET,
                "/.well-known/oauth-protected-resource/mcp//",
                "",
                &[]
            )
            .status,
        404
    );
    let client = deployment.register(&json!({}));
    let authorize = |path: &str, resource: &str| {
        let query = format!(
            "response_type=code&client_id={client}&redirect_uri={REDIRECT}&code_challenge={CHALLENGE}&code_challenge_method=S256\
             &resource={resource}"
        );
        Browser::new(&deployment).send(Method::GET, &format!("{path}?{query}"), "", &[])
    };
    assert_eq!(
        authorize("/authorize", "https://mcp.example/mcp/").status,
        200
    );
    assert_eq!(authorize("/authorize/", "https://mcp.example/").status, 200);
    let refused = authorize("/authorize", "https://mcp.example/other/");
    assert!(
        refused.text.contains("invalid_target")
            && refused.text.contains("oauth-protected-resource"),
        "{refused:?}"
    );
}

#[test]
fn server_metadata_are_served_with_a_trailing_slash() {
    let deployment = Deployment::new();
    let get = |path: &str| Browser::new(&deployment).send(Method::GET, path, "", &[]);
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ] {
        let (without, with) = (get(path), get(&format!("{path}/")));
        assert_eq!((with.status, &with.text), (200, &without.text), "{path}");
        for other in ["//", "/mcp/"] {
            assert_eq!(get(&format!("{path}{other}")).status, 404, "{path}{other}");
        }
    }
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

#[test]
fn the_playground_has_documents_only_where_its_assets_are_bound() {
    for (bound, status) in [(Some("bound"), 200), (None, 404)] {
        let variables: Vec<_> = bound
            .map(|value| ("PLAYGROUND", value))
            .into_iter()
            .collect();
        let deployment = Deployment::with_variables(&variables);
        let mut browser = Browser::new(&deployment);
        for path in [
            "/playground/client.json",
            "/playground/config.json",
            "/playground",
            "/playground/shell-x.js",
        ] {
            assert_eq!(browser.get(path).status, status, "{path}");
        }
        assert_eq!(
            browser.get("/").text.contains("href=\"/playground\""),
            bound.is_some()
        );
    }
}

#[test]
fn the_playground_is_a_client_whose_id_is_the_url_of_its_document() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    let shown = Browser::new(&deployment).get("/playground/client.json");
    let client: Value = serde_json::from_str(&shown.text).unwrap();
    assert_eq!(
        client["client_id"],
        format!("{ORIGIN}/playground/client.json")
    );
    assert_eq!(
        client["redirect_uris"],
        json!([format!("{ORIGIN}/playground/callback")])
    );
    assert_eq!(client["token_endpoint_auth_method"], "none");
    assert_eq!(shown.header("cache-control"), Some("public, max-age=3600"));
    let config: Value = serde_json::from_str(
        &Browser::new(&deployment)
            .get("/playground/config.json")
            .text,
    )
    .unwrap();
    assert_eq!(
        (&config["mcp"], &config["sse"]),
        (
            &json!(format!("{ORIGIN}/mcp")),
            &json!(format!("{ORIGIN}/sse"))
        )
    );
}

#[test]
fn the_playground_registers_with_its_own_server() {
    for (bound, status) in [(Some("bound"), 201), (None, 400)] {
        let variables: Vec<_> = bound
            .map(|value| ("PLAYGROUND", value))
            .into_iter()
            .collect();
        let deployment = Deployment::with_variables(&variables);
        let body = json!({ "redirect_uris": [format!("{ORIGIN}/playground/callback")], "token_endpoint_auth_method": "none" });
        let shown =
            Browser::new(&deployment).send(Method::POST, "/register", &body.to_string(), &[]);
        assert_eq!(shown.status, status, "{shown:?}");
    }
}

const APPS: &str = "https://apps.example";
const FRAMED: [(&str, &str); 2] = [
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-dest", "iframe"),
];
const FRAMED_ELSEWHERE: [(&str, &str); 2] = [
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-dest", "iframe"),
];

fn policy_of(browser: &mut Browser<'_>, query: &str, headers: &[(&str, &str)]) -> Option<String> {
    let shown = browser.send(Method::GET, &format!("/playground/app{query}"), "", headers);
    let policy = shown.header("content-security-policy").map(str::to_owned);
    assert_eq!(shown.text.is_empty(), shown.status != 200, "{shown:?}");
    policy.filter(|_| shown.status == 200)
}

#[test]
fn an_app_may_load_only_the_sources_that_it_declares() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    let mut browser = Browser::new(&deployment);
    let bare = policy_of(&mut browser, "", &FRAMED).unwrap();
    for directive in [
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "connect-src 'none'",
        "frame-src 'none'",
        "base-uri 'none'",
        "object-src 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-scripts allow-forms",
    ] {
        assert!(
            bare.split("; ").any(|one| one == directive),
            "{directive}: {bare}"
        );
    }
    let query = "?connect=https://api.example,wss://live.example.com&resource=https://*.cdn.example.com&frame=https://f.example\
                 &base=https://b.example";
    let asked = policy_of(&mut browser, query, &FRAMED).unwrap();
    for directive in [
        "script-src 'unsafe-inline' https://*.cdn.example.com",
        "style-src 'unsafe-inline' https://*.cdn.example.com",
        "img-src data: blob: https://*.cdn.example.com",
        "font-src data: https://*.cdn.example.com",
        "media-src data: blob: https://*.cdn.example.com",
        "connect-src https://api.example wss://live.example.com",
        "frame-src https://f.example",
        "base-uri https://b.example",
        "sandbox allow-scripts allow-forms",
    ] {
        assert!(
            asked.split("; ").any(|one| one == directive),
            "{directive}: {asked}"
        );
    }
}

#[test]
fn an_app_source_that_is_no_origin_gives_no_frame() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    let mut browser = Browser::new(&deployment);
    for query in [
        "?connect=*",
        "?connect=https:",
        "?connect=",
        "?connect=https://a.example;script-src%20*",
        "?connect=https://a.example%20*",
        "?connect=https://a.example,",
        "?resource='unsafe-eval'",
        "?resource=https://a.example/x",
        "?frame=wss://a.example",
        "?frame=javascript://a.example",
        "?base=http://a.example",
        "?page=https://mcp.example",
        "?unknown=https://a.example",
        "?connect",
    ] {
        assert_eq!(policy_of(&mut browser, query, &FRAMED), None, "{query}");
    }
    let many = vec!["https://a.example"; 51].join(",");
    assert_eq!(
        policy_of(&mut browser, &format!("?connect={many}"), &FRAMED),
        None
    );
}

#[test]
fn the_frame_of_apps_is_served_to_the_page_alone() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    let mut browser = Browser::new(&deployment);
    for headers in [
        &[][..],
        &[("sec-fetch-site", "none"), ("sec-fetch-dest", "document")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "document"),
        ],
        &[("sec-fetch-site", "same-origin")],
        &FRAMED_ELSEWHERE,
    ] {
        assert_eq!(policy_of(&mut browser, "", headers), None, "{headers:?}");
    }
    let unbound = Deployment::with_variables(&[]);
    assert_eq!(
        Browser::new(&unbound)
            .send(Method::GET, "/playground/app", "", &FRAMED)
            .status,
        404
    );
}

#[test]
fn an_origin_of_apps_serves_only_the_frame_and_no_other_host_does() {
    let deployment =
        Deployment::with_variables(&[("PLAYGROUND", "bound"), ("PLAYGROUND_APPS_ORIGIN", APPS)]);
    let mut page = Browser::new(&deployment);
    assert_eq!(policy_of(&mut page, "", &FRAMED), None);
    assert_eq!(
        policy_of(&mut page, "?page=https://mcp.example", &FRAMED_ELSEWHERE),
        None
    );
    let config: Value = serde_json::from_str(&page.get("/playground/config.json").text).unwrap();
    assert_eq!(config["apps"], format!("{APPS}/playground/app"));
    for path in ["/playground", "/playground/shell-x.js"] {
        assert_eq!(
            page.get(path).header("content-security-policy"),
            Some(&*format!("frame-src {APPS}")),
            "{path}"
        );
    }

    let mut apps = Browser::new(&deployment);
    for host in [APPS, "https://APPS.example:443"] {
        host.clone_into(&mut apps.origin);
        let policy = policy_of(&mut apps, "?page=https://mcp.example", &FRAMED_ELSEWHERE).unwrap();
        assert!(
            policy.ends_with("sandbox allow-scripts allow-forms allow-same-origin"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors https://mcp.example;"),
            "{policy}"
        );
    }
    for (query, headers) in [
        ("", FRAMED_ELSEWHERE),
        ("?page=*", FRAMED_ELSEWHERE),
        ("?page=https://*.example.com", FRAMED_ELSEWHERE),
    ] {
        assert_eq!(policy_of(&mut apps, query, &headers), None, "{query}");
    }
    assert_eq!(
        policy_of(&mut apps, "?page=https://mcp.example", &FRAMED),
        None,
        "an app does not change its policy"
    );
    for path in [
        "/",
        "/style.css",
        "/mcp",
        "/sse",
        "/authorize",
        "/account",
        "/token",
        "/playground",
        "/playground/config.json",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let shown = apps.send(method.clone(), path, "", &[]);
            assert_eq!((shown.status, &*shown.text), (404, ""), "{method} {path}");
        }
    }
}

#[test]
fn no_app_is_shown_if_its_origin_is_invalid_or_that_of_the_page() {
    for (origin, frame) in [
        (None, json!("/playground/app")),
        (Some(ORIGIN), Value::Null),
        (Some("apps.example"), Value::Null),
        (Some("https://apps.example/x"), Value::Null),
        (Some("https://*.apps.example"), Value::Null),
        (Some("http://apps.example"), Value::Null),
    ] {
        let variables = [("PLAYGROUND", "bound")]
            .into_iter()
            .chain(origin.map(|origin| ("PLAYGROUND_APPS_ORIGIN", origin)));
        let deployment = Deployment::with_variables(&variables.collect::<Vec<_>>());
        let shown = Browser::new(&deployment).get("/playground/config.json");
        if origin == Some(ORIGIN) {
            assert_eq!(shown.status, 404);
        } else {
            let config: Value = serde_json::from_str(&shown.text).unwrap();
            assert_eq!(config["apps"], frame, "{origin:?}");
        }
        let is_served = policy_of(&mut Browser::new(&deployment), "", &FRAMED).is_some();
        assert_eq!(is_served, origin.is_none(), "{origin:?}");
    }
}

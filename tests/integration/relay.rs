//! The playground's relay at the Worker: who may, where to, and what of a request and its answer goes through. It is no open proxy, no
//! way into a network, and nobody's purse.

use durable_mcp::http::request_runtime::RelayRequest;
use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN, Shown};

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
    let deployment = Deployment::with_variables(SET);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    deployment
}

/// An access token of a person, with those scopes at that resource.
fn token(deployment: &Deployment, name: &str, scope: &str, resource: Option<&str>) -> String {
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(deployment);
    let resource = resource.map(|path| format!("{ORIGIN}{path}"));
    let mut more = vec![("scope", scope)];
    more.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let page = browser.asked(&client, &more);
    let back = browser.approved(&page, name);
    browser.redeemed(&client, &back)
}

fn relay_token(deployment: &Deployment, name: &str) -> String {
    token(deployment, name, "relay", Some("/playground"))
}

/// Sends a request of the page, whose headers `changes` replace; one with an empty value is left out.
fn send(deployment: &Deployment, token: &str, changes: &[(&str, &str)], body: &str) -> Shown {
    let authorization = format!("Bearer {token}");
    let mut headers: Vec<_> =
        OF_PAGE.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name)).copied().collect();
    headers.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    if !token.is_empty() {
        headers.push(("authorization", authorization.as_str()));
    }
    Browser::new(deployment).send(Method::POST, "/playground/relay", body, &headers)
}

fn code(shown: &Shown) -> String {
    let text: Value = serde_json::from_str(&shown.text).unwrap_or_else(|_| panic!("{shown:?}"));
    text["error"]["code"].as_str().unwrap_or_else(|| panic!("{shown:?}")).to_owned()
}

fn last(deployment: &Deployment) -> RelayRequest {
    deployment.relayed.borrow().last().unwrap().0.clone()
}

fn sent_header<'a>(request: &'a RelayRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn without_its_variable_there_is_no_relay() {
    for variables in [
        &[("PLAYGROUND", "bound")][..],
        &[("PLAYGROUND", "bound"), ("PLAYGROUND_RELAY", "off")],
        &[("PLAYGROUND_RELAY", "on")],
    ] {
        let deployment = Deployment::with_variables(variables);
        assert_eq!(deployment.app.problems(), [] as [String; 0]);
        assert_eq!(send(&deployment, "", &[], PING).status, 404);
        assert!(!Browser::new(&deployment).get("/playground/config.json").text.contains("relay"));
        let metadata = Browser::new(&deployment).get("/.well-known/oauth-protected-resource/playground");
        assert!(!metadata.text.contains("relay"), "{metadata:?}");
    }
    let deployment = deployment();
    assert!(Browser::new(&deployment).get("/playground/config.json").text.contains(r#""relay":{"signIn":true}"#));
}

#[test]
fn a_word_that_is_none_leaves_the_relay_off_and_is_told() {
    let deployment = Deployment::with_variables(&[("PLAYGROUND", "bound"), ("PLAYGROUND_RELAY", "yes")]);
    assert!(deployment.app.problems()[0].contains("PLAYGROUND_RELAY is \"yes\"; expected is off or on"));
    assert_eq!(send(&deployment, "", &[], PING).status, 404);
}

#[test]
fn only_the_page_at_its_own_origin_is_answered() {
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
        assert_eq!(send(&deployment, &token, changes, PING).status, 403, "{changes:?}");
    }
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let shown = Browser::new(&deployment).send(method.clone(), "/playground/relay", "", OF_PAGE);
        assert_eq!(shown.status, 405, "{method}");
    }
    assert!(deployment.relayed.borrow().is_empty());
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
}

#[test]
fn no_page_of_another_origin_may_send_the_headers_of_the_relay() {
    let deployment = Deployment::with_variables(&[SET[0], SET[1], ("ALLOWED_ORIGINS", "*")]);
    let token = relay_token(&deployment, "ann");
    let headers =
        [("origin", "https://evil.example"), ("access-control-request-headers", "x-playground, x-target-url")];
    let preflight = Browser::new(&deployment).send(Method::OPTIONS, "/playground/relay", "", &headers);
    assert!(!preflight.header("access-control-allow-headers").unwrap().contains("x-"), "{preflight:?}");
    for site in ["same-origin", "cross-site"] {
        let changes = [("origin", "https://evil.example"), ("sec-fetch-site", site)];
        assert_eq!(send(&deployment, &token, &changes, PING).status, 403);
    }
    assert!(deployment.relayed.borrow().is_empty());
}

#[test]
fn a_token_has_to_name_the_relay_and_the_page() {
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
    assert!(challenge.contains(&format!("{ORIGIN}/.well-known/oauth-protected-resource/playground\"")), "{challenge}");
    for (scope, resource, status) in [
        ("relay", Some("/playground"), 200),
        ("chat relay", Some("/playground"), 200),
        ("chat", Some("/playground"), 403),
        ("relay", Some("/mcp"), 401),
        ("relay", None, 401),
    ] {
        let token = token(&deployment, "ann", scope, resource);
        let shown = send(&deployment, &token, &[], PING);
        assert_eq!(shown.status, status, "{scope} {resource:?}");
        if status == 403 {
            let challenge = shown.header("www-authenticate").unwrap();
            assert!(challenge.contains("insufficient_scope") && challenge.contains("scope=\"relay\""), "{challenge}");
        }
    }
    let relay = relay_token(&deployment, "ann");
    let authorization = format!("Bearer {relay}");
    let chat = json!({ "model": "small", "messages": [{ "role": "user", "content": "hello" }] }).to_string();
    let shown =
        Browser::new(&deployment).send(Method::POST, "/playground/chat", &chat, &[("authorization", &authorization)]);
    assert_eq!(shown.status, 403, "a token of the relay spends nothing of the chat");
    assert!(deployment.asked.borrow().is_empty());
}

#[test]
fn the_person_is_told_what_the_scope_allows() {
    let deployment = deployment();
    let client = deployment.register(&json!({}));
    let page =
        Browser::new(&deployment).asked(&client, &[("scope", "relay"), ("resource", &format!("{ORIGIN}/playground"))]);
    assert!(page.text.contains("Reach other servers through this one"), "{}", page.text);
    let account = Browser::new(&deployment).account("ann");
    assert!(!account.text.contains("0 requests, 0 tokens"), "there is no chat");
}

#[test]
fn nothing_is_sent_to_an_address_that_is_not_of_the_public_web() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for url in [
        // Other schemes, and no URLs.
        "http://server.example/mcp",
        "HTTPS://server.example/mcp",
        "ftp://server.example/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "javascript:alert(1)",
        "//server.example/mcp",
        "server.example/mcp",
        "https:server.example",
        "https:///mcp",
        "https://server.example/#fragment",
        "https://server.example\\@127.0.0.1/",
        "https://server.example/\r\nhost: evil",
        "https://b\u{fc}cher.example/",
        // Users and passwords.
        "https://user@server.example/",
        "https://user:pass@server.example/",
        "https://server.example@127.0.0.1/",
        "https://127.0.0.1@server.example/",
        // IPv4 in every notation.
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://192.168.1.1/",
        "https://8.8.8.8/",
        "https://0/",
        "https://server.1/",
        "https://server.0x7f/",
        // IPv6.
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2606:4700::1111]/",
        // Names of machines and networks.
        "https://localhost/",
        "https://LOCALHOST/",
        "https://localhost./",
        "https://a.localhost/",
        "https://a.localdomain/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://a.intranet/",
        "https://a.corp/",
        "https://a.home.arpa/",
        "https://a.lan/",
        "https://a.onion/",
        "https://intranet/",
        "https://com/",
        "https://server.example./",
        "https://.example/",
        "https://a..example/",
        "https://-a.example/",
        "https://a_b.example/",
        "https://a%2eexample/",
        "https://a,b.example/",
        "https://Server.example/",
        // Ports of other services.
        "https://server.example:0/",
        "https://server.example:22/",
        "https://server.example:25/",
        "https://server.example:80/",
        "https://server.example:442/",
        "https://server.example:1023/",
        "https://server.example:65536/",
        "https://server.example:/",
        "https://server.example:x/",
        "https://server.example:+443/",
        "",
    ] {
        let shown = send(&deployment, &token, &[("x-target-url", url)], PING);
        assert_eq!((shown.status, code(&shown).as_str()), (403, "target"), "{url}");
    }
    assert!(deployment.relayed.borrow().is_empty() && deployment.looked_up.borrow().is_empty());
    for url in [
        "https://server.example",
        "https://server.example/",
        "https://server.example:443/mcp",
        "https://server.example:8443/mcp?a=b",
        "https://xn--bcher-kva.example/mcp",
    ] {
        assert_eq!(send(&deployment, &token, &[("x-target-url", url)], PING).status, 200, "{url}");
        assert_eq!(last(&deployment).url, url);
    }
}

#[test]
fn nothing_is_sent_back_to_this_deployment_or_its_domain() {
    let origins = [
        ("PLAYGROUND_ORIGIN", "https://play.company.co.uk"),
        ("PLAYGROUND_SERVER_ORIGIN", ORIGIN),
        ("PLAYGROUND_APPS_ORIGIN", "https://apps.ann.workers.dev"),
    ];
    let variables: Vec<_> = SET.iter().chain(&origins).copied().collect();
    let deployment = Deployment::with_variables(&variables);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    let token = relay_token(&deployment, "ann");
    let from_page = |url: &str| {
        let mut browser = Browser::new(&deployment);
        "https://play.company.co.uk".clone_into(&mut browser.origin);
        let authorization = format!("Bearer {token}");
        let headers = [
            ("x-playground", "1"),
            ("origin", "https://play.company.co.uk"),
            ("sec-fetch-site", "same-origin"),
            ("x-target-url", url),
            ("x-target-method", "POST"),
            ("authorization", &authorization),
        ];
        browser.send(Method::POST, "/playground/relay", PING, &headers)
    };
    for url in [
        "https://mcp.example/mcp",
        "https://mcp.example:8443/mcp",
        "https://a.mcp.example/",
        "https://play.company.co.uk/playground/relay",
        "https://company.co.uk/",
        "https://admin.company.co.uk/",
        "https://apps.ann.workers.dev/",
        "https://other.ann.workers.dev/",
    ] {
        let shown = from_page(url);
        assert_eq!((shown.status, code(&shown).as_str()), (403, "target"), "{url}");
    }
    for url in [
        "https://other.co.uk/",
        "https://notes.bob.workers.dev/",
        "https://notmcp.example/",
        "https://mcp.example.com/",
    ] {
        assert_eq!(from_page(url).status, 200, "{url}");
    }
}

#[test]
fn a_name_that_leads_to_a_private_address_is_refused() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["::1"],
        &["fd00::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
        &["93.184.215.14", "192.168.0.1"],
        &["93.184.215.14", "fe80::1"],
    ] {
        let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
        deployment.names.borrow_mut().insert("rebound.example".to_owned(), addresses);
        let shown = send(&deployment, &token, &[("x-target-url", "https://rebound.example/")], PING);
        assert_eq!((shown.status, code(&shown).as_str()), (403, "target"), "{:?}", deployment.names);
    }
    deployment.names.borrow_mut().insert("nobody.example".to_owned(), Vec::new());
    let shown = send(&deployment, &token, &[("x-target-url", "https://nobody.example/")], PING);
    assert_eq!((shown.status, code(&shown).as_str()), (502, "name"));
    assert!(deployment.relayed.borrow().is_empty());
    deployment
        .names
        .borrow_mut()
        .insert("both.example".to_owned(), vec!["1.1.1.1".to_owned(), "2606:4700::1111".to_owned()]);
    for _ in 0..2 {
        assert_eq!(send(&deployment, &token, &[("x-target-url", "https://both.example/")], PING).status, 200);
    }
    let looked_up = || deployment.looked_up.borrow().iter().filter(|name| *name == "both.example").count();
    assert_eq!(looked_up(), 2, "one look-up of each kind, for a minute");
    deployment.pass_ms(60_000);
    let token = relay_token(&deployment, "ann");
    deployment.names.borrow_mut().insert("both.example".to_owned(), vec!["10.0.0.1".to_owned()]);
    assert_eq!(send(&deployment, &token, &[("x-target-url", "https://both.example/")], PING).status, 403);
}

#[test]
fn a_list_of_hosts_replaces_any() {
    let with = |hosts: &str| Deployment::with_variables(&[SET[0], SET[1], ("PLAYGROUND_RELAY_HOSTS", hosts)]);
    let deployment = with("a.example, *.b.example, c.example:8443, d.example:443, e.example:80");
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    let token = relay_token(&deployment, "ann");
    for (url, status) in [
        ("https://a.example/mcp", 200),
        ("https://x.b.example/mcp", 200),
        ("https://c.example:8443/mcp", 200),
        ("https://d.example/mcp", 200),
        ("https://d.example:443/mcp", 200),
        ("https://d.example:8443/mcp", 403),
        ("https://e.example/mcp", 403),
        ("https://b.example/mcp", 403),
        ("https://x.a.example/mcp", 403),
        ("https://c.example/mcp", 403),
        ("https://server.example/mcp", 403),
    ] {
        assert_eq!(send(&deployment, &token, &[("x-target-url", url)], PING).status, status, "{url}");
    }
    let deployment = with("https://a.example");
    assert!(deployment.app.problems()[0].contains("PLAYGROUND_RELAY_HOSTS has"));
    let token = relay_token(&deployment, "ann");
    assert_eq!(send(&deployment, &token, &[("x-target-url", "https://a.example/")], PING).status, 403);
}

#[test]
fn only_headers_for_the_target_go_there() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let own = [
        ("x-target-header-accept", "application/json, text/event-stream"),
        ("x-target-header-authorization", "Bearer of-the-target"),
        ("x-target-header-mcp-protocol-version", "2025-11-25"),
        ("x-target-header-mcp-session-id", "s"),
        ("x-target-header-last-event-id", "7"),
        ("x-target-header-x-api-key", "typed"),
        ("cf-connecting-ip", "203.0.113.9"),
        ("x-forwarded-for", "203.0.113.9"),
        ("referer", "https://mcp.example/playground"),
        ("user-agent", "Browser"),
    ];
    assert_eq!(send(&deployment, &token, &own, PING).status, 200);
    let request = last(&deployment);
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-type",
            "last-event-id",
            "mcp-protocol-version",
            "mcp-session-id",
            "x-api-key",
            "x-playground-relay"
        ]
    );
    assert_eq!(sent_header(&request, "authorization"), Some("Bearer of-the-target"));
    assert!(!format!("{request:?}").contains(&token), "the token of this deployment stays here");
    let before = deployment.relayed.borrow().len();
    for name in [
        "cookie",
        "host",
        "origin",
        "referer",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "via",
        "forwarded",
        "cf-connecting-ip",
        "cf-worker",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "x-forwarded",
        "x_forwarded_for",
        "x-original-forwarded-for",
        "x-host",
        "client-ip",
        "true-client-ip",
        "cdn-loop",
        "sec-fetch-site",
        "proxy-authorization",
        "x-http-method-override",
        "x-original-url",
        "x-playground",
        "x-target-url",
    ] {
        let header = format!("x-target-header-{name}");
        let shown = send(&deployment, &token, &[(&header, "x")], PING);
        assert_eq!((shown.status, code(&shown).as_str()), (400, "request"), "{name}");
    }
    let many: Vec<String> = (0..41).map(|at| format!("x-target-header-x-{at}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(send(&deployment, &token, &many, PING).status, 400);
    assert_eq!(send(&deployment, &token, &[("x-target-header-x-long", &"x".repeat(16 * 1024 + 1))], PING).status, 400);
    assert_eq!(deployment.relayed.borrow().len(), before);
}

#[test]
fn only_messages_registrations_and_token_requests_are_bodies() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let json = ("content-type", "application/json");
    let batch = format!("[{PING}]");
    for body in [
        PING,
        &batch,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":18014398509481985,"result":{"big":123456789012345678901234567890}}"#,
        r#"{"redirect_uris":["https://mcp.example/playground/callback"],"client_name":"x"}"#,
    ] {
        assert_eq!(send(&deployment, &token, &[json], body).status, 200, "{body}");
        let request = last(&deployment);
        assert_eq!(
            (request.body.as_deref(), sent_header(&request, "content-type")),
            (Some(body), Some("application/json"))
        );
    }
    for body in
        ["grant_type=authorization_code&code=c", "grant_type=refresh_token&refresh_token=r", "token=t&client_id=c"]
    {
        assert_eq!(send(&deployment, &token, &[], body).status, 200, "{body}");
        let request = last(&deployment);
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!((request.body.as_deref(), sent_header(&request, "content-type")), (Some(body), form));
    }
    let before = deployment.relayed.borrow().len();
    for body in [
        "",
        "{}",
        "[]",
        "1",
        "null",
        "not json",
        r#"{"jsonrpc":"1.0","method":"x"}"#,
        r#"{"query":"{ users }"}"#,
        r#"{"redirect_uris":"https://a.example"}"#,
        r#"[{"jsonrpc":"2.0","method":"x"},{"query":"x"}]"#,
        r#"[{"redirect_uris":[]}]"#,
    ] {
        let shown = send(&deployment, &token, &[json], body);
        assert_eq!((shown.status, code(&shown).as_str()), (400, "request"), "{body}");
    }
    for body in ["a=b", "user=root&password=x", "grant_type=", "<xml/>"] {
        assert_eq!(send(&deployment, &token, &[], body).status, 400, "{body}");
    }
    assert_eq!(send(&deployment, &token, &[("content-type", "text/plain")], PING).status, 400);
    assert_eq!(send(&deployment, &token, &[("content-encoding", "gzip")], PING).status, 400);
    let long = format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"a":"{}"}}}}"#, "x".repeat(1024 * 1024));
    let shown = send(&deployment, &token, &[], &long);
    assert_eq!((shown.status, code(&shown).as_str()), (413, "too_large"));
    assert_eq!(send(&deployment, &token, &[("content-length", "1048577")], PING).status, 413);
    assert_eq!(deployment.relayed.borrow().len(), before);
}

#[test]
fn three_methods_are_sent() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for (method, body, status) in [
        ("GET", "", 200),
        ("DELETE", "", 200),
        ("POST", PING, 200),
        ("GET", PING, 400),
        ("DELETE", PING, 400),
        ("PUT", PING, 400),
        ("PATCH", PING, 400),
        ("OPTIONS", "", 400),
        ("CONNECT", "", 400),
        ("get", "", 400),
        ("", PING, 400),
    ] {
        let shown = send(&deployment, &token, &[("x-target-method", method)], body);
        assert_eq!(shown.status, status, "{method}");
        if status == 200 {
            assert_eq!(last(&deployment).method.as_str(), method);
        }
    }
}

#[test]
fn an_answer_is_marked_shows_nothing_and_sets_no_cookie() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let shown = send(&deployment, &token, &[], PING);
    assert_eq!((shown.status, shown.text.as_str()), (200, "{}"));
    for (name, value) in [
        ("x-target-status", "200"),
        ("content-type", "application/json"),
        ("x-target-header-content-type", "application/json"),
        ("x-target-header-mcp-session-id", "the-session"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(shown.header(name), Some(value), "{name}");
    }
    let names: Vec<_> = shown.headers.iter().map(|(name, _)| *name).collect();
    assert!(!names.iter().any(|name| name.ends_with("set-cookie") || name.ends_with("server")), "{names:?}");
    let refused = send(&deployment, &token, &[("x-target-url", "https://127.0.0.1/")], PING);
    assert!(refused.header("content-security-policy").unwrap().contains("sandbox"), "{refused:?}");
    assert_eq!(refused.header("x-target-status"), None);
}

#[test]
fn a_request_that_comes_round_is_told_so() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for (name, value) in [("x-playground-relay", "1"), ("cdn-loop", "cloudflare; subreqs=1")] {
        let shown = send(&deployment, &token, &[(name, value)], PING);
        assert_eq!((shown.status, code(&shown).as_str()), (508, "loop"), "{name}");
    }
    assert_eq!(send(&deployment, &token, &[("cdn-loop", "cloudflare; loops=1")], PING).status, 200);
    assert_eq!(sent_header(&last(&deployment), "x-playground-relay"), Some("1"));
}

#[test]
fn a_person_has_sixty_requests_a_minute() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for at in 0..60 {
        assert_eq!(send(&deployment, &token, &[], PING).status, 200, "{at}");
    }
    let over = send(&deployment, &token, &[], PING);
    assert_eq!((over.status, code(&over).as_str(), over.header("retry-after")), (429, "limit", Some("60")));
    let second = relay_token(&deployment, "ann");
    assert_eq!(send(&deployment, &second, &[], PING).status, 429, "another token of the same person");
    assert_eq!(send(&deployment, &relay_token(&deployment, "bob"), &[], PING).status, 200);
    deployment.pass_ms(60_000);
    assert_eq!(send(&deployment, &relay_token(&deployment, "ann"), &[], PING).status, 200);
}

#[test]
fn a_request_that_is_refused_counts_for_nothing() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for _ in 0..70 {
        assert_eq!(send(&deployment, &token, &[("x-target-url", "https://127.0.0.1/")], PING).status, 403);
    }
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
}

#[test]
fn a_person_has_four_streams_at_once() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.streams.set(true);
    for at in 0..4 {
        let shown = send(&deployment, &token, &[], PING);
        assert_eq!((shown.status, shown.header("content-type")), (200, Some("text/event-stream")), "{at}");
    }
    let over = send(&deployment, &token, &[], PING);
    assert_eq!((over.status, code(&over).as_str()), (429, "streams"));
    deployment.streams.set(false);
    assert_eq!(send(&deployment, &token, &[], PING).status, 200, "an answer that is no stream");
    deployment.streams.set(true);
    deployment.passed_on(2, 10);
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
    deployment.pass_ms(20_000);
    for at in [0, 1] {
        assert!(deployment.goes_on(at));
    }
    deployment.pass_ms(15_000);
    for expected in [200, 200, 429] {
        assert_eq!(
            send(&deployment, &relay_token(&deployment, "ann"), &[], PING).status,
            expected,
            "two were told of since"
        );
    }
}

#[test]
fn disconnecting_ends_the_relay_and_its_streams() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.streams.set(true);
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
    assert!(deployment.goes_on(0));
    let mut browser = Browser::new(&deployment);
    let account = browser.account("ann");
    browser.post("/account", &[("csrf", &account.field("csrf")), ("do", "end-all")]);
    assert_eq!(send(&deployment, &token, &[], PING).status, 401);
    assert!(!deployment.goes_on(0));
}

#[test]
fn the_log_has_user_host_status_and_bytes_and_nothing_of_the_request() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let typed = [("x-target-header-authorization", "Bearer secret-token"), ("x-target-header-x-key", "secret-key")];
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"secret-method"}"#;
    deployment.lines.borrow_mut().clear();
    assert_eq!(send(&deployment, &token, &typed, body).status, 200);
    deployment.passed_on(0, 1234);
    let lines: Vec<_> =
        deployment.lines.borrow().iter().map(durable_mcp::session::log_line::LogLine::to_json).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["event"], &line["method"], &line["host"], &line["code"], &line["bytes"], &line["outcome"]),
        (&json!("relay"), &json!("POST"), &json!("server.example"), &json!(200), &json!(1234), &json!("ok"))
    );
    let user = line["handle"].as_str().unwrap();
    assert!(user.len() > 10 && !user.contains("ann"), "{user}");
    assert!(!line.to_string().contains("secret") && !line.to_string().contains("/mcp"), "{line}");
}

#[test]
fn without_sign_in_there_is_a_relay_on_this_machine_alone() {
    let variables = |name: &str| SET.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    let mut deployment = deployment();
    deployment.app = durable_mcp::App::new(durable_mcp::Server::new("s", "1")).with_variables(&variables);
    assert!(deployment.app.problems()[0].contains("on this machine alone"), "{:?}", deployment.app.problems());
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
        browser.send(Method::POST, "/playground/relay", PING, &headers).status
    };
    let local = "http://127.0.0.1:8787";
    assert_eq!(at(ORIGIN, URL, ORIGIN), 404);
    assert_eq!(at(local, URL, local), 200);
    assert_eq!(at(local, URL, "http://localhost:3000"), 403, "another program of this machine");
    for url in ["http://127.0.0.1:3000/", "https://127.0.0.1:3000/", "https://localhost:3000/", "https://router.local/"]
    {
        assert_eq!(at(local, url, local), 403, "{url}");
    }
}

#[test]
fn without_the_flag_of_the_runtime_there_is_no_relay_and_the_reason_is_told() {
    let mut deployment = deployment();
    deployment.app = deployment.app.without_relay();
    assert!(deployment.app.problems()[0].contains("global_fetch_strictly_public"));
    assert_eq!(send(&deployment, "", &[], PING).status, 404);
}

//! The playground on an origin of its own, `PLAYGROUND_ORIGIN`: what each host serves, and what the page may call.

use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN, Shown};

const PAGE: &str = "https://play.example";
const APPS: &str = "https://apps.example";

const SET: [(&str, &str); 7] = [
    ("PLAYGROUND", "bound"),
    ("PLAYGROUND_ORIGIN", PAGE),
    ("PLAYGROUND_SERVER_ORIGIN", ORIGIN),
    ("PLAYGROUND_CHAT", "openai"),
    ("PLAYGROUND_CHAT_URL", "https://models.example/v1"),
    ("PLAYGROUND_MODELS", "small"),
    ("PLAYGROUND_APPS_ORIGIN", ""),
];

const OF_PAGE: [&str; 6] = [
    "/playground/config.json",
    "/playground/client.json",
    "/playground/app",
    "/playground/chat",
    "/playground/callback",
    "/playground/shell-x.js",
];

fn deployment() -> Deployment {
    let deployment = Deployment::with_variables(&SET);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    deployment
}

fn at<'a>(deployment: &'a Deployment, origin: &str) -> Browser<'a> {
    let mut browser = Browser::new(deployment);
    origin.clone_into(&mut browser.origin);
    browser
}

fn json_of(shown: &Shown) -> Value {
    serde_json::from_str(&shown.text).unwrap_or_else(|_| panic!("{shown:?}"))
}

#[test]
fn the_origin_of_the_page_serves_the_page_and_nothing_else() {
    let deployment = deployment();
    for origin in [PAGE, "https://PLAY.example:443"] {
        let mut browser = at(&deployment, origin);
        for path in [
            "/playground",
            "/playground/",
            "/playground/callback",
            "/playground/shell-x.js",
        ] {
            assert_eq!(browser.get(path).status, 200, "{path}");
        }
        let config = json_of(&browser.get("/playground/config.json"));
        assert_eq!(config["mcp"], format!("{ORIGIN}/mcp"));
        assert_eq!(config["sse"], format!("{ORIGIN}/sse"));
        assert_eq!(
            (&config["apps"], &config["chat"]["models"]),
            (&json!("/playground/app"), &json!(["small"]))
        );
    }
    let client = json_of(&at(&deployment, PAGE).get("/playground/client.json"));
    assert_eq!(
        client["client_id"],
        format!("{PAGE}/playground/client.json")
    );
    assert_eq!(
        client["redirect_uris"],
        json!([format!("{PAGE}/playground/callback")])
    );
    let framed = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-dest", "iframe"),
    ];
    let frame = at(&deployment, PAGE).send(Method::GET, "/playground/app", "", &framed);
    assert!(
        frame
            .header("content-security-policy")
            .unwrap()
            .contains("frame-ancestors 'self'"),
        "{frame:?}"
    );

    let mut browser = at(&deployment, PAGE);
    for path in [
        "/",
        "/style.css",
        "/mcp",
        "/sse",
        "/sse/message",
        "/authorize",
        "/callback",
        "/account",
        "/token",
        "/register",
        "/revoke",
        "/introspect",
        "/operator",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/playground",
        "/playgrounds",
        "/playground.html",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS] {
            let shown = browser.send(method.clone(), path, "", &[("origin", PAGE)]);
            assert_eq!((shown.status, &*shown.text), (404, ""), "{method} {path}");
        }
    }
}

#[test]
fn the_servers_host_redirects_to_the_page_and_serves_nothing_of_it() {
    let deployment = deployment();
    for origin in [ORIGIN, "https://other.example"] {
        let mut browser = at(&deployment, origin);
        for (asked, address) in [
            ("/playground", "/playground"),
            ("/playground/", "/playground"),
            (
                "/playground?tool=a%20b&args=%7B%7D",
                "/playground?tool=a%20b&args=%7B%7D",
            ),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let shown = browser.send(method, asked, "", &[]);
                assert_eq!(
                    (shown.status, shown.location()),
                    (302, &*format!("{PAGE}{address}")),
                    "{origin} {asked}"
                );
            }
            assert_eq!(browser.send(Method::POST, asked, "", &[]).status, 405);
        }
        for path in OF_PAGE {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                let shown = browser.send(method.clone(), path, "", &[]);
                assert_eq!(shown.status, 404, "{method} {path}");
            }
        }
        assert!(
            browser
                .get("/")
                .text
                .contains("href=\"https://play.example/playground\"")
        );
        assert_eq!(browser.get("/account").status, 200);
    }
}

#[test]
fn the_page_may_call_mcp_and_oauth_endpoints_but_no_user_pages() {
    let deployment = deployment();
    let send = |method: Method, path: &str, origin: &str| {
        Browser::new(&deployment).send(
            method,
            path,
            "{}",
            &[("origin", origin), ("accept-language", "en")],
        )
    };
    for path in [
        "/mcp",
        "/sse",
        "/sse/message",
        "/token",
        "/register",
        "/revoke",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
    ] {
        let shown = send(Method::OPTIONS, path, PAGE);
        assert_eq!(
            (shown.status, shown.header("access-control-allow-origin")),
            (204, Some(PAGE)),
            "{path}"
        );
        assert!(
            shown
                .header("access-control-allow-headers")
                .unwrap()
                .contains("authorization"),
            "{path}"
        );
    }
    let challenged = send(Method::POST, "/mcp", PAGE);
    assert_eq!(
        (
            challenged.status,
            challenged.header("access-control-allow-origin")
        ),
        (401, Some(PAGE))
    );
    for (method, path) in [
        (Method::GET, "/authorize"),
        (Method::POST, "/authorize"),
        (Method::GET, "/account"),
        (Method::POST, "/account"),
        (Method::POST, "/operator"),
        (Method::GET, "/"),
    ] {
        assert_eq!(
            send(method.clone(), path, PAGE).status,
            403,
            "{method} {path}"
        );
    }
    for other in [
        "https://play.example.evil.example",
        "http://play.example",
        APPS,
        "null",
    ] {
        assert_eq!(send(Method::POST, "/mcp", other).status, 403, "{other}");
    }
}

#[test]
fn the_page_registers_with_the_callback_of_its_own_origin() {
    for (page, server, other) in [
        (PAGE, ORIGIN, "https://mcp.example/playground/callback"),
        (
            "http://127.0.0.1:8787",
            "http://localhost:8787",
            "http://localhost:8787/playground/callback",
        ),
        (
            "http://127.0.0.1:8787",
            "http://localhost:8787",
            "http://127.0.0.1:8787/authorize",
        ),
    ] {
        let deployment = Deployment::with_variables(&[
            ("PLAYGROUND", "bound"),
            ("PLAYGROUND_ORIGIN", page),
            ("PLAYGROUND_SERVER_ORIGIN", server),
        ]);
        let register = |redirect: &str| {
            let client =
                json!({ "redirect_uris": [redirect], "token_endpoint_auth_method": "none" });
            at(&deployment, server)
                .send(
                    Method::POST,
                    "/register",
                    &client.to_string(),
                    &[("origin", page)],
                )
                .status
        };
        assert_eq!(
            register(&format!("{page}/playground/callback")),
            201,
            "{page}"
        );
        assert_eq!(register(other), 400, "{other}");
    }
}

#[test]
fn a_chat_token_must_be_for_the_server_of_the_page() {
    let deployment = deployment();
    let ask = |origin: &str, token: &str| {
        let authorization = format!("Bearer {token}");
        let body =
            json!({ "model": "small", "messages": [{ "role": "user", "content": "hello" }] })
                .to_string();
        let headers = [
            (
                "authorization",
                if token.is_empty() {
                    ""
                } else {
                    &*authorization
                },
            ),
            ("origin", PAGE),
        ];
        at(&deployment, origin).send(Method::POST, "/playground/chat", &body, &headers)
    };
    let refused = ask(PAGE, "");
    assert_eq!(refused.status, 401);
    let metadata = format!("{ORIGIN}/.well-known/oauth-protected-resource/playground");
    assert!(
        refused
            .header("www-authenticate")
            .unwrap()
            .contains(&metadata),
        "{refused:?}"
    );
    let document = json_of(&Browser::new(&deployment).get(&metadata));
    assert_eq!(document["resource"], format!("{ORIGIN}/playground"));

    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(
        &client,
        &[
            ("scope", "chat"),
            ("resource", &format!("{ORIGIN}/playground")),
        ],
    );
    let back = browser.approved(&page, "ann");
    let token = browser.redeemed(&client, &back);
    assert_eq!(ask(PAGE, &token).status, 200);
    assert_ne!(ask(ORIGIN, &token).status, 200);
    let elsewhere = Browser::new(&deployment).send(
        Method::GET,
        &format!(
            "/authorize?response_type=code&client_id={client}&redirect_uri=https://client.example/callback&resource={PAGE}/playground"
        ),
        "",
        &[("accept-language", "en")],
    );
    assert_ne!(
        elsewhere.status, 200,
        "the page's own origin protects nothing"
    );
}

#[test]
fn apps_may_have_an_origin_of_their_own_beside_that_of_the_page() {
    let variables: Vec<_> = SET
        .into_iter()
        .take(6)
        .chain([("PLAYGROUND_APPS_ORIGIN", APPS)])
        .collect();
    let deployment = Deployment::with_variables(&variables);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    let mut page = at(&deployment, PAGE);
    assert_eq!(
        json_of(&page.get("/playground/config.json"))["apps"],
        format!("{APPS}/playground/app")
    );
    assert_eq!(
        page.get("/playground").header("content-security-policy"),
        Some("frame-src https://apps.example")
    );
    let framed = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-dest", "iframe"),
    ];
    let frame = at(&deployment, APPS).send(
        Method::GET,
        &format!("/playground/app?page={PAGE}"),
        "",
        &framed,
    );
    assert!(
        frame
            .header("content-security-policy")
            .unwrap()
            .contains("frame-ancestors https://play.example;")
    );
    for origin in [PAGE, ORIGIN] {
        let shown = at(&deployment, origin).send(
            Method::GET,
            &format!("/playground/app?page={PAGE}"),
            "",
            &framed,
        );
        assert_ne!(shown.status, 200, "{origin}");
    }
    assert_eq!(at(&deployment, APPS).get("/playground").status, 404);
}

#[test]
fn a_page_served_by_the_worker_contains_the_address_of_its_server() {
    let deployment = deployment();
    assert_eq!(
        at(&deployment, PAGE).get("/playground").text,
        format!("{ORIGIN}/mcp")
    );
    let shared = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    assert_eq!(Browser::new(&shared).get("/playground").text, "");
}

#[test]
fn a_playground_without_two_different_origins_is_off_and_a_problem() {
    for (page, server, apps, told) in [
        (
            "play.example",
            ORIGIN,
            "",
            "expected is an origin, as in https://play.example.com",
        ),
        (
            "https://play.example/x",
            ORIGIN,
            "",
            "expected is an origin",
        ),
        (
            "https://*.play.example",
            ORIGIN,
            "",
            "expected is an origin",
        ),
        ("http://play.example", ORIGIN, "", "expected is an origin"),
        (PAGE, "mcp.example", "", "PLAYGROUND_SERVER_ORIGIN is"),
        (PAGE, "", "", "PLAYGROUND_SERVER_ORIGIN is not"),
        (ORIGIN, ORIGIN, "", "different host names"),
        (
            "https://MCP.example:443/",
            ORIGIN,
            "",
            "different host names",
        ),
        (PAGE, ORIGIN, PAGE, "different host names"),
        (PAGE, ORIGIN, ORIGIN, "different host names"),
    ] {
        let deployment = Deployment::with_variables(&[
            ("PLAYGROUND", "bound"),
            ("PLAYGROUND_ORIGIN", page),
            ("PLAYGROUND_SERVER_ORIGIN", server),
            ("PLAYGROUND_APPS_ORIGIN", apps),
        ]);
        let problems = deployment.app.problems();
        assert!(
            problems.len() == 1 && problems[0].contains(told),
            "{page} {server} {apps}: {problems:?}"
        );
        for origin in ["https://mcp.example", PAGE] {
            for path in [
                "/playground",
                "/playground/config.json",
                "/playground/client.json",
                "/playground/shell-x.js",
            ] {
                assert_eq!(
                    at(&deployment, origin).get(path).status,
                    404,
                    "{page} {server} {apps}: {origin} {path}"
                );
            }
        }
    }
}

#[test]
fn assets_served_before_the_worker_are_reported_to_the_page() {
    let (page, server) = ("http://127.0.0.1:8787", "http://localhost:8787");
    for (host, asked, site, is_told) in [
        (page, "/playground/config.json", "same-origin", true),
        (server, "/playground/config.json", "same-origin", true),
        (page, "/playground/config.json?worker", "same-origin", false),
        (page, "/playground/config.json", "none", false),
        (server, "/playground/config.json", "cross-site", false),
    ] {
        let deployment = Deployment::with_variables(&[
            ("PLAYGROUND", "bound"),
            ("PLAYGROUND_ORIGIN", page),
            ("PLAYGROUND_SERVER_ORIGIN", server),
        ]);
        for _ in 0..2 {
            at(&deployment, host).send(Method::GET, asked, "", &[("sec-fetch-site", site)]);
        }
        let told = |text: &str| text.contains("run_worker_first = [");
        let logged = deployment
            .log
            .borrow()
            .iter()
            .filter(|line| told(line))
            .count();
        let home = at(&deployment, server).get("/").text.replace("&#34;", "\"");
        assert_eq!(
            (logged, told(&home)),
            (usize::from(is_told), is_told),
            "{host}{asked} {site}"
        );
    }
    let shared = Deployment::with_variables(&[("PLAYGROUND", "bound")]);
    at(&shared, server).send(
        Method::GET,
        "/playground/config.json",
        "",
        &[("sec-fetch-site", "same-origin")],
    );
    assert!(shared.log.borrow().is_empty());
}

//! The frame in which the playground shows apps: its policy, and the origin that serves it.

use http::Method;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN};

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

//! The part of a request and of its answer that goes through the relay.

use super::{PING, code, deployment, last, relay_token, send, sent_header};

#[test]
#[expect(clippy::too_many_lines, reason = "a table of headers")]
fn only_headers_meant_for_the_target_are_forwarded() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let own = [
        (
            "x-target-header-accept",
            "application/json, text/event-stream",
        ),
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
    let mut names: Vec<_> = request
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
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
    assert_eq!(
        sent_header(&request, "authorization"),
        Some("Bearer of-the-target")
    );
    assert!(
        !format!("{request:?}").contains(&token),
        "the token of this deployment stays here"
    );
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
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (400, "request"),
            "{name}"
        );
    }
    let many: Vec<String> = (0..41)
        .map(|at| format!("x-target-header-x-{at}"))
        .collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(send(&deployment, &token, &many, PING).status, 400);
    assert_eq!(
        send(
            &deployment,
            &token,
            &[("x-target-header-x-long", &"x".repeat(16 * 1024 + 1))],
            PING
        )
        .status,
        400
    );
    assert_eq!(deployment.relayed.borrow().len(), before);
}

#[test]
fn only_messages_registrations_and_token_requests_are_forwarded() {
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
        assert_eq!(
            send(&deployment, &token, &[json], body).status,
            200,
            "{body}"
        );
        let request = last(&deployment);
        assert_eq!(
            (
                request.body.as_deref(),
                sent_header(&request, "content-type")
            ),
            (Some(body), Some("application/json"))
        );
    }
    for body in [
        "grant_type=authorization_code&code=c",
        "grant_type=refresh_token&refresh_token=r",
        "token=t&client_id=c",
    ] {
        assert_eq!(send(&deployment, &token, &[], body).status, 200, "{body}");
        let request = last(&deployment);
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(
            (
                request.body.as_deref(),
                sent_header(&request, "content-type")
            ),
            (Some(body), form)
        );
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
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (400, "request"),
            "{body}"
        );
    }
    for body in ["a=b", "user=root&password=x", "grant_type=", "<xml/>"] {
        assert_eq!(send(&deployment, &token, &[], body).status, 400, "{body}");
    }
    assert_eq!(
        send(&deployment, &token, &[("content-type", "text/plain")], PING).status,
        400
    );
    assert_eq!(
        send(&deployment, &token, &[("content-encoding", "gzip")], PING).status,
        400
    );
    let long = format!(
        r#"{{"jsonrpc":"2.0","method":"x","params":{{"a":"{}"}}}}"#,
        "x".repeat(1024 * 1024)
    );
    let shown = send(&deployment, &token, &[], &long);
    assert_eq!((shown.status, code(&shown).as_str()), (413, "too_large"));
    assert_eq!(
        send(&deployment, &token, &[("content-length", "1048577")], PING).status,
        413
    );
    assert_eq!(deployment.relayed.borrow().len(), before);
}

#[test]
fn only_get_post_and_delete_are_forwarded() {
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
fn a_relayed_response_is_marked_inert_and_sets_no_cookie() {
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
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(shown.header(name), Some(value), "{name}");
    }
    let names: Vec<_> = shown.headers.iter().map(|(name, _)| *name).collect();
    assert!(
        !names
            .iter()
            .any(|name| name.ends_with("set-cookie") || name.ends_with("server")),
        "{names:?}"
    );
    let refused = send(
        &deployment,
        &token,
        &[("x-target-url", "https://127.0.0.1/")],
        PING,
    );
    assert!(
        refused
            .header("content-security-policy")
            .unwrap()
            .contains("sandbox"),
        "{refused:?}"
    );
    assert_eq!(refused.header("x-target-status"), None);
}

#[test]
fn a_relayed_request_that_returns_to_the_relay_is_refused_as_a_loop() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for (name, value) in [
        ("x-playground-relay", "1"),
        ("cdn-loop", "cloudflare; subreqs=1"),
    ] {
        let shown = send(&deployment, &token, &[(name, value)], PING);
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (508, "loop"),
            "{name}"
        );
    }
    assert_eq!(
        send(
            &deployment,
            &token,
            &[("cdn-loop", "cloudflare; loops=1")],
            PING
        )
        .status,
        200
    );
    assert_eq!(
        sent_header(&last(&deployment), "x-playground-relay"),
        Some("1")
    );
}

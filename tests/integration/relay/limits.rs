//! Counts, the end of a person's access, and the log.

use serde_json::{Value, json};

use super::{PING, code, deployment, relay_token, send};
use crate::support::browser::Browser;

#[test]
fn a_user_may_send_sixty_relayed_requests_a_minute() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for at in 0..60 {
        assert_eq!(send(&deployment, &token, &[], PING).status, 200, "{at}");
    }
    let over = send(&deployment, &token, &[], PING);
    assert_eq!(
        (
            over.status,
            code(&over).as_str(),
            over.header("retry-after")
        ),
        (429, "limit", Some("60"))
    );
    let second = relay_token(&deployment, "ann");
    assert_eq!(
        send(&deployment, &second, &[], PING).status,
        429,
        "another token of the same person"
    );
    assert_eq!(
        send(&deployment, &relay_token(&deployment, "bob"), &[], PING).status,
        200
    );
    deployment.pass_ms(60_000);
    assert_eq!(
        send(&deployment, &relay_token(&deployment, "ann"), &[], PING).status,
        200
    );
}

#[test]
fn a_refused_request_does_not_count_for_the_limit() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for _ in 0..70 {
        assert_eq!(
            send(
                &deployment,
                &token,
                &[("x-target-url", "https://127.0.0.1/")],
                PING
            )
            .status,
            403
        );
    }
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
}

#[test]
fn a_user_may_have_four_relayed_streams_at_once() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.streams.set(true);
    for at in 0..4 {
        let shown = send(&deployment, &token, &[], PING);
        assert_eq!(
            (shown.status, shown.header("content-type")),
            (200, Some("text/event-stream")),
            "{at}"
        );
    }
    let over = send(&deployment, &token, &[], PING);
    assert_eq!((over.status, code(&over).as_str()), (429, "streams"));
    deployment.streams.set(false);
    assert_eq!(
        send(&deployment, &token, &[], PING).status,
        200,
        "an answer that is no stream"
    );
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
fn a_disconnect_ends_the_relay_and_its_streams() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.streams.set(true);
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
    assert!(deployment.goes_on(0));
    let mut browser = Browser::new(&deployment);
    let account = browser.account("ann");
    browser.post(
        "/account",
        &[("csrf", &account.field("csrf")), ("do", "end-all")],
    );
    assert_eq!(send(&deployment, &token, &[], PING).status, 401);
    assert!(!deployment.goes_on(0));
}

#[test]
fn the_relay_logs_user_host_status_and_size_but_no_content() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let typed = [
        ("x-target-header-authorization", "Bearer secret-token"),
        ("x-target-header-x-key", "secret-key"),
    ];
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"secret-method"}"#;
    deployment.lines.borrow_mut().clear();
    assert_eq!(send(&deployment, &token, &typed, body).status, 200);
    deployment.passed_on(0, 1234);
    let lines: Vec<_> = deployment
        .lines
        .borrow()
        .iter()
        .map(durable_mcp::session::log_line::LogLine::to_json)
        .collect();
    let [line] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (
            &line["event"],
            &line["method"],
            &line["host"],
            &line["code"],
            &line["bytes"],
            &line["outcome"]
        ),
        (
            &json!("relay"),
            &json!("POST"),
            &json!("server.example"),
            &json!(200),
            &json!(1234),
            &json!("ok")
        )
    );
    let user = line["handle"].as_str().unwrap();
    assert!(user.len() > 10 && !user.contains("ann"), "{user}");
    assert!(
        !line.to_string().contains("secret") && !line.to_string().contains("/mcp"),
        "{line}"
    );
}

//! Counts, the end of a person's access, and the log.

use oauth_server::authority::GrantCommand;
use oauth_server::grant_store::CountRow;
use oauth_server::hooks::Hooks;
use serde_json::{Value, json};

use super::{PING, code, deployment, relay_token, send};
use crate::support::browser::{Browser, Deployment, Shown};
use crate::support::grants::World;

/// Sends a request whose answer is over at once.
fn send_whole(deployment: &Deployment, token: &str) -> Shown {
    let shown = send(deployment, token, &[], PING);
    if shown.status == 200 {
        deployment.passed_on(deployment.relayed.borrow().len() - 1, 2);
    }
    shown
}

/// Opens the stream of a server's notifications.
fn listen(deployment: &Deployment, token: &str) -> Shown {
    let listening = [
        ("x-target-method", "GET"),
        ("x-target-header-accept", "text/event-stream"),
    ];
    send(deployment, token, &listening, "")
}

fn sent(deployment: &Deployment) -> usize {
    deployment.relayed.borrow().len()
}

#[test]
fn a_page_that_leaves_before_its_request_is_prepared_holds_no_slot() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.relays_nothing.set(true);
    for _ in 0..8 {
        assert_eq!(send(&deployment, &token, &[], PING).status, 502);
    }
    deployment.relays_nothing.set(false);
    assert_eq!(send_whole(&deployment, &token).status, 200);
}

#[test]
fn a_user_may_send_sixty_relayed_requests_a_minute() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for at in 0..60 {
        assert_eq!(send_whole(&deployment, &token).status, 200, "{at}");
    }
    let over = send_whole(&deployment, &token);
    assert_eq!(
        (
            over.status,
            code(&over).as_str(),
            over.header("retry-after")
        ),
        (429, "limit", Some("60"))
    );
    deployment.restart();
    let second = relay_token(&deployment, "ann");
    assert_eq!(
        send_whole(&deployment, &second).status,
        429,
        "another token of the same person, once their object was evicted"
    );
    assert_eq!(
        send_whole(&deployment, &relay_token(&deployment, "bob")).status,
        200
    );
    deployment.pass_ms(60_000);
    assert_eq!(
        send_whole(&deployment, &relay_token(&deployment, "ann")).status,
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
fn a_user_may_have_eight_relayed_requests_under_way_and_a_ninth_is_not_sent() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for at in 0..8 {
        assert_eq!(send(&deployment, &token, &[], PING).status, 200, "{at}");
    }
    let over = send(&deployment, &token, &[], PING);
    assert_eq!(
        (
            over.status,
            code(&over).as_str(),
            over.header("retry-after")
        ),
        (429, "busy", Some("5"))
    );
    deployment.restart();
    assert_eq!(
        send(&deployment, &token, &[], PING).status,
        429,
        "once the object was evicted"
    );
    assert_eq!(sent(&deployment), 8);
    assert_eq!(
        send(&deployment, &relay_token(&deployment, "bob"), &[], PING).status,
        200
    );
    deployment.passed_on(2, 10);
    for expected in [200, 429] {
        assert_eq!(send(&deployment, &token, &[], PING).status, expected);
    }
}

#[test]
fn streams_that_stay_open_leave_slots_for_calls_whose_answers_may_be_streams() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    deployment.streams.set(true);
    let subscribe = r#"{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen"}"#;
    for at in 0..3 {
        let shown = listen(&deployment, &token);
        assert_eq!(
            (shown.status, shown.header("content-type")),
            (200, Some("text/event-stream")),
            "{at}"
        );
    }
    assert_eq!(send(&deployment, &token, &[], subscribe).status, 200);
    for over in [
        listen(&deployment, &token),
        send(&deployment, &token, &[], subscribe),
    ] {
        assert_eq!((over.status, code(&over).as_str()), (429, "busy"));
    }
    assert_eq!(sent(&deployment), 4);
    for at in 0..4 {
        let shown = send(&deployment, &token, &[], PING);
        assert_eq!(
            (shown.status, shown.header("content-type")),
            (200, Some("text/event-stream")),
            "{at}"
        );
    }
    assert_eq!(send(&deployment, &token, &[], PING).status, 429);
    assert_eq!(sent(&deployment), 8);
    let document = [
        ("x-target-method", "GET"),
        ("x-target-header-accept", "application/json"),
    ];
    deployment.passed_on(7, 10);
    assert_eq!(send(&deployment, &token, &document, "").status, 200);
    deployment.passed_on(0, 10);
    assert_eq!(listen(&deployment, &token).status, 200);
}

#[test]
fn the_slot_of_a_worker_that_crashed_is_free_after_a_minute() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for at in 0..8 {
        assert_eq!(send(&deployment, &token, &[], PING).status, 200, "{at}");
    }
    for _ in 0..4 {
        deployment.pass_ms(10_000);
        assert!(deployment.goes_on(0));
        deployment.restart();
    }
    deployment.pass_ms(20_000);
    for expected in [200, 200, 200, 200, 200, 200, 200, 429] {
        assert_eq!(
            send(&deployment, &relay_token(&deployment, "ann"), &[], PING).status,
            expected,
            "one is under way yet"
        );
    }
}

#[test]
fn a_name_without_an_address_frees_the_slot_of_its_request() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    let names = ("nobody.example".to_owned(), Vec::new());
    deployment.names.borrow_mut().extend([names]);
    for _ in 0..10 {
        let nobody = [("x-target-url", "https://nobody.example/")];
        let shown = send(&deployment, &token, &nobody, PING);
        assert_eq!((shown.status, code(&shown).as_str()), (502, "name"));
    }
    assert_eq!(send(&deployment, &token, &[], PING).status, 200);
}

#[test]
fn the_row_of_relayed_requests_is_deleted_an_hour_after_the_last() {
    let mut world = World::new(1, Hooks::default());
    let grant = world.granted();
    let begin = GrantCommand::BeginRelay {
        grant,
        id: "a".to_owned(),
        stays_open: false,
    };
    world.run(begin).unwrap();
    assert!(world.outside.rows.counted(CountRow::Relayed).is_some());
    world.outside.kv.pass_ms(3_600_000);
    world.ring();
    world.drain();
    assert!(world.outside.rows.counted(CountRow::Relayed).is_none());
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
        .map(durable_mcp_worker::session::log_line::LogLine::to_json)
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

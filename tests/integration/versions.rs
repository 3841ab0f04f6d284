//! Two versions of a server at once: what the one hands to the other, and cannot be read, is an error that may pass.

mod sign_in;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::keys::{KEY_BYTES, Keys};
use durable_mcp::prelude::*;
use durable_mcp_worker::session::host::Host;
use durable_mcp_worker::transport::internal_headers;
use http::Method;
use oauth_server::secret::sha256_hex;
use oauth_server::testing::SeededRandom;
use oauth_server::token::{GrantId, Token, TokenKind, UserHandle};
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, Shown};
use crate::support::front::Front;
use crate::support::json::{call, request};
use crate::support::object::{Answer, Rig};

fn rig() -> Rig {
    Rig::new(
        Server::new("s", "1").tool("who", "", async |caller: Option<User<Value>>| {
            caller.is_some().to_string()
        }),
    )
}

/// A 503 with words and a time, and nothing of a result.
fn is_of_other_version(answer: &Answer) -> bool {
    let message = answer.json()["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let retry_after = answer
        .headers
        .iter()
        .any(|(name, _)| *name == "retry-after");
    answer.status == 503
        && message.contains("Another version")
        && message.contains("Try again")
        && retry_after
}

#[test]
fn an_unreadable_caller_is_refused_and_not_treated_as_anonymous() {
    let rig = rig();
    assert_eq!(rig.text("who", &json!({})), "false");
    for value in ["", "2.AAAA", "bm90IEpTT04", "e30"] {
        let answer = rig
            .send(
                Method::POST,
                &[(internal_headers::CALLER, value)],
                Ok(call(1, "who", &json!({}))),
            )
            .answer();
        assert!(is_of_other_version(&answer), "{value} {answer:?}");
        let answer = rig
            .send(
                Method::POST,
                &[(internal_headers::TRANSPORT, value)],
                Ok(call(1, "who", &json!({}))),
            )
            .answer();
        assert!(is_of_other_version(&answer), "{value} {answer:?}");
    }
    assert!(
        rig.host
            .warnings
            .borrow()
            .iter()
            .any(|line| line.contains("caller-header")),
        "operators are told"
    );
}

#[test]
fn an_unreadable_change_does_not_make_the_hub_forget_a_session() {
    let rig = rig();
    rig.get(None);
    let told = |body: &str| {
        rig.send(
            Method::POST,
            &[(internal_headers::TRANSPORT, "notice")],
            Ok(body.to_owned()),
        )
        .answer()
        .status
    };
    assert_eq!(told("tools"), 202);
    assert_eq!(told("a change of the future"), 503);
    rig.host.memory().set_broken(true);
    rig.restart();
    assert_ne!(
        told("tools"),
        410,
        "storage that fails says nothing of the session"
    );
}

#[test]
fn a_stream_whose_stored_client_is_unreadable_is_refused() {
    let rig = Rig::over_sse(Server::new("s", "1").tool("plain", "", async || "plain"));
    let tag = rig.get(None);
    let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "c" } });
    assert_eq!(
        rig.post(request(0, "initialize", &client)).answer().status,
        202
    );
    assert_eq!(rig.messages(&tag).len(), 1);
    let own = rig.host.attachment(&tag).unwrap();
    for later in ["2", "2027-01-01 3 Inspector", "2024-11-05 x Inspector"] {
        rig.host.attach(&tag, later);
        let answer = rig.post(call(1, "plain", &json!({}))).answer();
        assert!(is_of_other_version(&answer), "{later}: {answer:?}");
        assert_eq!(rig.messages(&tag), [Value::Null; 0], "{later}");
        assert_eq!(rig.host.attachment(&tag).as_deref(), Some(later));
    }
    assert!(
        rig.host
            .warnings
            .borrow()
            .iter()
            .any(|line| line.contains("sse-attachment")),
        "operators are told"
    );
    rig.host.attach(&tag, &own);
    assert_eq!(rig.post(call(2, "plain", &json!({}))).answer().status, 202);
    assert_eq!(
        rig.messages(&tag)[0]["result"]["content"][0]["text"],
        "plain"
    );
}

/// A session's id with another byte in front, which names the format, signed with the same keys.
fn of_next_format(id: &str, keys: &Keys) -> String {
    let mut message = URL_SAFE_NO_PAD.decode(id).unwrap();
    message.truncate(message.len() - keys.sign(b"").len());
    message[0] += 1;
    let mac = keys.sign(&message);
    message.extend(mac);
    URL_SAFE_NO_PAD.encode(message)
}

#[test]
fn a_session_id_of_another_version_is_answered_503_and_not_404() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let token = browser.let_in(&client, "ann");
    let own = browser.session(&token, "Laptop");
    let later = of_next_format(&own, &deployment.keys());
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let mut answers: Vec<_> = [Method::POST, Method::GET, Method::DELETE]
        .map(|method| browser.call(method, &token, Some(&later), &ping))
        .into();
    let (url, bearer) = (
        format!("/sse/message?{}={later}", internal_headers::SESSION_ID),
        format!("Bearer {token}"),
    );
    answers.push(browser.send(
        Method::POST,
        &url,
        &ping.to_string(),
        &[("authorization", &bearer)],
    ));
    for answer in answers {
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("2")),
            "{answer:?}"
        );
        assert!(
            answer.text.contains("Another version") && answer.text.contains("Try again"),
            "{answer:?}"
        );
    }
    assert!(deployment.has_logged("session-id"), "operators are told");
    assert_eq!(browser.called(&token, &own), 200, "and the session goes on");
}

#[test]
fn a_token_under_a_key_not_known_yet_is_answered_503() {
    let deployment = Deployment::new();
    deployment.awaits_keys.set(true);
    let client =
        deployment.register(&json!({ "grant_types": ["authorization_code", "refresh_token"] }));
    let newer = Keys::generate([9; KEY_BYTES], 0);
    let (handle, random) = (
        UserHandle::of(&deployment.keys(), "u"),
        SeededRandom::new(9),
    );
    let issue = |kind| {
        let grant = GrantId::random(&random).unwrap();
        Token::issue(kind, &handle, &grant, &newer, &random)
            .unwrap()
            .text()
            .to_owned()
    };
    let mut browser = Browser::new(&deployment);
    let passes = |shown: &Shown| {
        shown.status == 503
            && shown.header("retry-after").is_some()
            && shown.text.contains("Send the same request again")
    };
    let refresh = issue(TokenKind::Refresh);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("refresh_token", &refresh),
    ];
    let answer = browser.post("/token", &form);
    assert!(passes(&answer), "{answer:?}");
    let code = issue(TokenKind::Code);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", &code),
    ];
    let answer = browser.post("/token", &form);
    assert!(passes(&answer), "{answer:?}");
    let access = issue(TokenKind::Access);
    let answer = browser.call(Method::POST, &access, None, &json!({}));
    assert!(passes(&answer), "{answer:?}");
    let answer = browser.post(
        "/revoke",
        &[("client_id", client.as_str()), ("token", &access)],
    );
    assert!(passes(&answer), "{answer:?}");
}

#[test]
fn an_access_record_of_another_version_is_not_an_ended_token() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let token = browser.let_in(&client, "ann");
    let (key, record) = deployment
        .records()
        .into_iter()
        .find(|(_, value)| value.contains("sealed"))
        .unwrap();
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for later in [
        record.replacen("\"v\":1", "\"v\":2", 1),
        "{}".to_owned(),
        "later".to_owned(),
    ] {
        deployment.set_record(&key, &later);
        browser.pass_ms(2000);
        let answer = browser.call(Method::POST, &token, None, &message);
        assert_eq!(answer.status, 503, "{later}: {answer:?}");
        assert_eq!(deployment.records().get(&key), Some(&later), "it stays");
    }
    deployment.set_record(&key, &record);
    browser.pass_ms(2000);
    assert_ne!(
        browser.call(Method::POST, &token, None, &message).status,
        503
    );
}

#[test]
fn a_client_record_of_another_version_is_not_an_unknown_client() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let (key, record) = deployment
        .records()
        .into_iter()
        .find(|(key, _)| key.starts_with("client:"))
        .unwrap();
    let later = record.replacen("\"v\":1", "\"v\":2", 1);
    deployment.set_record(&key, &later);
    let mut browser = Browser::new(&deployment);
    browser.pass_ms(60_000);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", "x"),
    ];
    assert_eq!(browser.post("/token", &form).status, 503);
    assert!(deployment.has_logged("client-record"), "operators are told");
    assert_eq!(browser.asked(&client, &[]).status, 503);
    assert_eq!(deployment.records().get(&key), Some(&later));
}

#[test]
fn a_task_of_another_version_is_kept_and_not_unknown() {
    for later in ["2", "[]"] {
        let server =
            Server::new("s", "1").with(Tool::new("work", "", async || "done").task_optional());
        let front = Front::new(server).knowing_tasks();
        let begun: Value = front.result("tools/call", &json!({ "name": "work", "arguments": {} }));
        let id = begun["taskId"].as_str().unwrap();
        front.set_task_records(later);
        front.restart();
        for method in ["tasks/get", "tasks/cancel"] {
            let answer = front.ask(method, &json!({ "taskId": id })).answer();
            assert!(is_of_other_version(&answer), "{method}: {answer:?}");
        }
        front.advance(100 * 24 * 3600 * 1000);
        assert_eq!(front.task_records(), [later]);
    }
}

#[test]
fn a_token_whose_record_has_its_former_key_still_works() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let token = browser.let_in(&client, "ann");
    let (key, record) = deployment
        .records()
        .into_iter()
        .find(|(key, _)| key.starts_with("token::"))
        .unwrap();
    deployment.delete_record(&key);
    browser.pass_ms(2000);
    assert_eq!(
        browser.call(Method::POST, &token, None, &json!({})).status,
        401
    );
    deployment.set_record(&key.replacen("token::", "token:", 1), &record);
    assert_ne!(
        browser.call(Method::POST, &token, None, &json!({})).status,
        401
    );
}

/// A token in the shape of those of workers-oauth-provider, of a user with that id.
fn legacy_token(user: &str) -> String {
    format!("{user}:{}:{}", "g".repeat(16), "s".repeat(32))
}

#[test]
fn a_legacy_token_reaches_no_store_without_the_takeover() {
    let deployment = Deployment::new();
    let client =
        deployment.register(&json!({ "grant_types": ["authorization_code", "refresh_token"] }));
    let (mut browser, token) = (Browser::new(&deployment), legacy_token("ann"));
    browser.asked(&client, &[]);
    let gets = deployment.gets_of("ann");
    assert_eq!(
        browser.call(Method::POST, &token, None, &json!({})).status,
        401
    );
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("refresh_token", &token),
    ];
    let refused = browser.post("/token", &form);
    assert!(
        refused.status == 400 && refused.text.contains("invalid_grant"),
        "{refused:?}"
    );
    assert_eq!(
        browser
            .post(
                "/revoke",
                &[("client_id", client.as_str()), ("token", &token)]
            )
            .status,
        200
    );
    assert_eq!(deployment.gets_of("ann"), gets);
}

#[test]
fn lookups_of_made_up_legacy_tokens_are_limited_during_the_takeover() {
    let deployment = Deployment::taking_over();
    let mut browser = Browser::new(&deployment);
    let statuses: Vec<_> = (0..40)
        .map(|at| {
            browser
                .call(
                    Method::POST,
                    &legacy_token(&format!("ann{at}")),
                    None,
                    &json!({}),
                )
                .status
        })
        .collect();
    assert!(
        statuses[..20].iter().all(|status| *status == 401),
        "{statuses:?}"
    );
    assert!(
        statuses[20..].iter().all(|status| *status == 503),
        "{statuses:?}"
    );
    assert_eq!(deployment.gets_of("ann"), 20);
}

#[test]
fn an_unreadable_legacy_record_ends_no_grant() {
    let deployment = Deployment::taking_over();
    let client =
        deployment.register(&json!({ "grant_types": ["authorization_code", "refresh_token"] }));
    let (mut browser, token) = (Browser::new(&deployment), legacy_token("ann"));
    let grant = format!("grant:ann:{}", "g".repeat(16));
    let access = format!("token:ann:{}:{}", "g".repeat(16), sha256_hex(&token));
    for key in [&grant, &access] {
        deployment.set_record(key, r#"{"of":"the future"}"#);
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("refresh_token", &token),
    ];
    assert_eq!(browser.post("/token", &form).status, 503);
    assert_eq!(
        browser.call(Method::POST, &token, None, &json!({})).status,
        503
    );
    for what in ["record of a grant", "record of a token"] {
        assert!(deployment.has_logged(what), "{what}");
    }
    assert!(
        [&grant, &access]
            .iter()
            .all(|key| deployment.records().contains_key(*key))
    );
}

#[test]
fn a_legacy_user_named_like_a_handle_reaches_no_own_record() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let token = browser.let_in(&client, "ann");
    let handle = token.split(':').next().unwrap();
    let of_legacy = [format!("token:{handle}:"), format!("grant:{handle}:")];
    let records = deployment.records();
    assert!(
        records
            .keys()
            .all(|key| of_legacy.iter().all(|prefix| !key.starts_with(prefix))),
        "{records:?}"
    );
}

//! `POST /operator`: an operator lists and ends users' grants, and no other caller does.

use std::cell::RefCell;
use std::rc::Rc;

use http::Method;
use oauth_server::event::Event;
use oauth_server::token::UserHandle;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN, Shown};

const TOKEN: &str = "an-operators-token-of-32-letters";
const OTHER: &str = "the-next-operators-token-of-them";

fn deployment() -> Deployment {
    Deployment::with_variables(&[("OPERATOR_TOKEN", &format!("{TOKEN} {OTHER}"))])
}

/// Sends a request of an operator with that token.
fn send(deployment: &Deployment, token: &str, body: &Value) -> Shown {
    let bearer = format!("Bearer {token}");
    Browser::new(deployment).send(
        Method::POST,
        "/operator",
        &body.to_string(),
        &[("authorization", &bearer)],
    )
}

/// The answer to an operator.
fn told(deployment: &Deployment, body: &Value) -> Value {
    let shown = send(deployment, TOKEN, body);
    assert_eq!(shown.status, 200, "{shown:?}");
    serde_json::from_str(&shown.text).unwrap()
}

fn takes(deployment: &Deployment, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    Browser::new(deployment)
        .send(Method::POST, "/mcp", "{}", &[("authorization", &bearer)])
        .status
        != 401
}

fn list(user: &str) -> Value {
    json!({ "do": "list", "user": user })
}

#[test]
fn an_operator_lists_a_users_grants_with_their_sessions() {
    let deployment = deployment();
    let client = deployment.register(&json!({ "client_name": "Editor" }));
    let mut browser = Browser::new(&deployment);
    let token = browser.let_in(&client, "ann");
    browser.session(&token, "Laptop");
    let answer = told(&deployment, &list("stand-in:ann"));
    let handle = UserHandle::of(&deployment.keys(), "stand-in:ann");
    assert_eq!(answer["handle"], handle.as_str());
    let [grant] = &answer["grants"].as_array().unwrap()[..] else {
        panic!("{answer}")
    };
    assert_eq!(
        (&grant["client_id"], &grant["client_name"]),
        (&json!(client), &json!("Editor"))
    );
    assert_eq!(grant["resources"], json!([ORIGIN]));
    let [session] = &grant["sessions"].as_array().unwrap()[..] else {
        panic!("{grant}")
    };
    assert_eq!(session["client"], "Laptop 1.2.3");
    for time in [
        &grant["created"],
        &grant["used"],
        &grant["expires"],
        &session["began"],
        &session["expires"],
    ] {
        assert!(
            time.as_u64().is_some_and(|time| time >= 1_700_000_000_000),
            "{grant}"
        );
    }
    // By the handle of a line in the log the same is found.
    assert_eq!(
        told(
            &deployment,
            &json!({ "do": "list", "handle": handle.as_str() })
        ),
        answer
    );
    assert_eq!(
        told(&deployment, &list("stand-in:nobody"))["grants"],
        json!([])
    );
}

#[test]
fn an_operator_ends_a_session_a_grant_and_all_grants() {
    let deployment = deployment();
    let clients = ["Editor", "Chat", "Third"]
        .map(|name| deployment.register(&json!({ "client_name": name })));
    let mut browser = Browser::new(&deployment);
    let tokens = clients.map(|client| browser.let_in(&client, "ann"));
    let other = deployment.register(&json!({ "client_name": "Other" }));
    let stranger = browser.let_in(&other, "bob");
    browser.session(&tokens[0], "Laptop");

    let before = told(&deployment, &list("stand-in:ann"));
    let by_name = |name: &str| {
        before["grants"]
            .as_array()
            .unwrap()
            .iter()
            .find(|grant| grant["client_name"] == name)
    };
    let editor = by_name("Editor").unwrap();
    let (grant, session) = (&editor["grant"], &editor["sessions"][0]["session"]);
    let request =
        json!({ "do": "end-session", "user": "stand-in:ann", "grant": grant, "session": session });
    let after = told(&deployment, &request);
    assert_eq!(after["grants"].as_array().unwrap().len(), 3);
    assert_eq!(
        (
            deployment.ended.borrow().len(),
            takes(&deployment, &tokens[0])
        ),
        (1, true)
    );

    assert_eq!(after["found"], true);
    // One that has ended before, and one that there never was, is not found.
    let again = told(&deployment, &request);
    assert_eq!(
        (again["found"].clone(), again["grants"].clone()),
        (json!(false), after["grants"].clone())
    );

    let end = json!({ "do": "end", "user": "stand-in:ann", "grant": grant });
    let after = told(&deployment, &end);
    assert_eq!(
        (
            after["grants"].as_array().unwrap().len(),
            after["found"].clone()
        ),
        (2, json!(true)),
        "{after}"
    );
    let again = told(&deployment, &end);
    assert_eq!(
        (again["found"].clone(), again["grants"].clone()),
        (json!(false), after["grants"].clone())
    );
    assert_eq!(
        tokens.each_ref().map(|token| takes(&deployment, token)),
        [false, true, true]
    );

    // A grant of another user is no grant of this one.
    let handle = UserHandle::of(&deployment.keys(), "stand-in:bob");
    let others = told(
        &deployment,
        &json!({ "do": "list", "handle": handle.as_str() }),
    )["grants"][0]["grant"]
        .clone();
    let foreign = told(
        &deployment,
        &json!({ "do": "end", "user": "stand-in:ann", "grant": others }),
    );
    assert_eq!(foreign["found"], false);
    assert!(takes(&deployment, &stranger));

    let after = told(
        &deployment,
        &json!({ "do": "end-all", "user": "stand-in:ann" }),
    );
    assert_eq!(
        (&after["grants"], &after["found"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(
        tokens.each_ref().map(|token| takes(&deployment, token)),
        [false; 3]
    );
    assert!(takes(&deployment, &stranger));
    told(
        &deployment,
        &json!({ "do": "end-all", "handle": handle.as_str() }),
    );
    assert!(!takes(&deployment, &stranger));
}

#[test]
fn a_request_without_a_valid_operator_token_is_refused() {
    let deployment = deployment();
    let client = deployment.register(&json!({}));
    let access = Browser::new(&deployment).let_in(&client, "ann");
    let mut browser = Browser::new(&deployment);
    let all = json!({ "do": "end-all", "user": "stand-in:ann" }).to_string();
    let almost = format!("Bearer {}", &TOKEN[..31]);
    let (more, both) = (
        format!("Bearer {TOKEN}x"),
        format!("Bearer {TOKEN} {OTHER}"),
    );
    let (users, basic) = (format!("Bearer {access}"), format!("Basic {TOKEN}"));
    for shown in [
        "", "Bearer", "Bearer  ", TOKEN, &almost, &more, &both, &users, &basic,
    ] {
        let refused = browser.send(Method::POST, "/operator", &all, &[("authorization", shown)]);
        assert_eq!(refused.status, 401, "{shown}: {refused:?}");
        assert!(
            refused
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
        assert!(
            !refused.text.contains("grants") && !refused.text.contains(TOKEN),
            "{refused:?}"
        );
    }
    // A cookie and a parameter are no token.
    let url = format!("/operator?access_token={TOKEN}");
    assert_eq!(browser.send(Method::POST, &url, &all, &[]).status, 401);
    let body = json!({ "do": "list", "user": "stand-in:ann", "token": TOKEN }).to_string();
    assert_eq!(
        browser.send(Method::POST, "/operator", &body, &[]).status,
        401
    );
    assert!(takes(&deployment, &access));
    assert!(!deployment.has_logged(TOKEN));
}

#[test]
fn each_of_several_operator_tokens_is_accepted() {
    let deployment = deployment();
    for token in [TOKEN, OTHER] {
        assert_eq!(send(&deployment, token, &list("stand-in:ann")).status, 200);
    }
    // The scheme's name has no case (RFC 9110 section 11.1).
    let bearer = format!("bearer {TOKEN}");
    let mut browser = Browser::new(&deployment);
    let body = list("stand-in:ann").to_string();
    assert_eq!(
        browser
            .send(
                Method::POST,
                "/operator",
                &body,
                &[("authorization", &bearer)]
            )
            .status,
        200
    );
}

#[test]
fn a_page_cannot_use_an_operators_token() {
    let origins = [ORIGIN, "https://app.example", "null"];
    let variables = [("OPERATOR_TOKEN", TOKEN), ("ALLOWED_ORIGINS", "*")];
    for deployment in [Deployment::with_variables(&variables), deployment()] {
        for origin in origins {
            let (bearer, body) = (format!("Bearer {TOKEN}"), list("stand-in:ann").to_string());
            let headers = [("authorization", bearer.as_str()), ("origin", origin)];
            let refused =
                Browser::new(&deployment).send(Method::POST, "/operator", &body, &headers);
            assert_eq!(refused.status, 403, "{origin}: {refused:?}");
        }
    }
}

#[test]
fn the_operator_route_serves_only_post_over_https() {
    let deployment =
        Deployment::with_variables(&[("OPERATOR_TOKEN", TOKEN), ("ALLOWED_HOSTS", "box.lan")]);
    let bearer = format!("Bearer {TOKEN}");
    for method in [Method::GET, Method::HEAD, Method::DELETE, Method::PUT] {
        let mut browser = Browser::new(&deployment);
        let refused = browser.send(
            method.clone(),
            "/operator",
            "",
            &[("authorization", &bearer)],
        );
        assert_eq!(refused.status, 405, "{method}");
    }
    for (origin, status) in [
        ("http://box.lan", 403),
        ("http://localhost:8787", 200),
        ("https://box.lan", 200),
    ] {
        let mut browser = Browser::new(&deployment);
        origin.clone_into(&mut browser.origin);
        let body = list("stand-in:ann").to_string();
        let shown = browser.send(
            Method::POST,
            "/operator",
            &body,
            &[("authorization", &bearer)],
        );
        assert_eq!(shown.status, status, "{origin}: {shown:?}");
    }
}

#[test]
fn too_many_wrong_operator_tokens_are_limited_for_a_while() {
    let deployment = deployment();
    let mut wrong = (0..20).map(|_| send(&deployment, "wrong", &list("stand-in:ann")).status);
    assert_eq!(wrong.by_ref().take(10).collect::<Vec<_>>(), [401; 10]);
    assert!(wrong.all(|status| status == 429));
    let waiting = send(&deployment, TOKEN, &list("stand-in:ann"));
    assert_eq!(waiting.status, 429);
    let seconds: u64 = waiting.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    deployment.pass_ms(seconds * 1000);
    assert_eq!(send(&deployment, TOKEN, &list("stand-in:ann")).status, 200);
}

#[test]
fn the_operator_route_exists_only_if_a_token_is_set() {
    for variables in [&[][..], &[("OPERATOR_TOKEN", " \n")]] {
        let deployment = Deployment::with_variables(variables);
        assert_eq!(send(&deployment, TOKEN, &list("stand-in:ann")).status, 404);
        assert_eq!(send(&deployment, "", &list("stand-in:ann")).status, 404);
    }
}

#[test]
fn a_guessable_operator_token_closes_the_route_and_says_why() {
    for token in ["changeme", &format!("{TOKEN} changeme")] {
        let deployment = Deployment::with_variables(&[("OPERATOR_TOKEN", token)]);
        for shown in ["changeme", TOKEN, "other"] {
            let refused = send(&deployment, shown, &list("stand-in:ann"));
            assert_eq!(refused.status, 503, "{refused:?}");
            assert!(
                refused
                    .text
                    .contains("OPERATOR_TOKEN has a token of fewer than 32 characters"),
                "{refused:?}"
            );
            assert!(!refused.text.contains("changeme"));
        }
        // Everybody else is served: the token protects nothing of theirs.
        assert_eq!(
            Browser::new(&deployment)
                .send(Method::POST, "/mcp", "{}", &[])
                .status,
            401
        );
    }
}

#[test]
fn a_malformed_operator_request_is_told_the_right_form() {
    let deployment = deployment();
    let user = "stand-in:ann";
    for body in [
        json!({}),
        json!([]),
        json!(["list", user, null, null, null]),
        json!({ "do": "list" }),
        json!({ "do": "list", "user": "" }),
        json!({ "do": "list", "user": user, "handle": UserHandle::of(&deployment.keys(), user).as_str() }),
        json!({ "do": "list", "handle": "../../x" }),
        json!({ "do": "list", "user": user, "grant": "g" }),
        json!({ "do": "end", "user": user }),
        json!({ "do": "end-all", "user": user, "grant": "g" }),
        json!({ "do": "end-session", "user": user, "grant": "g" }),
        json!({ "do": "drop", "user": user }),
        json!({ "do": "end-all", "users": user }),
    ] {
        let refused = send(&deployment, TOKEN, &body);
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(
            refused.text.contains("\\\"do\\\":\\\"list\\\""),
            "{refused:?}"
        );
    }
    let long = json!({ "do": "list", "user": "x".repeat(9000) });
    assert_eq!(send(&deployment, TOKEN, &long).status, 413);
}

#[test]
fn failing_storage_is_answered_503_to_an_operator() {
    let deployment = deployment();
    deployment.is_down.set(true);
    let refused = send(
        &deployment,
        TOKEN,
        &json!({ "do": "end-all", "user": "stand-in:ann" }),
    );
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("2"))
    );
    assert_eq!(*deployment.log.borrow(), ["the object is away"]);
}

#[test]
fn the_event_hook_receives_actions_of_operators() {
    let events: Rc<RefCell<Vec<Event>>> = Rc::default();
    let heard = Rc::clone(&events);
    let set_up = move |event: &Event| heard.borrow_mut().push(event.clone());
    let deployment =
        Deployment::set_up_with(|oauth| oauth.on_event(set_up), &[("OPERATOR_TOKEN", TOKEN)]);
    told(
        &deployment,
        &json!({ "do": "end", "user": "stand-in:ann", "grant": "g" }),
    );
    told(
        &deployment,
        &json!({ "do": "end-session", "user": "stand-in:ann", "grant": "g", "session": "s" }),
    );
    send(&deployment, "wrong", &list("stand-in:ann"));
    let handle = UserHandle::of(&deployment.keys(), "stand-in:ann")
        .as_str()
        .to_owned();
    let event = |action: &str, session: Option<&str>| Event::Operator {
        action: action.to_owned(),
        handle: handle.clone(),
        grant: Some("g".to_owned()),
        session: session.map(str::to_owned),
    };
    assert_eq!(
        *events.borrow(),
        [event("end", None), event("end-session", Some("s"))]
    );
}

//! Remembered consents: the same request is not asked again, and any other one is.

use serde_json::json;

use super::{deployment, is_code, is_consent};
use crate::support::browser::{Browser, Deployment, REDIRECT, UPSTREAM};

/// A browser in which Ann has let a client in, to read.
fn agreed<'a>(deployment: &'a Deployment, client: &str) -> Browser<'a> {
    let mut browser = Browser::new(deployment);
    let page = browser.asked(client, &[]);
    assert!(is_code(&browser.approved(&page, "ann")));
    browser
}

#[test]
fn a_user_is_not_asked_twice_for_the_same_consent() {
    let (deployment, client) = deployment();
    let mut browser = agreed(&deployment, &client);
    let left = browser.asked(&client, &[]);
    assert!(left.location().starts_with(UPSTREAM), "{left:?}");
    assert!(is_code(&browser.back(&left.sent("state").unwrap(), "ann")));
}

#[test]
fn any_other_request_needs_consent() {
    let (deployment, client) = deployment();
    let two = [REDIRECT, "https://client.example/other"];
    let client = {
        let _ = client;
        deployment.register(&json!({ "client_name": "Editor", "redirect_uris": two }))
    };
    let namesake = deployment.register(
        &json!({ "client_name": "Editor", "redirect_uris": two, "contacts": ["m@evil"] }),
    );
    let mut browser = agreed(&deployment, &client);
    assert_ne!(client, namesake);
    for (what, client, more) in [
        ("another client of that name", &namesake, vec![]),
        ("another redirect", &client, vec![("redirect_uri", two[1])]),
        ("another scope", &client, vec![("scope", "write")]),
        ("one more scope", &client, vec![("scope", "read write")]),
        ("all scopes", &client, vec![("scope", "")]),
        (
            "another resource",
            &client,
            vec![("resource", "https://mcp.example/mcp")],
        ),
        (
            "who says that one is to be asked",
            &client,
            vec![("prompt", "consent")],
        ),
        (
            "who says that one is to sign in",
            &client,
            vec![("prompt", "login")],
        ),
    ] {
        let page = browser.asked(client, &more);
        assert!(is_consent(&page), "{what}: {page:?}");
    }
    assert!(browser.asked(&client, &[]).location().starts_with(UPSTREAM));
}

#[test]
fn another_user_of_the_same_browser_is_asked_for_consent() {
    let (deployment, client) = deployment();
    let mut browser = agreed(&deployment, &client);
    let state = browser.asked(&client, &[]).sent("state").unwrap();
    let page = browser.back(&state, "bob");
    assert!(is_consent(&page), "{page:?}");
    assert!(is_code(&browser.approved(&page, "bob")));
    for person in ["ann", "bob"] {
        let state = browser.asked(&client, &[]).sent("state").unwrap();
        assert!(is_code(&browser.back(&state, person)), "{person}");
    }
}

#[test]
fn a_consent_that_is_not_to_be_remembered_is_asked_for_again() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let fields = [
        ("flow", &*page.field("flow")),
        ("csrf", &page.field("csrf")),
        ("decision", "approve"),
    ];
    let state = browser.post("/authorize", &fields).sent("state").unwrap();
    assert!(is_code(&browser.back(&state, "ann")));
    assert!(is_consent(&browser.asked(&client, &[])));
}

#[test]
fn a_client_on_the_users_device_needs_consent_each_time() {
    let deployment = Deployment::new();
    for redirect in [
        "http://127.0.0.1:33418/cb",
        "cursor://anysphere.cursor-mcp/cb",
    ] {
        let client = deployment.register(&json!({ "redirect_uris": [redirect] }));
        let mut browser = Browser::new(&deployment);
        for _ in 0..2 {
            let page = browser.asked(&client, &[("redirect_uri", redirect)]);
            assert!(
                is_consent(&page) && page.text.contains("class=\"warning\""),
                "{page:?}"
            );
            assert!(!page.text.contains("name=\"remember\""));
            assert!(
                browser
                    .approved(&page, "ann")
                    .location()
                    .starts_with(redirect)
            );
        }
        assert!(browser.cookies.is_empty());
    }
}

/// Disconnects from another browser by what the page of the account offers.
fn disconnect(deployment: &Deployment, person: &str, what: &str) {
    let mut elsewhere = Browser::new(deployment);
    let page = elsewhere.account(person);
    let (grant, csrf) = (page.field("grant"), page.field("csrf"));
    elsewhere.post(
        "/account",
        &[("do", what), ("grant", &grant), ("csrf", &csrf)],
    );
}

#[test]
fn a_disconnected_client_needs_consent_again_in_every_browser() {
    for what in ["end", "end-all"] {
        let (deployment, client) = deployment();
        let [mut one, mut two] = [(); 2].map(|()| agreed(&deployment, &client));
        for browser in [&mut one, &mut two] {
            let state = browser.asked(&client, &[]).sent("state").unwrap();
            assert!(is_code(&browser.back(&state, "ann")));
        }
        let token = one
            .asked(&client, &[])
            .sent("state")
            .map(|state| one.back(&state, "ann"))
            .unwrap();
        one.redeemed(&client, &token);
        one.pass_ms(1);
        disconnect(&deployment, "ann", what);
        one.pass_ms(1);
        for browser in [&mut one, &mut two] {
            let state = browser.asked(&client, &[]).sent("state").unwrap();
            let page = browser.back(&state, "ann");
            assert!(is_consent(&page), "{what}: {page:?}");
            // A consent from now is good again.
            assert!(is_code(&browser.approved(&page, "ann")));
            let state = browser.asked(&client, &[]).sent("state").unwrap();
            assert!(is_code(&browser.back(&state, "ann")));
        }
    }
}

#[test]
fn a_disconnect_leaves_consents_for_other_clients_and_of_other_users() {
    let (deployment, client) = deployment();
    let other = deployment.register(&json!({ "client_name": "Other" }));
    let mut browser = agreed(&deployment, &other);
    for person in ["ann", "bob"] {
        browser.let_in(&client, person);
    }
    browser.pass_ms(1);
    disconnect(&deployment, "bob", "end");
    browser.pass_ms(1);
    for client in [&client, &other] {
        let state = browser.asked(client, &[]).sent("state").unwrap();
        assert!(is_code(&browser.back(&state, "ann")));
    }
    let state = browser.asked(&client, &[]).sent("state").unwrap();
    assert!(is_consent(&browser.back(&state, "bob")));
}

#[test]
fn a_sign_in_from_before_a_disconnect_needs_consent_again() {
    let (deployment, client) = deployment();
    let mut browser = agreed(&deployment, &client);
    browser.let_in(&client, "ann");
    let page = browser.asked(&client, &[("prompt", "consent")]);
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    browser.pass_ms(1);
    disconnect(&deployment, "ann", "end");
    let page = browser.back(&state, "ann");
    assert!(is_consent(&page), "{page:?}");
    browser.pass_ms(1);
    assert!(is_code(&browser.approved(&page, "ann")));
}

#[test]
fn a_denial_is_not_remembered() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    browser.decide(&page, "deny");
    assert!(is_consent(&browser.asked(&client, &[])) && browser.cookies.len() == 1);
}

//! `/account`: a person's clients and sessions, and their disconnection.

use std::rc::Rc;

use http::Method;
use oauth_server::token::UserHandle;
use serde_json::json;
use sign_in::demo::Demo;

use super::{MINUTE_MS, deployment, is_code, is_consent, is_page};
use crate::support::browser::{Browser, Deployment, Shown, StandIn};

fn let_in(browser: &mut Browser<'_>, client: &str, person: &str) -> String {
    let page = browser.asked(client, &[("prompt", "consent")]);
    browser.pass_ms(1000);
    let back = browser.approved(&page, person);
    assert!(is_code(&back));
    browser.redeemed(client, &back)
}

/// True if a token is accepted. The request names no session, so an accepted one fails later, with another status.
fn takes(browser: &mut Browser<'_>, token: &str) -> bool {
    let bearer = format!("Bearer {token}");
    browser
        .send(Method::POST, "/mcp", "{}", &[("authorization", &bearer)])
        .status
        != 401
}

fn told(browser: &mut Browser<'_>, page: &Shown, fields: &[(&str, &str)]) -> Shown {
    let csrf = page.field("csrf");
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    browser.post("/account", &all)
}

#[test]
fn a_user_sees_only_their_own_connected_clients() {
    let deployment = Deployment::new();
    let [editor, chat] =
        ["Editor", "Chat"].map(|name| deployment.register(&json!({ "client_name": name })));
    let mut browser = Browser::new(&deployment);
    assert!(browser.get("/account").text.contains("Stand-in"));
    let_in(&mut browser, &editor, "ann");
    let_in(&mut browser, &chat, "bob");
    let page = browser.account("ann");
    assert!(is_page(&page, 200));
    for shown in [
        "Editor",
        "Read &#60;notes&#62;",
        "2023-11-14",
        "<bdi>ann</bdi>",
    ] {
        assert!(page.text.contains(shown), "no {shown}: {}", page.text);
    }
    assert!(!page.text.contains("Chat"));
}

#[test]
fn a_disconnected_client_loses_access_and_others_keep_theirs() {
    let deployment = Deployment::new();
    let clients = ["Editor", "Chat", "Third"]
        .map(|name| deployment.register(&json!({ "client_name": name })));
    let mut browser = Browser::new(&deployment);
    let tokens = clients.map(|client| let_in(&mut browser, &client, "ann"));
    assert!(tokens.iter().all(|token| takes(&mut browser, token)));
    let page = browser.account("ann");
    // The newest first.
    let grant = page.field("grant");
    let done = told(&mut browser, &page, &[("do", "end"), ("grant", &grant)]);
    assert_eq!((done.status, done.location()), (303, "/account?done=end"));
    let page = browser.get("/account?done=end");
    assert!(
        page.text.contains("Editor") && page.text.contains("Chat") && !page.text.contains("Third")
    );
    assert!(page.text.contains("role=\"status\""));
    assert_eq!(
        tokens.each_ref().map(|token| takes(&mut browser, token)),
        [true, true, false]
    );
    told(&mut browser, &page, &[("do", "end-all")]);
    assert!(!browser.get("/account").text.contains("name=\"grant\""));
    assert!(!tokens.iter().any(|token| takes(&mut browser, token)));
}

#[test]
fn an_account_form_without_the_users_own_token_does_nothing() {
    let (deployment, client) = deployment();
    let (mut ann, mut bob) = (Browser::new(&deployment), Browser::new(&deployment));
    let_in(&mut ann, &client, "ann");
    let page = ann.account("ann");
    let grant = page.field("grant");
    let other = bob.account("bob");
    for csrf in ["", "x", &other.field("csrf")] {
        for what in ["end", "end-all", "forget", "sign-out"] {
            let refused = ann.post(
                "/account",
                &[("do", what), ("grant", &grant), ("csrf", csrf)],
            );
            assert!(is_page(&refused, 403), "{what} {csrf}: {refused:?}");
        }
    }
    told(&mut bob, &other, &[("do", "end"), ("grant", &grant)]);
    told(&mut bob, &other, &[("do", "end-all")]);
    assert!(ann.get("/account").text.contains("Editor"));
    let out = Browser::new(&deployment).post("/account", &[("do", "end-all")]);
    assert_eq!(out.location(), "/account");
}

#[test]
fn remembered_consents_can_be_forgotten() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let_in(&mut browser, &client, "ann");
    assert!(!is_consent(&browser.asked(&client, &[])));
    let page = browser.account("ann");
    told(&mut browser, &page, &[("do", "forget")]);
    assert!(is_consent(&browser.asked(&client, &[])));
    assert!(!browser.get("/account").text.contains("value=\"forget\""));
}

#[test]
fn the_account_page_signs_out_on_request_and_after_half_an_hour() {
    let (deployment, _) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.account("ann");
    told(&mut browser, &page, &[("do", "sign-out")]);
    assert!(browser.get("/account").text.contains("Sign in to see"));
    browser.account("ann");
    deployment.pass_ms(30 * MINUTE_MS);
    assert!(browser.get("/account").text.contains("Sign in to see"));
}

#[test]
fn a_sign_in_to_the_account_page_authorizes_no_client() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let state = browser
        .post("/account", &[("do", "sign-in")])
        .sent("state")
        .unwrap();
    let page = browser.asked(&client, &[]);
    let (flow, csrf) = (&state[..11], page.field("csrf"));
    let refused = browser.post(
        "/authorize",
        &[("flow", flow), ("csrf", &csrf), ("decision", "approve")],
    );
    assert!(is_page(&refused, 400), "{refused:?}");
    assert!(is_page(&browser.back(&state, "stranger"), 403));
}

/// Names of the clients of the sessions on a page, in order.
fn sessions(page: &Shown) -> Vec<String> {
    let parts = page.text.split("<p id=\"session-").skip(1);
    parts
        .map(|part| {
            part.split("<bdi>")
                .nth(1)
                .unwrap()
                .split("</bdi>")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// The key of the first session on a page.
fn newest(page: &Shown) -> [String; 2] {
    [page.field("grant"), page.field("session")]
}

#[test]
fn a_user_sees_the_sessions_of_a_client_and_can_end_one() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let token = let_in(&mut browser, &client, "ann");
    let ids = ["Laptop", "Phone <b>", ""].map(|name| {
        browser.pass_ms(1000);
        browser.session(&token, name)
    });
    let page = browser.account("ann");
    assert_eq!(
        sessions(&page),
        ["1.2.3", "Phone &#60;b&#62; 1.2.3", "Laptop 1.2.3"]
    );
    assert!(
        page.text.contains("2023-11-14 22:13 UTC")
            && page.text.contains("Streamable HTTP, 2025-11-25")
    );
    let [grant, key] = newest(&page);
    let done = told(
        &mut browser,
        &page,
        &[("do", "end-session"), ("grant", &grant), ("session", &key)],
    );
    assert_eq!(
        (done.status, done.location()),
        (303, "/account?done=end-session")
    );
    let page = browser.get("/account?done=end-session");
    assert!(page.text.contains("The session has ended."));
    assert_eq!(sessions(&page), ["Phone &#60;b&#62; 1.2.3", "Laptop 1.2.3"]);
    assert_eq!(
        ids.each_ref().map(|id| browser.called(&token, id)),
        [200, 200, 404]
    );
    // The client ends one itself.
    assert_eq!(
        browser
            .call(Method::DELETE, &token, Some(&ids[0]), &json!({}))
            .status,
        204
    );
    assert_eq!(
        sessions(&browser.get("/account")),
        ["Phone &#60;b&#62; 1.2.3"]
    );
}

#[test]
fn sessions_of_a_disconnected_client_stay_ended_after_a_new_sign_in() {
    for what in ["end", "end-all"] {
        let (deployment, client) = deployment();
        let mut browser = Browser::new(&deployment);
        let token = let_in(&mut browser, &client, "ann");
        let old = browser.session(&token, "Laptop");
        // One that the list did not hear of.
        deployment.is_down.set(true);
        let unlisted = browser.session(&token, "Phone");
        deployment.is_down.set(false);
        assert_eq!(browser.called(&token, &old), 200);
        let page = browser.account("ann");
        assert_eq!(sessions(&page), ["Laptop 1.2.3"]);
        told(
            &mut browser,
            &page,
            &[("do", what), ("grant", &page.field("grant"))],
        );
        assert_eq!(browser.called(&token, &old), 401);
        assert_eq!(
            deployment.ended.borrow().len(),
            1,
            "its streams are closed, and what it kept is deleted"
        );
        let again = let_in(&mut browser, &client, "ann");
        let new = browser.session(&again, "Laptop");
        assert_eq!(
            [&old, &unlisted, &new].map(|id| browser.called(&again, id)),
            [404, 404, 200]
        );
        assert_eq!(
            browser
                .call(Method::DELETE, &again, Some(&unlisted), &json!({}))
                .status,
            404
        );
        // Also within the same second.
        let page = browser.get("/account");
        told(
            &mut browser,
            &page,
            &[("do", what), ("grant", &page.field("grant"))],
        );
        let again = let_in(&mut browser, &client, "ann");
        let newest = browser.session(&again, "Laptop");
        assert_eq!(
            [&new, &newest].map(|id| browser.called(&again, id)),
            [404, 200]
        );
    }
}

#[test]
fn a_client_that_signs_in_again_keeps_its_session() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let token = let_in(&mut browser, &client, "ann");
    let session = browser.session(&token, "Laptop");
    let more = let_in(&mut browser, &client, "ann");
    assert_eq!(browser.called(&more, &session), 200);
}

#[test]
fn a_session_is_ended_only_by_its_user_with_the_form_of_the_page() {
    let (deployment, client) = deployment();
    let (mut ann, mut bob) = (Browser::new(&deployment), Browser::new(&deployment));
    let token = let_in(&mut ann, &client, "ann");
    let id = ann.session(&token, "Laptop");
    let bobs = let_in(&mut bob, &client, "bob");
    let bobs_id = bob.session(&bobs, "Phone");
    let [page, other] = [ann.account("ann"), bob.account("bob")];
    assert_eq!(
        (sessions(&page), sessions(&other)),
        (vec!["Laptop 1.2.3".into()], vec!["Phone 1.2.3".into()])
    );
    let ([grant, key], [bobs_grant, _]) = (newest(&page), newest(&other));
    for csrf in ["", "x", &other.field("csrf")] {
        let fields = [
            ("do", "end-session"),
            ("grant", grant.as_str()),
            ("session", &key),
            ("csrf", csrf),
        ];
        assert!(is_page(&ann.post("/account", &fields), 403), "{csrf}");
    }
    for grant in [&grant, &bobs_grant] {
        told(
            &mut bob,
            &other,
            &[("do", "end-session"), ("grant", grant), ("session", &key)],
        );
    }
    for key in ["", "x", ".", &format!("{}.1", "0f".repeat(32))] {
        told(
            &mut ann,
            &page,
            &[("do", "end-session"), ("grant", &grant), ("session", key)],
        );
    }
    assert!(deployment.ended.borrow().is_empty());
    assert_eq!(
        (ann.called(&token, &id), bob.called(&bobs, &bobs_id)),
        (200, 200)
    );
    assert_eq!(
        ann.called(&token, &bobs_id),
        404,
        "a session of another user is none"
    );
}

#[test]
fn a_session_begins_even_if_it_cannot_be_listed() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let token = let_in(&mut browser, &client, "ann");
    deployment.is_down.set(true);
    let id = browser.session(&token, "Laptop");
    assert_eq!(browser.called(&token, &id), 200);
    assert!(deployment.has_logged("the object is away"));
}

#[test]
fn a_client_with_an_unreadable_grant_is_shown_and_can_be_disconnected() {
    for what in ["end", "end-all"] {
        let deployment = Deployment::new();
        let [editor, chat] =
            ["Editor", "Chat"].map(|name| deployment.register(&json!({ "client_name": name })));
        let mut browser = Browser::new(&deployment);
        let lost = let_in(&mut browser, &editor, "ann");
        let usual = let_in(&mut browser, &chat, "ann");
        let rows = deployment.rows(&UserHandle::of(&deployment.keys(), "stand-in:ann"));
        rows.set(lost.split(':').nth(1).unwrap(), "{\"Later\":{}}");
        deployment.restart();
        let page = browser.account("ann");
        assert!(
            page.text.contains("another version of this server let in")
                && page.text.contains("Chat")
        );
        let grant = lost.split(':').nth(1).unwrap();
        assert_eq!(
            told(&mut browser, &page, &[("do", what), ("grant", grant)]).status,
            303
        );
        assert!(!takes(&mut browser, &lost), "{what}");
        assert_eq!(takes(&mut browser, &usual), what == "end");
        assert!(
            !browser.get("/account").text.contains("another version"),
            "{what}"
        );
    }
}

#[test]
fn the_account_page_signs_out_users_of_a_former_provider() {
    let (mut deployment, _) = deployment();
    deployment.switch_to(Rc::new(Demo));
    let mut browser = Browser::new(&deployment);
    let left = browser.post("/account", &[("do", "sign-in"), ("name", "Ann")]);
    assert_eq!(browser.get(left.location()).location(), "/account");
    assert!(browser.get("/account").text.contains("<bdi>Ann</bdi>"));
    let cookies = browser.cookies;
    deployment.switch_to(Rc::new(StandIn));
    let mut browser = Browser::new(&deployment);
    browser.cookies = cookies;
    let page = browser.get("/account");
    assert!(
        is_page(&page, 200) && !page.text.contains("<bdi>Ann</bdi>"),
        "{page:?}"
    );
    let done = browser.post("/account", &[("do", "end-all"), ("csrf", "x")]);
    assert_eq!((done.status, done.location()), (303, "/account"));
}

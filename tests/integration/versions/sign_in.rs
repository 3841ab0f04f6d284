//! Cookies of browsers, and answers of users' objects, in the format of another version.

use durable_core::seal;

use super::*;

/// A sealed JSON object with a member that this version does not know.
fn with_a_member_more(deployment: &Deployment, purpose: &str, sealed: &str) -> String {
    let json = seal::open_page(&deployment.keys(), purpose, sealed).unwrap();
    let later = String::from_utf8(json)
        .unwrap()
        .replacen('{', "{\"only_on\":\"Mondays\",", 1);
    seal::seal_page(
        &deployment.keys(),
        purpose,
        later.as_bytes(),
        &SeededRandom::new(3),
    )
    .unwrap()
}

/// A page that says to try again, and leaves the browser what it has.
fn is_unavailable(shown: &Shown, browser: &Browser<'_>, later: &str) -> bool {
    shown.status == 503 && browser.cookies.iter().any(|(_, value)| value == later)
}

#[test]
fn a_sign_in_of_another_version_is_unavailable_and_not_expired() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let asked = browser.cookies[0].1.clone();
    let later = with_a_member_more(&deployment, "sign-in", &asked);
    browser.cookies[0].1.clone_from(&later);
    let shown = browser.decide(&page, "approve");
    assert!(is_unavailable(&shown, &browser, &later), "{shown:?}");
    browser.cookies[0].1 = asked;
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    let left = browser.cookies[0].1.clone();
    let later = with_a_member_more(&deployment, "sign-in", &left);
    browser.cookies[0].1.clone_from(&later);
    let shown = browser.back(&state, "ann");
    assert!(is_unavailable(&shown, &browser, &later), "{shown:?}");
    assert!(deployment.has_logged("flow-cookie"), "operators are told");
    browser.cookies[0].1 = left;
    assert!(
        browser.back(&state, "ann").sent("code").is_some(),
        "and the sign-in goes on"
    );
}

#[test]
fn an_account_page_of_another_version_is_unavailable_and_not_signed_out() {
    let deployment = Deployment::new();
    let mut browser = Browser::new(&deployment);
    let page = browser.account("ann");
    let own = browser.cookies.clone();
    let [(_, sealed)] = own.as_slice() else {
        panic!("{own:?}")
    };
    let later = with_a_member_more(&deployment, "account", sealed);
    browser.cookies[0].1.clone_from(&later);
    let csrf = page.field("csrf");
    for shown in [
        browser.get("/account"),
        browser.post("/account", &[("do", "end-all"), ("csrf", &csrf)]),
    ] {
        assert!(is_unavailable(&shown, &browser, &later), "{shown:?}");
    }
    assert!(
        deployment.has_logged("account-cookie"),
        "operators are told"
    );
    browser.cookies = own;
    assert!(
        browser.get("/account").text.contains("<bdi>ann</bdi>"),
        "and the person is signed in"
    );
}

#[test]
fn an_unreadable_outcome_of_a_redemption_is_unavailable_and_keeps_the_code() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let code = browser.approved(&page, "ann").sent("code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", &code),
    ];
    for later in [
        "",
        "{}",
        r#"{"Ok":"Polished"}"#,
        r#"{"Ok":{"Issued":{"access_token":"a"}}}"#,
        r#"{"Err":{"Busy":1}}"#,
    ] {
        *deployment.outcome.borrow_mut() = Some(later.to_owned());
        deployment.log.borrow_mut().clear();
        let answer = browser.post("/token", &form);
        assert_eq!(answer.status, 503, "{later}: {answer:?}");
        assert!(
            answer.header("retry-after").is_some() && !answer.text.contains("invalid_grant"),
            "{answer:?}"
        );
        assert!(deployment.has_logged("grant-outcome"), "operators are told");
    }
}

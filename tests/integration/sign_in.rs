//! Sign-in as a person sees it in the browser, and attacks on it. The identity provider is a stand-in that signs in the
//! person whom the code names.

use std::rc::Rc;

use http::Method;
use serde_json::{Value, json};
use sign_in::demo::Demo;

use crate::support::browser::{Browser, Deployment, ORIGIN, REDIRECT, Shown, StandIn, UPSTREAM};

mod account;
mod attacks;
mod documents;
mod operator;
mod redirects;
mod remembering;
mod scopes;

const MINUTE_MS: u64 = 60_000;

/// A deployment with a client.
fn deployment() -> (Deployment, String) {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({ "client_name": "Editor" }));
    (deployment, client)
}

fn is_page(shown: &Shown, status: u16) -> bool {
    let is_html = shown
        .header("content-type")
        .is_some_and(|media_type| media_type.starts_with("text/html"));
    shown.status == status && is_html && shown.header("location").is_none()
}

fn is_consent(shown: &Shown) -> bool {
    is_page(shown, 200) && shown.text.contains("value=\"approve\"")
}

/// The client gets a code.
fn is_code(shown: &Shown) -> bool {
    let location = shown.header("location").unwrap_or_default();
    location.starts_with(&format!("{REDIRECT}?code="))
        && shown.sent("state").as_deref() == Some("the client's")
}

#[test]
fn a_client_gets_its_code_after_consent_and_sign_in() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    assert!(is_consent(&page), "{page:?}");
    for shown in [
        "Editor",
        "client.example",
        "Read &#60;notes&#62;",
        "Notes",
        "Stand-in",
        "https://mcp.example",
    ] {
        assert!(page.text.contains(shown), "no {shown}: {}", page.text);
    }
    let left = browser.decide(&page, "approve");
    assert_eq!(left.status, 303, "{left:?}");
    assert!(left.location().starts_with(UPSTREAM));
    assert_eq!(
        left.sent("redirect_uri").as_deref(),
        Some("https://mcp.example/callback")
    );
    let back = browser.back(&left.sent("state").unwrap(), "ann");
    assert!(is_code(&back), "{back:?}");
    assert_eq!(back.sent("iss").as_deref(), Some(ORIGIN));
    assert!(
        browser
            .cookies
            .iter()
            .all(|(name, _)| name == "__Host-consent"),
        "{:?}",
        browser.cookies
    );
}

#[test]
fn the_home_page_names_the_identity_provider() {
    let (deployment, _) = deployment();
    assert!(
        Browser::new(&deployment)
            .get("/")
            .text
            .contains("<dd>With Stand-in. ")
    );
}

#[test]
fn a_denied_consent_returns_access_denied_to_the_client() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let denied = browser.decide(&page, "deny");
    assert_eq!(
        (denied.status, denied.sent("error").as_deref()),
        (303, Some("access_denied"))
    );
    assert_eq!(denied.sent("state").as_deref(), Some("the client's"));
    assert!(denied.location().starts_with(REDIRECT) && browser.cookies.is_empty());
    assert!(
        is_page(&browser.decide(&page, "approve"), 400),
        "a page is answered once"
    );
}

#[test]
fn two_tabs_do_not_disturb_each_other() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let [one, two] = [(); 2].map(|()| browser.asked(&client, &[]));
    let [one, two] = [one, two].map(|page| browser.decide(&page, "approve").sent("state").unwrap());
    assert!(is_code(&browser.back(&two, "ann")) && is_code(&browser.back(&one, "ann")));
}

#[test]
fn a_user_who_goes_back_can_approve_again() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let first = browser.decide(&page, "approve").sent("state").unwrap();
    let second = browser.decide(&page, "approve").sent("state").unwrap();
    assert!(
        is_page(&browser.back(&first, "ann"), 400),
        "only the last one counts"
    );
    assert!(is_code(&browser.back(&second, "ann")));
}

#[test]
fn a_ninth_tab_displaces_the_oldest_sign_in() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let pages: Vec<_> = (0..9).map(|_| browser.asked(&client, &[])).collect();
    assert_eq!(browser.cookies.len(), 8);
    assert!(is_page(&browser.decide(&pages[0], "approve"), 400));
    assert!(
        is_code(&browser.approved(&pages[1], "ann"))
            && is_code(&browser.approved(&pages[8], "ann"))
    );
}

#[test]
fn the_longest_client_request_fits_and_several_do_not_pile_up() {
    let (deployment, _) = deployment();
    let redirect = format!("https://client.example/{}", "r".repeat(2000));
    let client = deployment
        .register(&json!({ "client_name": "ü".repeat(200), "redirect_uris": [redirect] }));
    let mut browser = Browser::new(&deployment);
    let state = "s".repeat(4096);
    let more = [
        ("redirect_uri", redirect.as_str()),
        ("state", &state),
        ("prompt", "consent"),
    ];
    let ask = |browser: &mut Browser<'_>| browser.asked(&client, &more);
    let page = ask(&mut browser);
    let back = browser.approved(&page, "ann");
    assert_eq!(
        back.sent("state"),
        Some(state.clone()),
        "{:?}",
        deployment.log
    );
    for _ in 0..8 {
        ask(&mut browser);
        let chars: usize = browser
            .cookies
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(chars < 32 * 1024, "{chars}");
        assert!(
            browser
                .cookies
                .iter()
                .all(|(name, value)| name.len() + value.len() < 4000)
        );
    }
    // Each of these takes six characters in a cookie: the person hears that it is too much.
    let state = "\u{1}".repeat(4096);
    for prompt in ["consent", ""] {
        let shown = browser.asked(
            &client,
            &[
                ("redirect_uri", &redirect),
                ("state", &state),
                ("prompt", prompt),
            ],
        );
        assert!(
            is_page(&shown, 400) && shown.text.contains("invalid_request"),
            "{prompt}: {shown:?}"
        );
    }
}

#[test]
fn an_expired_sign_in_offers_to_start_again() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    deployment.pass_ms(10 * MINUTE_MS);
    let late = browser.decide(&page, "approve");
    assert!(is_page(&late, 400), "{late:?}");
    let again = late
        .text
        .split("href=\"/authorize?")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let again = format!("/authorize?{}", again.replace("&#38;", "&"));
    let page = browser.get(&again);
    assert!(is_consent(&page), "{page:?}");
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    deployment.pass_ms(10 * MINUTE_MS);
    assert!(is_page(&browser.back(&state, "ann"), 400));
    let page = browser.get(&again);
    assert!(
        is_code(&browser.approved(&page, "ann")),
        "the request is the one that the client made"
    );
}

#[test]
fn an_error_of_the_identity_provider_reaches_user_and_client() {
    for (code, status, error) in [
        ("refused", 502, "server_error"),
        ("away", 503, "temporarily_unavailable"),
        ("stranger", 403, "access_denied"),
    ] {
        let (deployment, client) = deployment();
        let mut browser = Browser::new(&deployment);
        let page = browser.asked(&client, &[]);
        let failed = browser.approved(&page, code);
        assert!(is_page(&failed, status), "{code}: {failed:?}");
        assert!(
            failed
                .text
                .contains(&format!("href=\"{REDIRECT}?error={error}&#38;")),
            "{code}: {}",
            failed.text
        );
        assert!(failed.text.contains("href=\"/authorize?"), "{code}");
        assert!(
            !failed.text.contains("a text of the upstream") && !failed.text.contains("<b>mallory"),
            "{code}"
        );
        // The page's number is in the log, with the cause.
        let line: Value = serde_json::from_str(deployment.log.borrow().last().unwrap()).unwrap();
        let id = line["id"].as_str().unwrap();
        assert!(
            failed.text.contains(&format!("<code>{id}</code>"))
                && line["cause"].as_str().unwrap().len() > 10
        );
        assert!(browser.cookies.is_empty(), "{code}");
    }
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let cancelled = browser.approved(&page, "denied");
    assert_eq!(cancelled.sent("error").as_deref(), Some("access_denied"));
}

#[test]
fn an_unavailable_user_object_offers_to_try_again() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    deployment.is_down.set(true);
    let failed = browser.approved(&page, "ann");
    assert!(
        is_page(&failed, 503) && failed.text.contains("href=\"/authorize?"),
        "{failed:?}"
    );
    assert!(!failed.text.contains("the object is away"));
}

#[test]
fn prompt_none_is_answered_with_interaction_required() {
    let (deployment, client) = deployment();
    let shown = Browser::new(&deployment).asked(&client, &[("prompt", "none")]);
    assert!(
        is_page(&shown, 400) && shown.text.contains("interaction_required"),
        "{shown:?}"
    );
}

#[test]
fn a_misconfigured_deployment_says_so_and_signs_nobody_in() {
    let deployment = Deployment::misconfigured("GITHUB_CLIENT_ID is missing <here>.");
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    for shown in [
        browser.asked(&client, &[]),
        browser.get("/account"),
        browser.get("/callback?state=x&code=y"),
    ] {
        assert!(
            is_page(&shown, 500)
                && shown
                    .text
                    .contains("GITHUB_CLIENT_ID is missing &#60;here&#62;."),
            "{shown:?}"
        );
    }
    assert!(
        browser
            .get("/")
            .text
            .contains("GITHUB_CLIENT_ID is missing &#60;here&#62;.")
    );
    assert_eq!(browser.send(Method::POST, "/mcp", "{}", &[]).status, 401);
}

#[test]
fn pages_are_in_the_language_of_the_browser() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let url = format!(
        "/authorize?response_type=code&client_id={client}&code_challenge_method=S256&code_challenge=x"
    );
    let url = url.replace(
        "challenge=x",
        &format!("challenge={}", crate::support::browser::CHALLENGE),
    );
    let page = browser.send(
        Method::GET,
        &url,
        "",
        &[("accept-language", "zh-CN,en;q=0.5")],
    );
    assert!(
        page.text.contains("lang=\"zh-Hans\"")
            && page.text.contains("允许")
            && page.text.contains("Editor")
    );
    let refused = browser.send(
        Method::GET,
        "/authorize?client_id=nobody",
        "",
        &[("accept-language", "zh")],
    );
    assert!(
        is_page(&refused, 400) && refused.text.contains("此服务器不认识您的应用"),
        "{refused:?}"
    );
    assert!(
        browser
            .get("/authorize?client_id=nobody")
            .text
            .contains("This server does not know your application")
    );
    let logged = deployment.log.borrow().concat();
    assert!(
        !logged.contains("此服务器") && logged.contains("This server does not know"),
        "the log is in one language"
    );
}

#[test]
fn users_of_another_provider_are_signed_out_when_sign_in_changes() {
    let (mut deployment, client) = deployment();
    deployment.switch_to(Rc::new(Demo));
    let token = {
        let mut browser = Browser::new(&deployment);
        let page = browser.asked(&client, &[("login_hint", "Ann")]);
        let fields = [
            ("flow", &*page.field("flow")),
            ("csrf", &page.field("csrf")),
            ("decision", "approve"),
            ("name", "Ann"),
        ];
        let left = browser.post("/authorize", &fields);
        let back = browser.get(left.location());
        browser.redeemed(&client, &back)
    };
    let status = |deployment: &Deployment| {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
        Browser::new(deployment)
            .call(Method::POST, &token, Some("x"), &message)
            .status
    };
    assert_eq!(
        status(&deployment),
        404,
        "the token is taken, the session is none"
    );
    deployment.switch_to(Rc::new(StandIn));
    assert_eq!(status(&deployment), 401);
    deployment.switch_to(Rc::new(Demo));
    assert_eq!(status(&deployment), 404, "nothing of it was destroyed");
}

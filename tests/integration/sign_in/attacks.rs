//! Attacks through a person's browser, or through the attacker's own.

use http::Method;
use serde_json::json;

use super::{deployment, is_code, is_consent, is_page};
use crate::support::browser::{Browser, Deployment, ORIGIN, REDIRECT};

const MARKUP: &str =
    "\"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>";

#[test]
fn a_consent_form_without_its_token_does_nothing() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let other = browser.asked(&client, &[]);
    let (flow, forged) = (page.field("flow"), "A".repeat(32));
    for csrf in [
        None,
        Some(""),
        Some(forged.as_str()),
        Some(&other.field("csrf")),
        Some(&flow),
    ] {
        for decision in ["approve", "deny"] {
            let mut fields = vec![("flow", flow.as_str()), ("decision", decision)];
            fields.extend(csrf.map(|csrf| ("csrf", csrf)));
            let refused = browser.post("/authorize", &fields);
            assert!(is_page(&refused, 403), "{csrf:?} {decision}: {refused:?}");
        }
    }
    assert!(
        is_code(&browser.approved(&page, "ann")),
        "it is still there for who may use it"
    );
}

#[test]
fn a_consent_form_from_another_site_or_without_cookie_does_nothing() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let body = format!(
        "flow={}&csrf={}&decision=approve",
        page.field("flow"),
        page.field("csrf")
    );
    for origin in ["https://evil.example", "null"] {
        let refused = browser.send(Method::POST, "/authorize", &body, &[("origin", origin)]);
        assert!(is_page(&refused, 403), "{origin}: {refused:?}");
    }
    let refused = Browser::new(&deployment).decide(&page, "approve");
    assert!(is_page(&refused, 400), "{refused:?}");
}

const CHROMIUM: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";
const WEBKIT: &str = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15";

#[test]
fn a_form_sent_by_a_script_of_the_same_origin_does_nothing() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let consent = format!(
        "flow={}&csrf={}&decision=approve",
        page.field("flow"),
        page.field("csrf")
    );
    for (mode, destination, user, agent, sent) in [
        ("navigate", "document", Some("?1"), CHROMIUM, true),
        ("navigate", "document", None, WEBKIT, true),
        ("navigate", "document", None, CHROMIUM, false),
        ("navigate", "document", Some("?0"), WEBKIT, false),
        ("navigate", "iframe", Some("?1"), CHROMIUM, false),
        ("same-origin", "empty", None, CHROMIUM, false),
        ("cors", "empty", None, WEBKIT, false),
        ("no-cors", "empty", Some("?1"), WEBKIT, false),
    ] {
        for (path, body) in [
            ("/authorize", consent.as_str()),
            ("/account", "do=sign-in&name=ann"),
        ] {
            let mut headers = vec![
                ("origin", ORIGIN),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", destination),
                ("user-agent", agent),
            ];
            headers.extend(user.map(|user| ("sec-fetch-user", user)));
            let answer = browser.send(Method::POST, path, body, &headers);
            let is_done = answer.status != 403;
            assert_eq!(is_done, sent, "{path} {headers:?}: {answer:?}");
        }
    }
}

#[test]
fn a_user_is_sent_to_the_identity_provider_only_after_consent() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    for hint in ["ann", ""] {
        for prompt in ["", "login", "consent", "select_account", "anything"] {
            let page = browser.asked(&client, &[("login_hint", hint), ("prompt", prompt)]);
            assert!(is_consent(&page), "{prompt}: {page:?}");
        }
    }
    let flow = browser.asked(&client, &[]).field("flow");
    let early = browser.back(&format!("{flow}{}", "A".repeat(32)), "ann");
    assert!(is_page(&early, 400), "{early:?}");
}

#[test]
fn a_callback_in_another_browser_does_nothing() {
    let (deployment, client) = deployment();
    let (mut attacker, mut victim) = (Browser::new(&deployment), Browser::new(&deployment));
    let page = attacker.asked(&client, &[]);
    let state = attacker.decide(&page, "approve").sent("state").unwrap();
    assert!(is_page(&victim.back(&state, "mallory"), 400));
    let page = victim.asked(&client, &[]);
    victim.decide(&page, "approve");
    assert!(
        is_page(&victim.back(&state, "mallory"), 400),
        "nor while a flow of its own is under way"
    );
}

#[test]
fn a_callback_works_once() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    assert!(is_code(&browser.back(&state, "ann")));
    assert!(is_page(&browser.back(&state, "ann"), 400));
    // Neither does one that failed.
    let page = browser.asked(&client, &[("prompt", "consent")]);
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    assert!(is_page(&browser.back(&state, "refused"), 502));
    assert!(is_page(&browser.back(&state, "ann"), 400));
}

#[test]
fn a_callback_works_once_although_its_cookie_was_copied() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    let cookies = browser.cookies.clone();
    let first = browser.back(&state, "ann");
    assert!(is_code(&first));
    for redeemed in [false, true] {
        if redeemed {
            browser.redeemed(&client, &first);
        }
        let mut thief = Browser::new(&deployment);
        thief.cookies.clone_from(&cookies);
        assert!(
            is_page(&thief.back(&state, "ann"), 400),
            "redeemed: {redeemed}"
        );
    }
    let page = browser.asked(&client, &[("prompt", "consent")]);
    assert!(
        is_code(&browser.approved(&page, "ann")),
        "another sign-in of the same person is another one"
    );
}

#[test]
fn a_callback_with_a_foreign_or_missing_state_does_nothing() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let [one, two] = [(); 2].map(|()| {
        let page = browser.asked(&client, &[]);
        (
            page.field("flow"),
            browser.decide(&page, "approve").sent("state").unwrap(),
        )
    });
    let secret =
        |(flow, state): &(String, String)| state.strip_prefix(flow.as_str()).unwrap().to_owned();
    let swapped = [
        format!("{}{}", one.0, secret(&two)),
        format!("{}{}", two.0, secret(&one)),
    ];
    let wrong = [
        one.0.clone(),
        String::new(),
        "x".to_owned(),
        "é".repeat(40),
        format!("{}x", one.1),
        one.1[..42].to_owned(),
    ];
    for state in swapped.iter().chain(&wrong) {
        let refused = browser.back(state, "ann");
        assert!(is_page(&refused, 400), "{state}: {refused:?}");
    }
    let repeated = format!("/callback?state={}&state={}&code=ann", one.1, two.1);
    assert!(is_page(&browser.get(&repeated), 400));
    assert!(is_code(&browser.back(&one.1, "ann")) && is_code(&browser.back(&two.1, "ann")));
}

#[test]
fn a_changed_or_moved_cookie_is_ignored() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    let good = browser.cookies.clone();
    let value = good[0].1.clone();
    for at in (0..value.len()).step_by(7) {
        let mut changed = value.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        for value in [
            String::from_utf8(changed).unwrap(),
            value[..at].to_owned(),
            format!("{value}{}", &value[..=at]),
        ] {
            browser.cookies = vec![(good[0].0.clone(), value)];
            assert!(is_page(&browser.back(&state, "ann"), 400), "{at}");
            browser.cookies.clone_from(&good);
        }
    }
    // The cookie of one flow under the name of another, or of the account.
    let second = browser.asked(&client, &[]);
    let moved = (browser.cookies[1].0.clone(), value.clone());
    browser.cookies = vec![
        moved,
        ("__Host-account".to_owned(), value.clone()),
        ("__Host-consent".to_owned(), value),
    ];
    assert!(is_page(&browser.decide(&second, "approve"), 400));
    assert!(is_page(&browser.back(&state, "ann"), 400));
    assert!(browser.get("/account").text.contains("Sign in to see"));
    // Without its prefix another host of the domain could have set it.
    browser.cookies = good
        .iter()
        .map(|(name, value)| (name.replace("__Host-", ""), value.clone()))
        .collect();
    assert!(is_page(&browser.back(&state, "ann"), 400));
    browser.cookies = good;
    assert!(is_code(&browser.back(&state, "ann")));
}

#[test]
fn no_parameter_redirects_to_another_site() {
    let (deployment, client) = deployment();
    let evil = "https://evil.example/";
    let mut browser = Browser::new(&deployment);
    let names = [
        "redirect_uri",
        "next",
        "return_to",
        "url",
        "done",
        "flow",
        "state",
        "iss",
        "code",
        "resource",
        "login_hint",
    ];
    for name in names {
        let shown = browser.asked(&client, &[(name, evil)]);
        let location = shown.header("location").unwrap_or(REDIRECT);
        assert!(location.starts_with(REDIRECT), "{name}: {location}");
        assert!(!shown.text.contains(&format!("href=\"{evil}")), "{name}");
    }
    let page = browser.asked(&client, &[("state", evil)]);
    let (flow, csrf) = (page.field("flow"), page.field("csrf"));
    for name in [
        "redirect_uri",
        "next",
        "return_to",
        "url",
        "client_id",
        "name",
        "remember",
    ] {
        let fields = [
            ("flow", flow.as_str()),
            ("csrf", &csrf),
            ("decision", "approve"),
            (name, evil),
        ];
        let left = browser.post("/authorize", &fields);
        assert!(
            left.location().starts_with("https://id.example/"),
            "{name}: {}",
            left.location()
        );
        assert!(!left.location().contains("evil"), "{name}");
    }
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    let url = format!(
        "/callback?state={state}&code=ann&redirect_uri={evil}&next={evil}&iss={evil}&url={evil}"
    );
    assert!(
        browser
            .get(&url)
            .location()
            .starts_with(&format!("{REDIRECT}?code="))
    );
    for path in ["/account", "/callback"] {
        for name in names {
            let shown = browser.get(&format!("{path}?{name}={evil}"));
            assert!(
                shown.header("location").is_none() && !shown.text.contains("evil"),
                "{path} {name}"
            );
        }
        let shown = browser.post("/account", &[("do", evil), ("next", evil), ("grant", evil)]);
        assert_eq!(shown.location(), "/account");
    }
}

#[test]
fn metadata_of_a_client_stays_text_and_its_images_are_not_loaded() {
    let deployment = Deployment::new();
    let client = deployment.register(&json!({
        "client_name": MARKUP,
        "client_uri": "https://client.example/?a=%22%3E%3Cscript%3E&b='x'",
        "logo_uri": "https://evil.example/logo.png",
    }));
    let page =
        Browser::new(&deployment).asked(&client, &[("state", MARKUP), ("login_hint", MARKUP)]);
    assert!(is_consent(&page), "{page:?}");
    for markup in ["<script", "<img", "onerror=alert(1)>", "evil.example/logo"] {
        assert!(!page.text.contains(markup), "{markup}: {}", page.text);
    }
    assert!(page.text.contains("rel=\"noopener noreferrer nofollow\""));
}

#[test]
fn no_uri_of_a_client_becomes_a_script_link() {
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:alert(1)",
        "JavaScript:alert(1)",
    ] {
        let deployment = Deployment::new();
        let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
        let answer =
            Browser::new(&deployment).send(Method::POST, "/register", &metadata.to_string(), &[]);
        assert_eq!(answer.status, 400, "{uri}");
        for name in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
            let client = deployment.register(&json!({ name: uri }));
            let page = Browser::new(&deployment).asked(&client, &[]);
            assert!(
                is_consent(&page) && !page.text.contains(uri.trim()),
                "{name} {uri}: {}",
                page.text
            );
        }
    }
}

#[test]
fn markup_in_a_client_document_stays_text() {
    let deployment = Deployment::new();
    let client = "https://client.example/id.json";
    let document = |name: &str, more: &str| {
        json!({
            "client_id": client, "client_name": MARKUP, "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none", name: more,
        })
    };
    deployment.web.set_json(
        client,
        200,
        &document("logo_uri", "https://evil.example/logo.png"),
    );
    let page = Browser::new(&deployment).asked(client, &[]);
    assert!(is_consent(&page), "{page:?}");
    assert!(page.text.contains("&#60;script&#62;") && page.text.contains("client.example"));
    for markup in ["<script", "<img", "evil.example/logo"] {
        assert!(!page.text.contains(markup), "{markup}: {}", page.text);
    }
    for name in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
        let deployment = Deployment::new();
        deployment
            .web
            .set_json(client, 200, &document(name, "javascript:alert(1)"));
        let page = Browser::new(&deployment).asked(client, &[]);
        assert!(
            is_consent(&page) && !page.text.contains("javascript:"),
            "{name}: {page:?}"
        );
    }
}

#[test]
fn a_response_goes_only_to_a_registered_redirect_uri() {
    let (deployment, client) = deployment();
    for uri in [
        "javascript:alert(1)",
        "javascript://client.example/callback%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example/callback",
        "https://client.example.evil.example/callback",
        "https://client.example@evil.example/callback",
        "https://client.example/callback/../evil",
        "https://client.example/callback#x",
        "https://client.example\\@evil.example/callback",
        "HTTPS://client.example/callback",
    ] {
        for prompt in ["", "none"] {
            let shown = Browser::new(&deployment)
                .asked(&client, &[("redirect_uri", uri), ("prompt", prompt)]);
            assert!(is_page(&shown, 400), "{uri}: {shown:?}");
            assert!(
                !shown.text.contains("evil") && !shown.text.contains("alert"),
                "{uri}: {}",
                shown.text
            );
        }
    }
}

#[test]
fn a_form_with_a_repeated_field_is_refused() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let (flow, csrf) = (page.field("flow"), page.field("csrf"));
    let fields = [
        ("flow", flow.as_str()),
        ("csrf", &csrf),
        ("decision", "approve"),
    ];
    for twice in [("flow", "x"), ("csrf", "x"), ("decision", "deny")] {
        for fields in [
            [fields.as_slice(), &[twice]].concat(),
            [&[twice], fields.as_slice()].concat(),
        ] {
            let refused = browser.post("/authorize", &fields);
            assert!(
                refused.header("location").is_none() && refused.status >= 400,
                "{twice:?}: {refused:?}"
            );
        }
    }
    assert!(is_code(&browser.approved(&page, "ann")));
    let account = browser.account("ann");
    let twice = [
        ("do", "end-all"),
        ("csrf", "x"),
        ("csrf", &account.field("csrf")),
    ];
    browser.post("/account", &twice);
    assert_eq!(browser.get("/account?done=x").status, 200);
}

#[test]
fn very_many_or_very_long_cookies_do_not_prevent_a_sign_in() {
    let (deployment, client) = deployment();
    let many = |prefix: &str, value: &str, count: usize| -> String {
        (0..count)
            .map(|at| format!("__Host-{prefix}{at:011}={value}; "))
            .collect::<Vec<_>>()
            .concat()
    };
    let long = "A".repeat(70_000);
    for cookies in [
        many("flow-", "x", 4000),
        many("x", "y", 4000),
        many("flow-", &"A".repeat(3000), 30),
        format!("__Host-consent={long}; __Host-account={long}"),
        (0..9)
            .map(|at| format!("__Host-consent.{at}={}; ", "A".repeat(3600)))
            .collect::<Vec<_>>()
            .concat(),
        "=; ;;; =a; __Host-=; __Host-flow-=x; __Host-account; \u{0}=\u{7f}".to_owned(),
        ";".repeat(100_000),
    ] {
        let mut browser = Browser::new(&deployment);
        browser.cookies = vec![("x".to_owned(), format!("1; {cookies}"))];
        let [page, account] = [browser.asked(&client, &[]), browser.get("/account")];
        assert!(
            is_consent(&page) && account.text.contains("Sign in to see"),
            "{}",
            &cookies[..40]
        );
        let set: Vec<_> = page
            .headers
            .iter()
            .filter(|(name, _)| *name == "set-cookie")
            .collect();
        let chars: usize = set.iter().map(|(_, line)| line.len()).sum();
        assert!(
            chars < 64 * 1024,
            "{chars} characters in {} cookies: {}",
            set.len(),
            &cookies[..40]
        );
        assert!(is_page(&browser.get("/callback?state=x&code=ann"), 400));
    }
}

#[test]
fn no_page_can_be_framed_cached_or_scripted() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let consent = browser.asked(&client, &[]);
    let account = browser.account("ann");
    for page in [
        consent,
        account,
        browser.get("/account"),
        browser.get("/callback"),
        browser.get("/authorize"),
    ] {
        let policy = page.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("script-src"),
            "{policy}"
        );
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert!(
            !page.text.contains("<script") && !page.text.contains(" style="),
            "{}",
            page.text
        );
    }
}

#[test]
fn cookies_are_bound_to_their_host_and_to_https() {
    let (deployment, client) = deployment();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    browser.approved(&page, "ann");
    browser.account("ann");
    assert!(browser.set.len() >= 5);
    for line in &browser.set {
        assert!(
            line.starts_with("__Host-") && line.ends_with("; HttpOnly; SameSite=Lax; Secure"),
            "{line}"
        );
        assert!(
            line.contains("; Path=/;") && !line.contains("Domain"),
            "{line}"
        );
    }
    let mut local = Browser::new(&deployment);
    local.origin = "http://localhost:8787".to_owned();
    let page = local.asked(&client, &[]);
    assert!(
        is_consent(&page) && local.set[0].starts_with("flow-") && !local.set[0].contains("Secure")
    );
}

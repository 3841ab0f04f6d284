//! The playground's chat at the Worker: its access, its requests to models, and its quotas.

use durable_mcp_worker::http::request_runtime::ModelRequest;
use http::Method;
use oauth_server::authority::{
    Allowance, DailySpending, GrantCommand, GrantOutcome, SPENDING_MS, SpendingQuota,
};
use oauth_server::grant_store::CountRow;
use oauth_server::hooks::Hooks;
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, ORIGIN, Shown};
use crate::support::grants::{NOW, PUBLIC, Turn, World};
use crate::support::page;

const DAY_MS: u64 = 24 * 3600 * 1000;

const SET: &[(&str, &str)] = &[
    ("PLAYGROUND", "bound"),
    ("PLAYGROUND_CHAT", "openai"),
    ("PLAYGROUND_CHAT_URL", "https://models.example/v1/"),
    ("PLAYGROUND_CHAT_KEY", "the-key"),
    ("PLAYGROUND_MODELS", "small,large"),
    ("PLAYGROUND_CHAT_DAILY", "5/9000"),
    ("PLAYGROUND_CHAT_TOTAL", "8/20000"),
];

fn deployment() -> Deployment {
    page::deployment(SET)
}

fn ask(deployment: &Deployment, token: &str, body: &Value) -> Shown {
    let authorization = format!("Bearer {token}");
    let headers: Vec<_> = (!token.is_empty())
        .then_some(("authorization", authorization.as_str()))
        .into_iter()
        .collect();
    Browser::new(deployment).send(
        Method::POST,
        "/playground/chat",
        &body.to_string(),
        &headers,
    )
}

fn hello() -> Value {
    json!({ "model": "small", "messages": [{ "role": "user", "content": "hello" }] })
}

fn code(shown: &Shown) -> String {
    serde_json::from_str::<Value>(&shown.text).unwrap()["error"]["code"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_token_must_have_scope_and_resource_of_the_chat() {
    let deployment = deployment();
    let shown = ask(&deployment, "", &hello());
    assert_eq!(shown.status, 401);
    let challenge = shown.header("www-authenticate").unwrap();
    assert!(
        challenge.contains(&format!(
            "{ORIGIN}/.well-known/oauth-protected-resource/playground\""
        )),
        "{challenge}"
    );
    assert!(challenge.contains("scope=\"chat\""), "{challenge}");
    let document =
        Browser::new(&deployment).get("/.well-known/oauth-protected-resource/playground");
    let document: Value = serde_json::from_str(&document.text).unwrap();
    assert_eq!(
        (&document["resource"], &document["scopes_supported"]),
        (&json!(format!("{ORIGIN}/playground")), &json!(["chat"]))
    );
    for (resource, status) in [(Some("/playground"), 200), (Some("/mcp"), 401), (None, 401)] {
        let token = page::token(&deployment, "ann", "chat", resource);
        assert_eq!(
            ask(&deployment, &token, &hello()).status,
            status,
            "{resource:?}"
        );
    }
    assert_eq!(deployment.asked.borrow().len(), 1);
}

#[test]
fn a_token_without_the_chat_scope_gets_insufficient_scope() {
    let deployment = Deployment::set_up_with(|oauth| oauth.scopes(&["read"]).unwrap(), SET);
    let token = page::token(&deployment, "ann", "read", Some("/playground"));
    let shown = ask(&deployment, &token, &hello());
    assert_eq!(shown.status, 403);
    let challenge = shown.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_scope")
            && challenge.contains("protected-resource/playground\""),
        "{challenge}"
    );
}

#[test]
fn a_client_that_asks_for_no_scope_cannot_chat() {
    let deployment = deployment();
    let client = deployment.register(&json!({}));
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[("resource", &format!("{ORIGIN}/playground"))]);
    assert!(
        !page.text.contains("Chat with this server"),
        "{}",
        page.text
    );
    let back = browser.approved(&page, "ann");
    let token = browser.redeemed(&client, &back);
    assert_eq!(ask(&deployment, &token, &hello()).status, 403);
    let metadata = Browser::new(&deployment)
        .get("/.well-known/oauth-authorization-server")
        .text;
    assert!(!metadata.contains("\"chat\""), "{metadata}");
}

#[test]
fn the_consent_page_explains_the_chat_scope() {
    let deployment = deployment();
    let client = deployment.register(&json!({}));
    let page = Browser::new(&deployment).asked(
        &client,
        &[
            ("scope", "chat"),
            ("resource", &format!("{ORIGIN}/playground")),
        ],
    );
    assert!(page.text.contains("Chat with this server"), "{}", page.text);
}

#[test]
fn a_request_is_counted_beforehand_and_corrected_by_its_usage() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
    let limit = |at: usize| {
        let asked = deployment.asked.borrow();
        let ModelRequest { body, .. } = &asked[at].0;
        serde_json::from_str::<Value>(body).unwrap()["max_tokens"].clone()
    };
    assert_eq!(limit(0), 4096);
    let busy = ask(&deployment, &token, &hello());
    assert_eq!(
        (
            busy.status,
            code(&busy).as_str(),
            busy.header("retry-after")
        ),
        (429, "busy", Some("2"))
    );
    deployment.answered(0, Some(4000));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
    deployment.answered(1, Some(4000));
    deployment.answered(1, Some(4000));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
    assert_eq!(limit(2), 1000, "the rest of the day");
    deployment.answered(2, Some(1000));
    let over = ask(&deployment, &token, &hello());
    assert_eq!((over.status, code(&over).as_str()), (429, "limit"));
    let seconds: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(seconds, (DAY_MS - NOW % DAY_MS) / 1000);
    let account = Browser::new(&deployment).account("ann");
    assert!(
        account.text.contains("3 requests, 9000 tokens"),
        "{}",
        account.text
    );
    deployment.pass_ms(seconds * 1000);
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
}

#[test]
fn all_users_together_have_a_daily_limit() {
    let deployment = deployment();
    for at in 0..8 {
        let token = page::token(
            &deployment,
            &format!("person {at}"),
            "chat",
            Some("/playground"),
        );
        assert_eq!(ask(&deployment, &token, &hello()).status, 200);
        deployment.answered(at, Some(10));
    }
    let token = page::token(&deployment, "one more", "chat", Some("/playground"));
    let over = ask(&deployment, &token, &hello());
    assert_eq!((over.status, code(&over).as_str()), (429, "total"));
    let account = Browser::new(&deployment).account("one more");
    assert!(
        account.text.contains("0 requests, 0 tokens"),
        "{}",
        account.text
    );
}

#[test]
fn disconnecting_ends_the_chat_at_once() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
    deployment.answered(0, Some(1));
    let mut browser = Browser::new(&deployment);
    let account = browser.account("ann");
    browser.post(
        "/account",
        &[("csrf", &account.field("csrf")), ("do", "end-all")],
    );
    assert_eq!(ask(&deployment, &token, &hello()).status, 401);
    assert_eq!(deployment.asked.borrow().len(), 1);
}

#[test]
fn a_request_that_is_not_sent_is_not_counted() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    assert_eq!(ask(&deployment, &token, &hello()).status, 200);
    deployment.answered(0, None);
    for body in [json!({}), json!({ "model": "huge", "messages": [] })] {
        assert_eq!(ask(&deployment, &token, &body).status, 400);
    }
    let account = Browser::new(&deployment).account("ann");
    assert!(
        account.text.contains("0 requests, 0 tokens"),
        "{}",
        account.text
    );
}

#[test]
fn the_api_key_is_sent_to_the_model_alone() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    let shown = ask(&deployment, &token, &hello());
    assert!(!format!("{shown:?}").contains("the-key"));
    assert!(
        !format!("{:?} {:?}", deployment.app, deployment.asked.borrow()[0].0).contains("the-key")
    );
    assert!(
        !Browser::new(&deployment)
            .get("/playground/config.json")
            .text
            .contains("the-key")
    );
}

#[test]
fn invalid_chat_settings_are_problems() {
    let with = |changes: &[(&str, &str)]| {
        let kept = SET
            .iter()
            .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let variables: Vec<_> = kept.chain(changes).copied().collect();
        let deployment = Deployment::with_variables(&variables);
        let status = ask(&deployment, "", &hello()).status;
        (status, deployment.app.problems().join(" "))
    };
    for changes in [
        &[("PLAYGROUND_CHAT", "gpt")][..],
        &[("PLAYGROUND_MODELS", " , ")],
        &[("PLAYGROUND_CHAT_URL", "")],
        &[("PLAYGROUND_CHAT_URL", "http://models.example/v1")],
        &[("PLAYGROUND_CHAT_URL", "https://user:pass@models.example/v1")],
    ] {
        let (status, problems) = with(changes);
        assert_eq!(status, 404, "{changes:?}");
        assert!(problems.contains("PLAYGROUND_"), "{changes:?} {problems}");
    }
    let (status, problems) = with(&[("PLAYGROUND_CHAT_DAILY", "many")]);
    assert_eq!(status, 401);
    assert!(problems.contains("100/50000"), "{problems}");
    assert_eq!(with(&[("PLAYGROUND_CHAT", "off")]), (404, String::new()));
}

const QUOTA: SpendingQuota = SpendingQuota {
    requests: 20,
    tokens: 30_000,
    at_once: 3,
};

fn spend(id: &str) -> GrantCommand {
    GrantCommand::Spend {
        id: id.to_owned(),
        grant: None,
        tokens: 4096,
        quota: QUOTA,
    }
}

#[test]
fn images_have_a_size_limit_apart_from_texts() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    let with = |text: usize, image: usize| {
        let image = format!("data:image/png;base64,{}", "A".repeat(image));
        let parts = json!([{ "type": "text", "text": "x".repeat(text) }, { "type": "image_url", "image_url": { "url": image } }]);
        let messages =
            json!([{ "role": "user", "content": "look" }, { "role": "user", "content": parts }]);
        ask(
            &deployment,
            &token,
            &json!({ "model": "small", "messages": messages }),
        )
    };
    assert_eq!(with(200 * 1024, 1000 * 1024).status, 200);
    let sent: Value = serde_json::from_str(&deployment.asked.borrow()[0].0.body).unwrap();
    let url = sent["messages"][1]["content"][1]["image_url"]["url"]
        .as_str()
        .unwrap();
    assert_eq!(url.len(), 1000 * 1024 + "data:image/png;base64,".len());
    for (text, image) in [(257 * 1024, 1), (1, 1024 * 1024), (900 * 1024, 300 * 1024)] {
        let shown = with(text, image);
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (413, "too_large"),
            "{text} {image}"
        );
    }
    assert_eq!(deployment.asked.borrow().len(), 1);
}

#[test]
fn an_image_is_accepted_as_data_and_never_as_a_url() {
    let deployment = deployment();
    let token = page::token(&deployment, "ann", "chat", Some("/playground"));
    let with = |part: &Value| {
        ask(
            &deployment,
            &token,
            &json!({ "model": "small", "messages": [{ "role": "user", "content": [part] }] }),
        )
    };
    let named = json!({ "url": "https://inside.example/" });
    assert_eq!(
        with(&json!({ "type": "image_url", "image_url": named })).status,
        400
    );
    assert_eq!(
        with(&json!({ "type": "image_url", "image_url": named, "text": "x" })).status,
        400
    );
    assert_eq!(
        with(&json!({ "type": "text", "image_url": named, "text": "x" })).status,
        200
    );
    let sent: Value = serde_json::from_str(&deployment.asked.borrow()[0].0.body).unwrap();
    assert_eq!(
        sent["messages"][0]["content"],
        json!([{ "type": "text", "text": "x" }])
    );
}

#[test]
fn parallel_requests_do_not_exceed_an_allowance_together() {
    for seed in 1..=50 {
        let mut world = World::new(seed, Hooks::default());
        let mut under_way = std::collections::BTreeMap::new();
        let (mut granted, mut used, mut number) = (0, 0, 0);
        for _ in 0..60 {
            for _ in 0..=world.dice(4) {
                number += 1;
                let id = world.start(spend(&number.to_string()));
                under_way.insert(id, (number.to_string(), None));
            }
            // Isolates ask in any order, and the object may be restarted between.
            while let turn @ (Turn::Went | Turn::Finished(_)) = world.turn() {
                let Turn::Finished(done) = turn else { continue };
                match (under_way.remove(&done.id), done.outcome.unwrap()) {
                    (Some((name, _)), GrantOutcome::Allowance(Allowance::Granted { tokens })) => {
                        granted += 1;
                        under_way.insert(usize::MAX - granted, (name, Some(tokens)));
                    }
                    (_, GrantOutcome::Allowance(_) | GrantOutcome::Done) => {}
                    (_, other) => panic!("{other:?}"),
                }
            }
            let reserved: u64 = under_way.values().filter_map(|(_, tokens)| *tokens).sum();
            assert!(
                under_way.len() <= 3 && reserved + used <= 30_000 && granted <= 20,
                "seed {seed}"
            );
            let ends: Vec<usize> = under_way.keys().copied().collect();
            for id in ends {
                if world.dice(2) == 0 {
                    let (name, tokens) = under_way.remove(&id).unwrap();
                    let spent = tokens.unwrap() / 2;
                    used += spent;
                    // A correction may come twice.
                    for _ in 0..=world.dice(2) {
                        world
                            .run(GrantCommand::CorrectSpending {
                                id: name.clone(),
                                used: Some(spent),
                            })
                            .unwrap();
                    }
                }
            }
            if world.dice(5) == 0 {
                world.crash();
            }
            let held: u64 = under_way.values().filter_map(|(_, tokens)| *tokens).sum();
            let expected = DailySpending {
                requests: u64::try_from(granted).unwrap(),
                tokens: used + held,
            };
            assert_eq!(
                world.run(GrantCommand::Spent),
                Ok(GrantOutcome::Spent(expected)),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn an_unsettled_request_counts_in_full_after_its_time() {
    let mut world = World::new(1, Hooks::default());
    for id in ["a", "b", "c"] {
        world.run(spend(id)).unwrap();
    }
    assert!(matches!(
        world.run(spend("d")),
        Ok(GrantOutcome::Allowance(Allowance::Busy { .. }))
    ));
    world.outside.kv.pass_ms(SPENDING_MS);
    assert_eq!(
        world.run(spend("d")),
        Ok(GrantOutcome::Allowance(Allowance::Granted { tokens: 4096 }))
    );
    world
        .run(GrantCommand::CorrectSpending {
            id: "a".to_owned(),
            used: Some(1),
        })
        .unwrap();
    assert_eq!(
        world.run(GrantCommand::Spent),
        Ok(GrantOutcome::Spent(DailySpending {
            requests: 4,
            tokens: 4 * 4096
        }))
    );
}

#[test]
fn the_spending_row_is_deleted_after_its_day() {
    let mut world = World::new(1, Hooks::default());
    world.run(spend("a")).unwrap();
    assert!(world.outside.rows.counted(CountRow::Spending).is_some());
    world.outside.kv.pass_ms(DAY_MS);
    world.ring();
    world.drain();
    assert!(world.outside.rows.counted(CountRow::Spending).is_none());
}

#[test]
fn an_ended_grant_cannot_spend() {
    let mut world = World::new(1, Hooks::default());
    let code = world.begin(&PUBLIC);
    let issued = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    let with = |grant: &str| GrantCommand::Spend {
        id: "a".to_owned(),
        grant: Some(grant.to_owned()),
        tokens: 1,
        quota: QUOTA,
    };
    assert_eq!(
        world.run(with(&issued.grant)),
        Ok(GrantOutcome::Allowance(Allowance::Granted { tokens: 1 }))
    );
    world
        .run(GrantCommand::CorrectSpending {
            id: "a".to_owned(),
            used: Some(1),
        })
        .unwrap();
    let go_on = GrantCommand::GoOn {
        grant: issued.grant.clone(),
    };
    assert_eq!(
        world.run(go_on),
        Ok(GrantOutcome::Allowance(Allowance::Granted { tokens: 0 }))
    );
    world
        .run(GrantCommand::RevokeGrant {
            grant: issued.grant.clone(),
        })
        .unwrap();
    for grant in [issued.grant.as_str(), "", "AAAAAAAAAAAAAAAA"] {
        assert_eq!(
            world.run(with(grant)),
            Ok(GrantOutcome::Allowance(Allowance::Ended))
        );
        let go_on = GrantCommand::GoOn {
            grant: grant.to_owned(),
        };
        assert_eq!(
            world.run(go_on),
            Ok(GrantOutcome::Allowance(Allowance::Ended))
        );
    }
    assert_eq!(world.run(GrantCommand::RevokeAll), Ok(GrantOutcome::Done));
    assert_eq!(
        world.run(GrantCommand::Spent),
        Ok(GrantOutcome::Spent(DailySpending {
            requests: 1,
            tokens: 1
        })),
        "it stays spent"
    );
}

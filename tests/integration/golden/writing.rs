//! Golden files of the newest versions.

use super::*;

/// Everything of a user that is stored.
fn stored(world: &World) -> Value {
    let kv = &world.outside.kv;
    let rows: BTreeMap<_, _> = world.outside.rows.all().unwrap().into_iter().collect();
    let records: BTreeMap<_, _> = kv
        .keys("")
        .into_iter()
        .map(|key| (key.clone(), kv.value(&key)))
        .collect();
    json!({ "rows": rows, "kv": records })
}

fn write_grants(put: &dyn Fn(Format, &str, &str)) {
    let put = |kind: &str, file: &Value| {
        put(
            Format::GrantRow,
            kind,
            &(serde_json::to_string_pretty(file).unwrap() + "\n"),
        );
    };
    let mut world = World::new(3, Hooks::default());
    let code = world.begin(&PUBLIC);
    put(
        ".pending.json",
        &json!({ "code": code, "stored": stored(&world) }),
    );
    let first = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    put(
        ".live.json",
        &json!({ "code": code, "issued": first, "stored": stored(&world) }),
    );
    let refresh = PUBLIC.refresh(first.refresh_token.as_deref().unwrap());
    let next = world.issued(GrantCommand::Refresh(refresh)).unwrap();
    put(
        ".refreshed.json",
        &json!({ "first": first, "issued": next, "stored": stored(&world) }),
    );
    world
        .run(GrantCommand::RevokeGrant { grant: first.grant })
        .unwrap();
    put(
        ".ending.json",
        &json!({ "issued": next, "stored": stored(&world) }),
    );
}

/// A request with 1000 tokens, counted for nobody in particular.
pub(super) fn spending(id: &str) -> GrantCommand {
    let quota = SpendingQuota {
        requests: 10,
        tokens: 5000,
        at_once: 2,
    };
    GrantCommand::Spend {
        id: id.to_owned(),
        grant: None,
        tokens: 1000,
        quota,
    }
}

fn write_spending(put: &dyn Fn(Format, &str, &str)) {
    let mut world = World::new(3, Hooks::default());
    let command = |kind: &str, command: &GrantCommand| {
        put(
            Format::GrantCommand,
            kind,
            &serde_json::to_string(command).unwrap(),
        );
    };
    let outcome = |kind: &str, outcome: GrantOutcome| {
        put(
            Format::GrantOutcome,
            kind,
            &serde_json::to_string(&Ok::<_, GrantRefusal>(outcome)).unwrap(),
        );
    };
    command(".spend", &spending("a"));
    world.run(spending("a")).unwrap();
    outcome(".allowance", world.run(spending("b")).unwrap());
    command(
        ".go-on",
        &GrantCommand::GoOn {
            grant: "AAAAAAAAAAAAAAAA".to_owned(),
        },
    );
    let settle = GrantCommand::CorrectSpending {
        id: "a".to_owned(),
        used: Some(100),
    };
    command(".settle", &settle);
    world.run(settle).unwrap();
    command(".spent", &GrantCommand::Spent);
    outcome(".spent", world.run(GrantCommand::Spent).unwrap());
    outcome(
        ".busy",
        GrantOutcome::Allowance(Allowance::Busy { retry_after: 2 }),
    );
    put(
        Format::SpendingRow,
        "",
        &world.outside.rows.counted(CountRow::Spending).unwrap(),
    );
}

/// A request of the relay whose answer stays open.
pub(super) fn relayed(grant: &str, id: &str) -> GrantCommand {
    GrantCommand::BeginRelay {
        grant: grant.to_owned(),
        id: id.to_owned(),
        stays_open: true,
    }
}

fn write_relayed(put: &dyn Fn(Format, &str, &str)) {
    let mut world = World::new(3, Hooks::default());
    let grant = world.granted();
    let (nobody, id) = ("AAAAAAAAAAAAAAAA".to_owned(), "a".to_owned());
    let extend = GrantCommand::ExtendRelay {
        grant: nobody.clone(),
        id: id.clone(),
    };
    for command in [relayed(&nobody, &id), extend, GrantCommand::EndRelay { id }] {
        let kind = format!(".{}", command.name().replace('_', "-"));
        let text = serde_json::to_string(&command).unwrap();
        put(Format::GrantCommand, &kind, &text);
    }
    world.run(relayed(&grant, "a")).unwrap();
    let row = world.outside.rows.counted(CountRow::Relayed).unwrap();
    put(Format::RelayRow, "", &row);
}

/// Writes the golden files of versions that have none yet: `cargo test --test integration the_newest_versions_are_written -- --ignored`.
#[test]
#[ignore = "it writes files"]
fn the_newest_versions_are_written() {
    let (keys, object) = (Keys::from_secret(SECRET), ObjectId([7; 32]));
    let put = |format: Format, kind: &str, text: &str| {
        let path = directory(format.version()).join(format!("{}{kind}", format.name()));
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    put(
        Format::SealedToCarry,
        ".page",
        &seal::seal_page(&keys, "a page", b"plain", &Then).unwrap(),
    );
    let sealed = seal::seal_carried(&keys, "a purpose", b"header", b"plain", &Then).unwrap();
    put(Format::SealedToCarry, ".client", &sealed);
    put(
        Format::StateHandle,
        "",
        &state_handle::seal(object, NOW, &keys, &Then).unwrap(),
    );
    put(
        Format::TaskId,
        "",
        &id::seal(object, (NOW, NOW + 60_000), &caller(), &keys, &Then).unwrap(),
    );
    for (kind, begun) in [("", None), (".begun", Some("a-name"))] {
        let state = request_state::seal(
            &answers(),
            begun,
            &request(None),
            &caller(),
            NOW,
            &keys,
            &Then,
        );
        put(Format::RequestState, kind, &state.unwrap().unwrap());
    }
    write_grants(&put);
    write_spending(&put);
    write_relayed(&put);
    let deployment = Deployment::new();
    let client = deployment.register(&json!({ "client_name": "Editor" }));
    let records = deployment.records();
    let mut browser = Browser::new(&deployment);
    let page = browser.asked(&client, &[]);
    let pretty = |file: &Value| serde_json::to_string_pretty(file).unwrap() + "\n";
    let asked = json!({ "client": client, "flow": page.field("flow"), "csrf": page.field("csrf"),
        "cookies": browser.cookies, "kv": records });
    put(Format::FlowCookie, ".asked.json", &pretty(&asked));
    let state = browser.decide(&page, "approve").sent("state").unwrap();
    let left =
        json!({ "client": client, "state": state, "cookies": browser.cookies, "kv": records });
    put(Format::FlowCookie, ".left.json", &pretty(&left));
    browser.back(&state, "ann");
    let consent = json!({ "client": client, "cookies": browser.cookies, "kv": records });
    put(Format::ConsentCookie, ".json", &pretty(&consent));
    browser.account("ann");
    browser.cookies.retain(|(name, _)| name.contains("account"));
    put(
        Format::AccountCookie,
        ".json",
        &pretty(&json!({ "cookies": browser.cookies })),
    );
}

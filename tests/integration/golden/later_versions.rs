//! Texts that a later version may have written, which are refused without harm.

use super::writing::{relayed, spending};
use super::*;

/// Refuses texts that a later version may have written. A format that is missing here does not compile.
#[expect(clippy::too_many_lines, reason = "one arm for each format")]
fn refuses(format: Format) {
    let keys = Keys::from_secret(SECRET);
    let file = |kind: &str| {
        files(format, 1)
            .into_iter()
            .find(|(known, _)| known == kind)
            .unwrap()
            .1
    };
    match format {
        Format::KeyRing => assert!(Keys::from_text(&format!("v2\n{}", file(""))).is_err()),
        // By bytes that are signed; see `transport/session_id.rs`.
        Format::SessionId => {
            assert!(SessionClaims::verify("AgAA", &keys, &caller(), 0, 1).is_err());
        }
        Format::Token => assert!(matches!(
            classify("2.a:b:c", TokenKind::Access, &keys),
            PresentedToken::Unknown
        )),
        Format::EventId => assert_eq!(EventId::parse(&format!("2-{}", file(""))), None),
        Format::SealedForToken => {
            assert!(seal::try_open(&keys, "a token", b"header", "2.AAAA").is_err());
        }
        Format::SealedToCarry => {
            assert_eq!(
                seal::try_open_page(&keys, "a page", "3.AAAA"),
                Err(seal::OpenError::OtherVersion)
            );
            let opened = seal::try_open_carried(&keys, "a purpose", b"header", "3.AAAA");
            assert_eq!(opened, Err(seal::OpenError::OtherVersion));
        }
        Format::RequestState => {
            let read = block_on(request_state::rounds(
                &request(Some("3.AAAA")),
                &caller(),
                &Then,
            ));
            assert_eq!(read.map(|_| ()), Err(format.unreadable()));
        }
        Format::StateHandle => {
            assert_eq!(
                block_on(state_handle::open("3.AAAA", 1, &Then)),
                Err(format.unreadable())
            );
        }
        Format::TaskId => assert_eq!(
            block_on(id::open("3.AAAA", &caller(), &Then)),
            Err(format.unreadable())
        ),
        Format::FlowCookie | Format::ConsentCookie | Format::AccountCookie => {
            refuses_cookies(format);
        }
        Format::AccessRecord => {
            assert!(
                AccessRecord::from_json(r#"{"v":2,"sealed":"AAAA"}"#, &keys, "a:b:c", 0).is_err()
            );
        }
        Format::GrantHeader => refuses_headers(),
        // See grants/unreadable.rs.
        Format::GrantRow => {}
        Format::SpendingRow => {
            let mut world = World::new(3, Hooks::default());
            for text in ["2", "{}", &file("").replacen('{', "{\"v\":2,", 1)] {
                world.outside.rows.set_count(CountRow::Spending, text);
                assert!(
                    matches!(
                        world.run(GrantCommand::Spent),
                        Err(GrantRefusal::Unavailable { .. })
                    ),
                    "{text}"
                );
                assert!(
                    matches!(
                        world.run(spending("a")),
                        Err(GrantRefusal::Unavailable { .. })
                    ),
                    "{text}"
                );
                let row = world.outside.rows.counted(CountRow::Spending);
                assert_eq!(row.as_deref(), Some(text));
            }
        }
        Format::RelayRow => {
            let mut world = World::new(3, Hooks::default());
            let grant = world.granted();
            for text in ["2", "{}", &file("").replacen('{', "{\"v\":2,", 1)] {
                world.outside.rows.set_count(CountRow::Relayed, text);
                let refused = world.run(relayed(&grant, "a"));
                assert!(
                    matches!(refused, Err(GrantRefusal::Unavailable { .. })),
                    "{text}"
                );
                let row = world.outside.rows.counted(CountRow::Relayed);
                assert_eq!(row.as_deref(), Some(text));
            }
        }
        // A row of times that names no user is left for a day; see `GrantAuthority`.
        Format::GrantTimes => {
            for text in ["", "2", &format!("v2 {}", file("")), "2/AAAA"] {
                assert!(UserHandle::parse(text).is_none(), "{text}");
            }
        }
        Format::ClientRecord => {
            assert!(Client::from_json(&file("").replacen("\"v\":1", "\"v\":2", 1)).is_err());
        }
        Format::ClientDocument => {
            let web = MemoryWeb::default();
            let document = json!({ "client_id": DOCUMENT, "client_name": "D", "redirect_uris": ["https://c.example/cb"] });
            web.set_json(DOCUMENT, 200, &document);
            let later = file("").replacen("\"v\":1", "\"v\":2", 1);
            assert_eq!(
                documented(&later, &web),
                (Some("D".to_owned()), 1),
                "its host is asked again"
            );
        }
        Format::GrantCommand | Format::GrantOutcome => refuses_commands(format, &file),
        Format::CallerHeader => {
            for text in ["", "2.AAAA", &format!("{}AAAA", file(""))] {
                assert_eq!(
                    internal_headers::decode(Some(text)),
                    Err(format.unreadable()),
                    "{text}"
                );
            }
        }
        Format::TransportHeader => {
            for text in ["", "carrier pigeon", "Stateless"] {
                assert_eq!(
                    Transport::parse(Some(text)),
                    Err(format.unreadable()),
                    "{text}"
                );
            }
        }
        Format::StateHeader => {
            assert_eq!(
                internal_headers::read_state("old c3RhdGU"),
                Err(format.unreadable())
            );
        }
        Format::SessionRows => assert!(Kept::default().take("sealed state", "", 0).is_err()),
        Format::SseAttachment => {
            for text in ["2", "2027-01-01 3 Inspector", "2024-11-05 x Inspector"] {
                assert_eq!(legacy_sse::read_attachment(text), None, "{text}");
            }
        }
        Format::ListedTag => assert_eq!(SessionClaims::of_key("2.x"), None),
        Format::TaskCommand => {
            for text in [
                "",
                "pause",
                "get 2",
                "watch closely",
                "update 2",
                "begin [2]",
            ] {
                assert_eq!(TaskCommand::parse(text), None, "{text}");
            }
        }
        Format::TaskRecord => {
            for text in [
                "2",
                "[]",
                &file("").replacen(']', ",2]", 1),
                &file("").replace("Working", "Dreaming"),
            ] {
                assert_eq!(Record::stored(text), Err(format.unreadable()), "{text}");
            }
        }
        Format::HubNotice => {
            for text in ["", "2\n-\n-\ntools\nx", "-\n-\ntools\nnotifications/x\n[]"] {
                assert_eq!(Publication::parse(text), None, "{text}");
            }
        }
        Format::HubChange => assert_eq!(Change::parse("sampling"), None),
        Format::HubJoin => {
            for text in ["2", "2 soon", "2 1\n2"] {
                assert_eq!(hub::HubCommand::parse(hub::JOIN, text), None, "{text}");
            }
        }
        Format::HubListener => {
            for text in [
                "2",
                "1\n- never",
                "1\n- 0\nsampling",
                "1\n- 0\nfrom nowhere",
            ] {
                assert_eq!(Listener::parse(text), None, "{text}");
            }
        }
    }
}

/// The client of a grant whose row and header cannot be read is not known, so nobody ends the grant as that client's.
fn refuses_headers() {
    let mut world = World::new(3, Hooks::default());
    let code = world.begin(&PUBLIC);
    let issued = world
        .issued(GrantCommand::Redeem(PUBLIC.redeem(&code)))
        .unwrap();
    let key = world.outside.kv.keys("grant:").pop().unwrap();
    let later = world
        .outside
        .kv
        .value(&key)
        .unwrap()
        .replacen("\"v\":1", "\"v\":2", 1);
    world.outside.kv.set(&key, &later);
    world.outside.rows.set(&issued.grant, "2");
    world.crash();
    let ended = world.run(GrantCommand::RevokeClient {
        client_id: PUBLIC.id.to_owned(),
    });
    assert!(
        matches!(ended, Err(GrantRefusal::Unavailable { .. })),
        "{ended:?}"
    );
    let kept = (
        world.outside.kv.value(&key),
        world.outside.rows.row(&issued.grant),
    );
    assert_eq!(kept, (Some(later), Some("2".to_owned())));
}

/// The browser is told, keeps what it has, and gets on where it can.
fn refuses_cookies(format: Format) {
    match format {
        Format::FlowCookie => with_browser(
            &json!({ "cookies": [["__Host-flow-eDglgipvnmI", "3.AAAA"]] }),
            |browser| {
                assert_eq!(browser.back("eDglgipvnmIAAAAAAAA", "ann").status, 503);
                assert_eq!(browser.cookies.len(), 1);
            },
        ),
        Format::ConsentCookie => {
            with_browser(
                &json!({ "cookies": [["__Host-consent", "3.AAAA"]] }),
                |browser| {
                    let metadata = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" }).to_string();
                    let registered = browser
                        .send(http::Method::POST, "/register", &metadata, &[])
                        .text;
                    let registered: Value = serde_json::from_str(&registered).unwrap();
                    let page = browser.asked(registered["client_id"].as_str().unwrap(), &[]);
                    assert!(
                        page.text.contains("value=\"approve\""),
                        "the person is asked"
                    );
                    browser.approved(&page, "ann");
                    assert_eq!(
                        browser.cookies,
                        [("__Host-consent".to_owned(), "3.AAAA".to_owned())],
                        "and it stays"
                    );
                },
            );
        }
        _ => with_browser(
            &json!({ "cookies": [["__Host-account", "3.AAAA"]] }),
            |browser| {
                assert_eq!(browser.get("/account").status, 503);
                assert_eq!(browser.cookies.len(), 1);
                assert!(
                    browser.account("ann").text.contains("<bdi>ann</bdi>"),
                    "to sign in again works"
                );
            },
        ),
    }
}

fn refuses_commands(format: Format, file: &dyn Fn(&str) -> String) {
    match format {
        Format::GrantCommand => {
            for text in [
                r#""Polish""#,
                r#"{"RevokeGrant":{"grant":"g","unless":"used"}}"#,
                "",
                "{}",
            ] {
                assert!(
                    serde_json::from_str::<GrantCommand>(text).is_err(),
                    "{text}"
                );
            }
            let begin = file(".begin").replacen(
                "\"client_id\"",
                "\"only_on\":\"Mondays\",\"client_id\"",
                1,
            );
            assert!(serde_json::from_str::<GrantCommand>(&begin).is_err());
        }
        _ => {
            for text in [
                r#"{"Ok":"Polished"}"#,
                r#"{"Maybe":"Done"}"#,
                r#"{"Err":{"Busy":1}}"#,
                "",
            ] {
                assert!(
                    serde_json::from_str::<Result<GrantOutcome, GrantRefusal>>(text).is_err(),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn a_record_of_a_later_version_is_refused_in_every_format() {
    for format in Format::ALL {
        println!("{}", format.name());
        refuses(*format);
    }
}

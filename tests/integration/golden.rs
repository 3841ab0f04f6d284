//! Bytes of every version of every format, which today's code has to read; and of versions to come, which it has to refuse
//! without harm.
//!
//! `tests/golden/v<version>/<name>*` was written by the release in which the version was the newest, and never changes. A
//! new version gets files of its own: `writing::the_newest_versions_are_written` makes them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::seal;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::jsonrpc::{Body, Message, Request, parse};
use durable_mcp_protocol::round_trips::{RoundTrips, read_answers};
use durable_mcp_worker::hub::{self, Listener};
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::session::store::Kept;
use durable_mcp_worker::task::command::Command as TaskCommand;
use durable_mcp_worker::task::id;
use durable_mcp_worker::task::record::Record;
use durable_mcp_worker::transport::lifecycle::Transport;
use durable_mcp_worker::transport::session_id::{ObjectId, SessionClaims};
use durable_mcp_worker::transport::sse::EventId;
use durable_mcp_worker::transport::{internal_headers, legacy_sse, request_state, state_handle};
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use oauth_server::authority::{
    Allowance, DailySpending, GrantCommand, GrantOutcome, GrantRefusal, RELAYED_STREAMS,
    SpendingQuota,
};
use oauth_server::client::Client;
use oauth_server::document_cache::ClientDocuments;
use oauth_server::document_url::DocumentPolicy;
use oauth_server::grant_store::{CountRow, GrantStore};
use oauth_server::hooks::Hooks;
use oauth_server::record::AccessRecord;
use oauth_server::secret::sha256_hex;
use oauth_server::testing::{MemoryKv, MemoryWeb, SeededRandom};
use oauth_server::token::{PresentedToken, TokenKind, UserHandle, classify};
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, REDIRECT};
use crate::support::grants::{NOW, PUBLIC, World};

mod later_versions;
mod writing;
mod written_types;

/// The secret that the files were written with, but for those of browsers and grants, which have the secrets of their tests.
const SECRET: &str = "the secret of the golden files, which is long enough";

fn directory(version: u8) -> PathBuf {
    PathBuf::from(format!("{}/golden/v{version}", env!("CARGO_MANIFEST_DIR")))
}

/// The golden files of a version: what follows the name of the format, and the text.
fn files(format: Format, version: u8) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for file in fs::read_dir(directory(version)).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(rest) = name.strip_prefix(format.name())
            && (rest.is_empty() || rest.starts_with('.'))
        {
            files.push((rest.to_owned(), fs::read_to_string(&path).unwrap()));
        }
    }
    files
}

/// A runtime at the time of the files.
struct Then;

impl Random for Then {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        thread_local! {
            static SEEDED: SeededRandom = SeededRandom::new(7);
        }
        SEEDED.with(|random| random.fill(bytes))
    }
}

impl Runtime for Then {
    fn now(&self) -> u64 {
        NOW
    }

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
        ready(Ok(Rc::new(Keys::from_secret(SECRET)))).boxed_local()
    }

    fn random(&self) -> &dyn Random {
        self
    }

    fn warn(&self, _: &str) {}
}

fn caller() -> Caller {
    Caller {
        subject: Some("ann:ö".into()),
        client_id: Some("client".into()),
        grant: Some("AAAAAAAAAAAAAAAA".into()),
        resource: Some("https://mcp.example/mcp".into()),
        expires: Some(1_700_003_600),
        sessions_since: 0,
        scopes: vec!["read".into(), "write".into()],
        props: json!({"name": "Ann\nÖ"}),
    }
}

/// The request of the golden request states, with that state.
fn request(state: Option<&str>) -> Request {
    let mut params = json!({ "name": "t", "arguments": { "a": [1, { "b": null }] } });
    if let Some(state) = state {
        params["requestState"] = json!(state);
    }
    let text =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    match parse(&text).unwrap() {
        Body::Single(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn answers() -> RoundTrips {
    RoundTrips::new(read_answers(r#"{"q":{"action":"accept","content":{}}}"#).unwrap())
}

/// A user's object with what was stored then.
fn restored(stored: &Value) -> World {
    let world = World::new(3, Hooks::default());
    for (id, json) in stored["rows"].as_object().unwrap() {
        world.outside.rows.set(id, json.as_str().unwrap());
    }
    for (key, json) in stored["kv"].as_object().unwrap() {
        world.outside.kv.set(key, json.as_str().unwrap());
    }
    world
}

/// A browser with the cookies of then, and the deployment that it knows.
fn with_browser(file: &Value, run: impl FnOnce(&mut Browser<'_>)) {
    let deployment = Deployment::new();
    for (key, json) in file["kv"].as_object().into_iter().flatten() {
        deployment.set_record(key, json.as_str().unwrap());
    }
    let mut browser = Browser::new(&deployment);
    browser.cookies = serde_json::from_value(file["cookies"].clone()).unwrap();
    run(&mut browser);
}

const DOCUMENT: &str = "https://c.example/client.json";

/// The name of the client that the document describes, and how often its host was asked.
fn documented(copy: &str, web: &MemoryWeb) -> (Option<String>, usize) {
    let (kv, rates) = (MemoryKv::at(NOW), RefCell::default());
    kv.set(&format!("document:{}", sha256_hex(DOCUMENT)), copy);
    let documents = ClientDocuments {
        kv: &kv,
        fetch: web,
        policy: &DocumentPolicy::default(),
        grant_types: &["authorization_code".to_owned()],
        rates: &rates,
        address: "192.0.2.1",
        now: NOW,
    };
    let client = block_on(documents.client(DOCUMENT, true)).unwrap();
    (client.name, web.asked().len())
}

/// Reads a golden file. A format that is missing here does not compile.
#[expect(clippy::too_many_lines, reason = "one arm for each format")]
fn reads(format: Format, version: u8, kind: &str, text: &str) {
    let keys = Keys::from_secret(SECRET);
    match format {
        Format::KeyRing => {
            let ring = Keys::from_text(text).unwrap();
            let ids: Vec<_> = [[1; 32], [2; 32], [3; 32]]
                .map(|key| Keys::generate(key, 0).current_id())
                .into();
            assert!(ids.iter().all(|id| ring.knows(*id)) && ring.current_id() == ids[2]);
            assert_eq!(
                ring.anchor_mac("p", b"m"),
                Keys::generate([1; 32], 0).anchor_mac("p", b"m")
            );
        }
        Format::SessionId => {
            let claims = SessionClaims::verify(text, &keys, &caller(), NOW / 1000, 10).unwrap();
            assert_eq!(
                (claims.object, claims.client.name.as_str()),
                (ObjectId([7; 32]), "Inspector")
            );
            assert_eq!(SessionClaims::read_verified(text), Some(claims));
        }
        Format::Token => {
            let world = World::new(3, Hooks::default());
            let kind = match kind {
                ".access" => TokenKind::Access,
                ".refresh" => TokenKind::Refresh,
                _ => TokenKind::Code,
            };
            assert!(matches!(
                classify(text, kind, &world.outside.keys),
                PresentedToken::Ours(_)
            ));
        }
        Format::EventId => assert_eq!(EventId::parse(text).unwrap().sequence, 3),
        Format::SealedForToken => {
            assert_eq!(
                seal::try_open(&keys, "a token", b"header", text).as_deref(),
                Ok(b"plain".as_slice())
            );
        }
        Format::SealedToCarry if kind == ".page" => {
            assert_eq!(
                seal::try_open_page(&keys, "a page", text).as_deref(),
                Ok(b"plain".as_slice())
            );
        }
        Format::SealedToCarry => {
            let opened = seal::try_open_carried(&keys, "a purpose", b"header", text);
            assert_eq!(opened.as_deref(), Ok(b"plain".as_slice()));
        }
        Format::RequestState => {
            let rounds = block_on(request_state::rounds(
                &request(Some(text)),
                &caller(),
                &Then,
            ))
            .unwrap();
            if version < 3 {
                assert_eq!(rounds.unwrap_err().code.0, -32602);
            } else {
                assert_eq!(rounds.unwrap().answers_json(), answers().answers_json());
            }
        }
        Format::StateHandle => {
            assert_eq!(
                block_on(state_handle::open(text, 1, &Then)),
                Ok(Some(ObjectId([7; 32])))
            );
        }
        Format::TaskId => assert_eq!(
            block_on(id::open(text, &caller(), &Then)),
            Ok(Some(ObjectId([7; 32])))
        ),
        Format::FlowCookie | Format::ConsentCookie | Format::AccountCookie => {
            reads_cookies(format, kind, text);
        }
        Format::AccessRecord | Format::GrantHeader | Format::GrantRow => {
            reads_grants(format, kind, text);
        }
        Format::ClientRecord => {
            assert_eq!(
                Client::from_json(text).unwrap().name.as_deref(),
                Some("Editor")
            );
        }
        Format::ClientDocument => {
            assert_eq!(
                documented(text, &MemoryWeb::default()),
                (Some("C".to_owned()), 0)
            );
        }
        Format::SpendingRow => {
            let mut world = World::new(3, Hooks::default());
            world.outside.rows.set_count(CountRow::Spending, text);
            let spent = world.run(GrantCommand::Spent);
            assert_eq!(
                spent,
                Ok(GrantOutcome::Spent(DailySpending {
                    requests: 2,
                    tokens: 1100
                }))
            );
        }
        Format::RelayRow => {
            let mut world = World::new(3, Hooks::default());
            let grant = world.granted();
            world.outside.rows.set_count(CountRow::Relayed, text);
            let busy = GrantOutcome::Allowance(Allowance::Busy { retry_after: 5 });
            // One of the four streams is open.
            for id in 1..RELAYED_STREAMS {
                let begun = world.run(writing::relayed(&grant, &id.to_string()));
                assert_ne!(begun, Ok(busy.clone()), "{id}");
            }
            assert_eq!(world.run(writing::relayed(&grant, "one more")), Ok(busy));
        }
        Format::GrantTimes => assert!(UserHandle::parse(text.split(' ').next().unwrap()).is_some()),
        Format::GrantCommand => {
            let command: GrantCommand = serde_json::from_str(text).unwrap();
            assert_eq!(command.name().replace('_', "-"), kind[1..]);
        }
        Format::GrantOutcome => {
            assert!(serde_json::from_str::<Result<GrantOutcome, GrantRefusal>>(text).is_ok());
        }
        Format::CallerHeader => assert_eq!(internal_headers::decode(Some(text)), Ok(caller())),
        Format::TransportHeader => {
            assert_eq!(
                Transport::parse(Some(text)).unwrap().as_str(),
                if kind.is_empty() {
                    "stateless"
                } else {
                    &kind[1..]
                }
            );
        }
        Format::StateHeader => assert_eq!(
            internal_headers::read_state(text),
            Ok(("c3RhdGU".to_owned(), kind.is_empty()))
        ),
        Format::SessionRows => {
            let mut kept = Kept::default();
            for (kind, text, at) in
                serde_json::from_str::<Vec<(String, String, u64)>>(text).unwrap()
            {
                kept.take(&kind, &text, at).unwrap();
            }
            assert!(kept.used >= NOW && kept.ended == (kind == ".ended.json"));
        }
        Format::SseAttachment => {
            assert_eq!(legacy_sse::read_attachment(text).unwrap().name, "Inspector");
        }
        Format::ListedTag => {
            let parts: Vec<_> = text
                .strip_prefix("listed:")
                .unwrap()
                .splitn(3, ':')
                .collect();
            assert!(
                UserHandle::parse(parts[0]).is_some() && SessionClaims::of_key(parts[2]).is_some()
            );
        }
        Format::TaskCommand => assert_eq!(TaskCommand::parse(text).unwrap().to_text(), text),
        Format::TaskRecord => assert_eq!(Record::stored(text).unwrap().unwrap().to_text(), text),
        Format::HubNotice => assert_eq!(Publication::parse(text).unwrap().to_text(), text),
        Format::HubChange => {
            assert_eq!(Change::parse(text), Some(Change::Resource("a:b c".into())));
        }
        Format::HubJoin => {
            let Some(hub::HubCommand::Join {
                object, expires, ..
            }) = hub::HubCommand::parse(hub::JOIN, text)
            else {
                panic!("{text}");
            };
            assert!(ObjectId::from_hex(&object).is_some() && expires == NOW + 1000);
        }
        Format::HubListener => assert_eq!(Listener::parse(text).unwrap().to_text(), text),
    }
}

/// The browser of then goes on where it was.
fn reads_cookies(format: Format, kind: &str, text: &str) {
    let file: Value = serde_json::from_str(text).unwrap();
    let of = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
    with_browser(&file, |browser| match (format, kind) {
        (Format::FlowCookie, ".asked.json") => {
            let fields = [
                ("flow", of("flow")),
                ("csrf", of("csrf")),
                ("decision", "approve".to_owned()),
            ];
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            assert_eq!(browser.post("/authorize", &fields).status, 303);
        }
        (Format::FlowCookie, _) => {
            assert!(browser.back(&of("state"), "ann").sent("code").is_some());
        }
        // Whether it is as good as it was is for its time to say; the person gets on either way.
        (Format::ConsentCookie, _) => {
            assert!([200, 302, 303].contains(&browser.asked(&of("client"), &[]).status));
        }
        _ => assert!(browser.get("/account").text.contains("<bdi>ann</bdi>")),
    });
}

/// The client of then goes on where it was.
fn reads_grants(format: Format, kind: &str, text: &str) {
    let live: Value = serde_json::from_str(
        &files(Format::GrantRow, 1)
            .into_iter()
            .find(|(kind, _)| kind == ".live.json")
            .unwrap()
            .1,
    )
    .unwrap();
    if format == Format::AccessRecord {
        let token = live["issued"]["access_token"].as_str().unwrap();
        let access = AccessRecord::from_json(
            text,
            &restored(&live["stored"]).outside.keys,
            token,
            NOW / 1000,
        )
        .unwrap();
        return assert_eq!(access.client_id, PUBLIC.id);
    }
    if format == Format::GrantHeader {
        let header: Value = serde_json::from_str(text).unwrap();
        return assert_eq!(
            (&header["v"], &header["clientId"]),
            (&json!(1), &json!(PUBLIC.id))
        );
    }
    let file: Value = serde_json::from_str(text).unwrap();
    let mut world = restored(&file["stored"]);
    let token = |path: &str| {
        file.pointer(path)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    match kind {
        ".pending.json" => {
            assert!(
                world
                    .issued(GrantCommand::Redeem(PUBLIC.redeem(&token("/code"))))
                    .is_ok()
            );
        }
        ".live.json" | ".refreshed.json" => {
            assert!(world.access(&token("/issued/access_token")).is_some());
            assert!(
                world
                    .issued(GrantCommand::Refresh(
                        PUBLIC.refresh(&token("/issued/refresh_token"))
                    ))
                    .is_ok()
            );
            assert_eq!(world.run(GrantCommand::RevokeAll), Ok(GrantOutcome::Done));
            assert!(
                world.outside.kv.keys("").is_empty(),
                "{:?}",
                world.outside.kv.keys("")
            );
        }
        ".ending.json" => {
            let refused = world.issued(GrantCommand::Refresh(
                PUBLIC.refresh(&token("/issued/refresh_token")),
            ));
            assert!(
                matches!(refused, Err(GrantRefusal::InvalidGrant(_))),
                "{refused:?}"
            );
        }
        _ => assert!(
            world
                .issued(GrantCommand::Refresh(PUBLIC.refresh(&token("/token"))))
                .is_ok()
        ),
    }
}

#[test]
fn every_version_of_every_format_is_read() {
    for format in Format::ALL {
        for version in 1..=format.version() {
            let files = files(*format, version);
            assert!(
                !files.is_empty(),
                "{} has no golden file of version {version}",
                format.name()
            );
            for (kind, text) in files {
                println!("{} {version} {kind}", format.name());
                reads(*format, version, &kind, &text);
            }
        }
    }
}

#[test]
fn every_golden_file_belongs_to_a_format() {
    let newest = Format::ALL
        .iter()
        .map(|format| format.version())
        .max()
        .unwrap();
    for version in 1..=newest {
        let known: usize = Format::ALL
            .iter()
            .map(|format| files(*format, version).len())
            .sum();
        assert_eq!(
            fs::read_dir(directory(version)).unwrap().count(),
            known,
            "v{version}"
        );
    }
}

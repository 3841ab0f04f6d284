//! Bytes of every version of every format, which today's code has to read; and of versions to come, which it has to refuse
//! without harm.
//!
//! `tests/golden/v<version>/<name>*` was written by the release in which the version was the newest, and never changes. A
//! new version gets files of its own: [`write_the_newest_versions`] makes them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use durable_mcp::formats::Format;
use durable_mcp::hub::{self, Listener};
use durable_mcp::keys::Keys;
use durable_mcp::mcp::change::Change;
use durable_mcp::mcp::jsonrpc::{Body, Message, Request, parse};
use durable_mcp::mcp::user::Caller;
use durable_mcp::oauth::authority::{Command, Outcome, Refused};
use durable_mcp::oauth::client::Client;
use durable_mcp::oauth::document_cache::Documents;
use durable_mcp::oauth::document_url::DocumentPolicy;
use durable_mcp::oauth::grant_store::GrantStore;
use durable_mcp::oauth::hooks::Hooks;
use durable_mcp::oauth::memory::{MemoryKv, MemoryWeb, SeededRandom};
use durable_mcp::oauth::record::Access;
use durable_mcp::oauth::secret::sha256_hex;
use durable_mcp::oauth::token::{Handle, Kind, Presented, read};
use durable_mcp::runtime::{Random, Runtime};
use durable_mcp::seal;
use durable_mcp::session::notice::Notice;
use durable_mcp::session::store::Kept;
use durable_mcp::task::command::Command as TaskCommand;
use durable_mcp::task::id;
use durable_mcp::task::record::Record;
use durable_mcp::transport::claims::{Claims, ObjectId};
use durable_mcp::transport::era::Transport;
use durable_mcp::transport::rounds::{Rounds, read_answers};
use durable_mcp::transport::sse::EventId;
use durable_mcp::transport::{legacy_sse, order, request_state, state_handle};
use durable_mcp::wire::Fault;
use futures_executor::block_on;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::{Value, json};

use crate::support::browser::{Browser, Deployment, REDIRECT};
use crate::support::grants::{NOW, PUBLIC, World};

/// The secret that the files were written with, but for those of browsers and grants, which have the secrets of their tests.
const SECRET: &str = "the secret of the golden files, which is long enough";

fn directory(version: u8) -> PathBuf {
    PathBuf::from(format!("{}/tests/golden/v{version}", env!("CARGO_MANIFEST_DIR")))
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
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Fault> {
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

    fn keys(&self, _: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
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
    let text = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    match parse(&text).unwrap() {
        Body::Single(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn answers() -> Rounds {
    Rounds::new(read_answers(r#"{"q":{"action":"accept","content":{}}}"#).unwrap())
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
    let documents = Documents {
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
fn reads(format: Format, version: u8, kind: &str, text: &str) {
    let keys = Keys::from_secret(SECRET);
    match format {
        Format::KeyRing => {
            let ring = Keys::from_text(text).unwrap();
            let ids: Vec<_> = [[1; 32], [2; 32], [3; 32]].map(|key| Keys::generate(key, 0).current_id()).into();
            assert!(ids.iter().all(|id| ring.knows(*id)) && ring.current_id() == ids[2]);
            assert_eq!(ring.anchor_mac("p", b"m"), Keys::generate([1; 32], 0).anchor_mac("p", b"m"));
        }
        Format::SessionId => {
            let claims = Claims::verify(text, &keys, &caller(), NOW / 1000, 10).unwrap();
            assert_eq!((claims.object, claims.client.name.as_str()), (ObjectId([7; 32]), "Inspector"));
            assert_eq!(Claims::read_verified(text), Some(claims));
        }
        Format::Token => {
            let world = World::new(3, Hooks::default());
            let kind = match kind {
                ".access" => Kind::Access,
                ".refresh" => Kind::Refresh,
                _ => Kind::Code,
            };
            assert!(matches!(read(text, kind, &world.outside.keys), Presented::Ours(_)));
        }
        Format::EventId => assert_eq!(EventId::parse(text).unwrap().sequence, 3),
        Format::SealedForToken => {
            assert_eq!(seal::try_open(&keys, "a token", b"header", text).as_deref(), Ok(b"plain".as_slice()));
        }
        Format::SealedToCarry if kind == ".page" => {
            assert_eq!(seal::try_open_page(&keys, "a page", text).as_deref(), Ok(b"plain".as_slice()));
        }
        Format::SealedToCarry => {
            let opened = seal::try_open_carried(&keys, "a purpose", b"header", text);
            assert_eq!(opened.as_deref(), Ok(b"plain".as_slice()));
        }
        Format::RequestState => {
            let rounds = block_on(request_state::rounds(&request(Some(text)), &caller(), &Then)).unwrap();
            if version < 3 {
                assert_eq!(rounds.unwrap_err().code.0, -32602);
            } else {
                assert_eq!(rounds.unwrap().answers_json(), answers().answers_json());
            }
        }
        Format::StateHandle => {
            assert_eq!(block_on(state_handle::open(text, 1, &Then)), Ok(Some(ObjectId([7; 32]))));
        }
        Format::TaskId => assert_eq!(block_on(id::open(text, &caller(), &Then)), Ok(Some(ObjectId([7; 32])))),
        Format::FlowCookie | Format::ConsentCookie | Format::AccountCookie => reads_cookies(format, kind, text),
        Format::AccessRecord | Format::GrantHeader | Format::GrantRow => reads_grants(format, kind, text),
        Format::ClientRecord => assert_eq!(Client::read(text).unwrap().name.as_deref(), Some("Editor")),
        Format::ClientDocument => {
            assert_eq!(documented(text, &MemoryWeb::default()), (Some("C".to_owned()), 0));
        }
        Format::GrantTimes => assert!(Handle::parse(text.split(' ').next().unwrap()).is_some()),
        Format::GrantCommand => {
            let command: Command = serde_json::from_str(text).unwrap();
            assert_eq!(command.name().replace('_', "-"), kind[1..]);
        }
        Format::GrantOutcome => assert!(serde_json::from_str::<Result<Outcome, Refused>>(text).is_ok()),
        Format::CallerHeader => assert_eq!(order::decode(Some(text)), Ok(caller())),
        Format::TransportHeader => {
            assert_eq!(
                Transport::parse(Some(text)).unwrap().as_str(),
                if kind.is_empty() { "stateless" } else { &kind[1..] }
            );
        }
        Format::StateHeader => assert_eq!(order::read_state(text), Ok(("c3RhdGU".to_owned(), kind.is_empty()))),
        Format::SessionRows => {
            let mut kept = Kept::default();
            for (kind, text, at) in serde_json::from_str::<Vec<(String, String, u64)>>(text).unwrap() {
                kept.take(&kind, &text, at).unwrap();
            }
            assert!(kept.used >= NOW && kept.ended == (kind == ".ended.json"));
        }
        Format::SseAttachment => assert_eq!(legacy_sse::read_attachment(text).unwrap().name, "Inspector"),
        Format::ListedTag => {
            let parts: Vec<_> = text.strip_prefix("listed:").unwrap().splitn(3, ':').collect();
            assert!(Handle::parse(parts[0]).is_some() && Claims::of_key(parts[2]).is_some());
        }
        Format::TaskCommand => assert_eq!(TaskCommand::parse(text).unwrap().to_text(), text),
        Format::TaskRecord => assert_eq!(Record::stored(text).unwrap().unwrap().to_text(), text),
        Format::HubNotice => assert_eq!(Notice::parse(text).unwrap().to_text(), text),
        Format::HubChange => assert_eq!(Change::parse(text), Some(Change::Resource("a:b c".into()))),
        Format::HubJoin => {
            let Some(hub::Command::Join { object, expires, .. }) = hub::Command::parse(hub::JOIN, text) else {
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
            let fields = [("flow", of("flow")), ("csrf", of("csrf")), ("decision", "approve".to_owned())];
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(browser.post("/authorize", &fields).status, 303);
        }
        (Format::FlowCookie, _) => assert!(browser.back(&of("state"), "ann").sent("code").is_some()),
        // Whether it is as good as it was is for its time to say; the person gets on either way.
        (Format::ConsentCookie, _) => assert!([200, 302, 303].contains(&browser.asked(&of("client"), &[]).status)),
        _ => assert!(browser.get("/account").text.contains("<bdi>ann</bdi>")),
    });
}

/// The client of then goes on where it was.
fn reads_grants(format: Format, kind: &str, text: &str) {
    let live: Value =
        serde_json::from_str(&files(Format::GrantRow, 1).into_iter().find(|(kind, _)| kind == ".live.json").unwrap().1)
            .unwrap();
    if format == Format::AccessRecord {
        let token = live["issued"]["access_token"].as_str().unwrap();
        let access = Access::read(text, &restored(&live["stored"]).outside.keys, token, NOW / 1000).unwrap();
        return assert_eq!(access.client_id, PUBLIC.id);
    }
    if format == Format::GrantHeader {
        let header: Value = serde_json::from_str(text).unwrap();
        return assert_eq!((&header["v"], &header["clientId"]), (&json!(1), &json!(PUBLIC.id)));
    }
    let file: Value = serde_json::from_str(text).unwrap();
    let mut world = restored(&file["stored"]);
    let token = |path: &str| file.pointer(path).and_then(Value::as_str).unwrap().to_owned();
    match kind {
        ".pending.json" => {
            assert!(world.issued(Command::Redeem(PUBLIC.redeem(&token("/code")))).is_ok());
        }
        ".live.json" | ".refreshed.json" => {
            assert!(world.access(&token("/issued/access_token")).is_some());
            assert!(world.issued(Command::Refresh(PUBLIC.refresh(&token("/issued/refresh_token")))).is_ok());
            assert_eq!(world.run(Command::RevokeAll), Ok(Outcome::Done));
            assert!(world.outside.kv.keys("").is_empty(), "{:?}", world.outside.kv.keys(""));
        }
        ".ending.json" => {
            let refused = world.issued(Command::Refresh(PUBLIC.refresh(&token("/issued/refresh_token"))));
            assert!(matches!(refused, Err(Refused::InvalidGrant(_))), "{refused:?}");
        }
        _ => assert!(world.issued(Command::Refresh(PUBLIC.refresh(&token("/token")))).is_ok()),
    }
}

#[test]
fn every_version_of_every_format_is_read() {
    for format in Format::ALL {
        for version in 1..=format.version() {
            let files = files(*format, version);
            assert!(!files.is_empty(), "{} has no golden file of version {version}", format.name());
            for (kind, text) in files {
                println!("{} {version} {kind}", format.name());
                reads(*format, version, &kind, &text);
            }
        }
    }
}

#[test]
fn every_golden_file_is_of_a_format() {
    let newest = Format::ALL.iter().map(|format| format.version()).max().unwrap();
    for version in 1..=newest {
        let known: usize = Format::ALL.iter().map(|format| files(*format, version).len()).sum();
        assert_eq!(fs::read_dir(directory(version)).unwrap().count(), known, "v{version}");
    }
}

/// Types that are written as JSON and read again, and what they are part of. One that is missing here is of no format yet.
const WRITTEN: &[(&str, &[&str])] = &[
    ("http/sign_in/account.rs", &["Session"]),
    ("http/sign_in/flow.rs", &["Flow", "Aim", "Left"]),
    (
        "oauth/authority/command.rs",
        &[
            "Command", "Begin", "Redeem", "Refresh", "Mint", "Issue", "Adopt", "Outcome", "Code", "Issued", "Listed",
            "Refused",
        ],
    ),
    ("oauth/authority/exchange.rs", &["Inside"]),
    ("oauth/authority/refresh.rs", &["Pair"]),
    ("oauth/client.rs", &["AuthMethod", "ApplicationType", "Origin", "Client", "Record"]),
    ("oauth/document_cache.rs", &["Kept"]),
    ("oauth/grant.rs", &["Facts", "Grant", "Pending", "Live"]),
    ("oauth/grant/ending.rs", &["Legacy", "Held", "Ending"]),
    ("oauth/grant/tokens.rs", &["Spent", "Current", "Previous", "LiveAccess"]),
    ("oauth/record.rs", &["Kept", "Claims"]),
    ("oauth/session_note.rs", &["TaskNotes", "SessionNote", "SessionNotes"]),
    ("oauth/sign_in.rs", &["Authorization"]),
    ("task/command.rs", &["Written"]),
    ("task/record.rs", &["Status", "Written"]),
    // Parts of others, which check themselves.
    ("oauth/pkce.rs", &["Challenge"]),
    ("oauth/redirect_uri.rs", &["RedirectUri"]),
    ("oauth/resource.rs", &["Resource"]),
    ("oauth/scope.rs", &["Scope", "Scopes"]),
    ("oauth/token.rs", &["Handle", "GrantId"]),
    // The log's, and what tools have of an identity provider: sign-in checks it when it is read.
    ("oauth/event.rs", &["About", "Event"]),
    ("identity/code_flow/tokens.rs", &["IdToken"]),
];

#[test]
fn every_type_that_is_written_and_read_is_of_a_known_format() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            // MCP's own forms, which its versions say, and what the demo's tools keep in their sessions.
            if path.extension().is_some_and(|kind| kind == "rs")
                && !name.starts_with("mcp/")
                && !name.starts_with("tools")
            {
                found.entry(name).or_default().extend(written_types(text));
            }
        }
    }
    found.retain(|_, types| !types.is_empty());
    let known: BTreeMap<String, Vec<String>> = WRITTEN
        .iter()
        .map(|(file, types)| ((*file).to_owned(), types.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    assert_eq!(found, known, "what is new here needs a `Format` with golden files, or to be part of one");
}

/// The types of a file that derive both `Serialize` and `Deserialize`, outside of examples.
fn written_types(text: &str) -> Vec<String> {
    let mut types = Vec::new();
    let mut derives = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if line.starts_with("#[derive(") {
            derives =
                line.contains("Serialize") && line.contains("Deserialize") && line.matches("erialize").count() > 1;
        }
        let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        if let Some(at) = words.iter().position(|word| ["struct", "enum"].contains(word)).filter(|_| derives) {
            types.push(words[at + 1].to_owned());
            derives = false;
        }
    }
    types
}

/// Refuses texts that a later version may have written. A format that is missing here does not compile.
fn refuses(format: Format) {
    let keys = Keys::from_secret(SECRET);
    let file = |kind: &str| files(format, 1).into_iter().find(|(known, _)| known == kind).unwrap().1;
    match format {
        Format::KeyRing => assert!(Keys::from_text(&format!("v2\n{}", file(""))).is_err()),
        // By bytes that are signed; see claims.rs.
        Format::SessionId => assert!(Claims::verify("AgAA", &keys, &caller(), 0, 1).is_err()),
        Format::Token => assert!(matches!(read("2.a:b:c", Kind::Access, &keys), Presented::Unknown)),
        Format::EventId => assert_eq!(EventId::parse(&format!("2-{}", file(""))), None),
        Format::SealedForToken => assert!(seal::try_open(&keys, "a token", b"header", "2.AAAA").is_err()),
        Format::SealedToCarry => {
            assert_eq!(seal::try_open_page(&keys, "a page", "3.AAAA"), Err(seal::OpenError::OtherVersion));
            let opened = seal::try_open_carried(&keys, "a purpose", b"header", "3.AAAA");
            assert_eq!(opened, Err(seal::OpenError::OtherVersion));
        }
        Format::RequestState => {
            let read = block_on(request_state::rounds(&request(Some("3.AAAA")), &caller(), &Then));
            assert_eq!(read.map(|_| ()), Err(format.unreadable()));
        }
        Format::StateHandle => {
            assert_eq!(block_on(state_handle::open("3.AAAA", 1, &Then)), Err(format.unreadable()));
        }
        Format::TaskId => assert_eq!(block_on(id::open("3.AAAA", &caller(), &Then)), Err(format.unreadable())),
        Format::FlowCookie | Format::ConsentCookie | Format::AccountCookie => refuses_cookies(format),
        Format::AccessRecord => {
            assert!(Access::read(r#"{"v":2,"sealed":"AAAA"}"#, &keys, "a:b:c", 0).is_err());
        }
        // Its client is not taken from it; see grants/unreadable.rs.
        Format::GrantHeader | Format::GrantRow | Format::GrantTimes => {}
        Format::ClientRecord => {
            assert!(Client::read(&file("").replacen("\"v\":1", "\"v\":2", 1)).is_err());
        }
        Format::ClientDocument => {
            let web = MemoryWeb::default();
            let document =
                json!({ "client_id": DOCUMENT, "client_name": "D", "redirect_uris": ["https://c.example/cb"] });
            web.set_json(DOCUMENT, 200, &document);
            let later = file("").replacen("\"v\":1", "\"v\":2", 1);
            assert_eq!(documented(&later, &web), (Some("D".to_owned()), 1), "its host is asked again");
        }
        Format::GrantCommand | Format::GrantOutcome => refuses_commands(format, &file),
        Format::CallerHeader => {
            for text in ["", "2.AAAA", &format!("{}AAAA", file(""))] {
                assert_eq!(order::decode(Some(text)), Err(format.unreadable()), "{text}");
            }
        }
        Format::TransportHeader => {
            for text in ["", "carrier pigeon", "Stateless"] {
                assert_eq!(Transport::parse(Some(text)), Err(format.unreadable()), "{text}");
            }
        }
        Format::StateHeader => assert_eq!(order::read_state("old c3RhdGU"), Err(format.unreadable())),
        Format::SessionRows => assert!(Kept::default().take("sealed state", "", 0).is_err()),
        Format::SseAttachment => {
            for text in ["2", "2027-01-01 3 Inspector", "2024-11-05 x Inspector"] {
                assert_eq!(legacy_sse::read_attachment(text), None, "{text}");
            }
        }
        Format::ListedTag => assert_eq!(Claims::of_key("2.x"), None),
        Format::TaskCommand => {
            for text in ["", "pause", "get 2", "watch closely", "update 2", "begin [2]"] {
                assert_eq!(TaskCommand::parse(text), None, "{text}");
            }
        }
        Format::TaskRecord => {
            for text in ["2", "[]", &file("").replacen(']', ",2]", 1), &file("").replace("Working", "Dreaming")] {
                assert_eq!(Record::stored(text), Err(format.unreadable()), "{text}");
            }
        }
        Format::HubNotice => {
            for text in ["", "2\n-\n-\ntools\nx", "-\n-\ntools\nnotifications/x\n[]"] {
                assert_eq!(Notice::parse(text), None, "{text}");
            }
        }
        Format::HubChange => assert_eq!(Change::parse("sampling"), None),
        Format::HubJoin => {
            for text in ["2", "2 soon", "2 1\n2"] {
                assert_eq!(hub::Command::parse(hub::JOIN, text), None, "{text}");
            }
        }
        Format::HubListener => {
            for text in ["2", "1\n- never", "1\n- 0\nsampling", "1\n- 0\nfrom nowhere"] {
                assert_eq!(Listener::parse(text), None, "{text}");
            }
        }
    }
}

/// The browser is told, keeps what it has, and gets on where it can.
fn refuses_cookies(format: Format) {
    match format {
        Format::FlowCookie => with_browser(&json!({ "cookies": [["__Host-flow-eDglgipvnmI", "3.AAAA"]] }), |browser| {
            assert_eq!(browser.back("eDglgipvnmIAAAAAAAA", "ann").status, 503);
            assert_eq!(browser.cookies.len(), 1);
        }),
        Format::ConsentCookie => with_browser(&json!({ "cookies": [["__Host-consent", "3.AAAA"]] }), |browser| {
            let metadata = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" }).to_string();
            let registered = browser.send(http::Method::POST, "/register", &metadata, &[]).text;
            let registered: Value = serde_json::from_str(&registered).unwrap();
            let page = browser.asked(registered["client_id"].as_str().unwrap(), &[]);
            assert!(page.text.contains("value=\"approve\""), "the person is asked");
            browser.approved(&page, "ann");
            assert_eq!(browser.cookies, [("__Host-consent".to_owned(), "3.AAAA".to_owned())], "and it stays");
        }),
        _ => with_browser(&json!({ "cookies": [["__Host-account", "3.AAAA"]] }), |browser| {
            assert_eq!(browser.get("/account").status, 503);
            assert_eq!(browser.cookies.len(), 1);
            assert!(browser.account("ann").text.contains("<bdi>ann</bdi>"), "to sign in again works");
        }),
    }
}

fn refuses_commands(format: Format, file: &dyn Fn(&str) -> String) {
    match format {
        Format::GrantCommand => {
            for text in [r#""Polish""#, r#"{"RevokeGrant":{"grant":"g","unless":"used"}}"#, "", "{}"] {
                assert!(serde_json::from_str::<Command>(text).is_err(), "{text}");
            }
            let begin = file(".begin").replacen("\"client_id\"", "\"only_on\":\"Mondays\",\"client_id\"", 1);
            assert!(serde_json::from_str::<Command>(&begin).is_err());
        }
        _ => {
            for text in [r#"{"Ok":"Polished"}"#, r#"{"Maybe":"Done"}"#, r#"{"Err":{"Busy":1}}"#, ""] {
                assert!(serde_json::from_str::<Result<Outcome, Refused>>(text).is_err(), "{text}");
            }
        }
    }
}

#[test]
fn what_a_later_version_wrote_is_refused() {
    for format in Format::ALL {
        println!("{}", format.name());
        refuses(*format);
    }
}

/// Everything of a user that is stored.
fn stored(world: &World) -> Value {
    let kv = &world.outside.kv;
    let rows: BTreeMap<_, _> = world.outside.rows.all().unwrap().into_iter().collect();
    let records: BTreeMap<_, _> = kv.keys("").into_iter().map(|key| (key.clone(), kv.value(&key))).collect();
    json!({ "rows": rows, "kv": records })
}

fn write_grants(put: &dyn Fn(Format, &str, &str)) {
    let put = |kind: &str, file: &Value| {
        put(Format::GrantRow, kind, &(serde_json::to_string_pretty(file).unwrap() + "\n"));
    };
    let mut world = World::new(3, Hooks::default());
    let code = world.begin(&PUBLIC);
    put(".pending.json", &json!({ "code": code, "stored": stored(&world) }));
    let first = world.issued(Command::Redeem(PUBLIC.redeem(&code))).unwrap();
    put(".live.json", &json!({ "code": code, "issued": first, "stored": stored(&world) }));
    let refresh = PUBLIC.refresh(first.refresh_token.as_deref().unwrap());
    let next = world.issued(Command::Refresh(refresh)).unwrap();
    put(".refreshed.json", &json!({ "first": first, "issued": next, "stored": stored(&world) }));
    world.run(Command::RevokeGrant { grant: first.grant }).unwrap();
    put(".ending.json", &json!({ "issued": next, "stored": stored(&world) }));
}

/// Writes the golden files of versions that have none yet: `cargo test --test integration write_the_newest -- --ignored`.
#[test]
#[ignore = "it writes files"]
fn write_the_newest_versions() {
    let (keys, object) = (Keys::from_secret(SECRET), ObjectId([7; 32]));
    let put = |format: Format, kind: &str, text: &str| {
        let path = directory(format.version()).join(format!("{}{kind}", format.name()));
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    put(Format::SealedToCarry, ".page", &seal::seal_page(&keys, "a page", b"plain", &Then).unwrap());
    let sealed = seal::seal_carried(&keys, "a purpose", b"header", b"plain", &Then).unwrap();
    put(Format::SealedToCarry, ".client", &sealed);
    put(Format::StateHandle, "", &state_handle::seal(object, NOW, &keys, &Then).unwrap());
    put(Format::TaskId, "", &id::seal(object, (NOW, NOW + 60_000), &caller(), &keys, &Then).unwrap());
    for (kind, begun) in [("", None), (".begun", Some("a-name"))] {
        let state = request_state::seal(&answers(), begun, &request(None), &caller(), NOW, &keys, &Then);
        put(Format::RequestState, kind, &state.unwrap().unwrap());
    }
    write_grants(&put);
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
    let left = json!({ "client": client, "state": state, "cookies": browser.cookies, "kv": records });
    put(Format::FlowCookie, ".left.json", &pretty(&left));
    browser.back(&state, "ann");
    let consent = json!({ "client": client, "cookies": browser.cookies, "kv": records });
    put(Format::ConsentCookie, ".json", &pretty(&consent));
    browser.account("ann");
    browser.cookies.retain(|(name, _)| name.contains("account"));
    put(Format::AccountCookie, ".json", &pretty(&json!({ "cookies": browser.cookies })));
}

//! Ids, tokens and sealed texts as strangers make them up, and stored records as another version may have written them.

use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_core::seal;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::round_trips;
use durable_mcp_worker::hub::Listener;
use durable_mcp_worker::session::publication::Publication;
use durable_mcp_worker::task::command::{Begin, Command};
use durable_mcp_worker::task::record::Record;
use durable_mcp_worker::testing::doubles::host::FakeHost;
use durable_mcp_worker::transport::session_id::{ObjectId, SessionClaims};
use durable_mcp_worker::transport::sse::EventId;
use durable_mcp_worker::transport::{internal_headers, state_handle};
use futures_util::FutureExt;
use oauth_server::client::Client;
use oauth_server::grant::Grant;
use oauth_server::legacy::LegacyGrant;
use oauth_server::record::AccessRecord;
use oauth_server::session_note::SessionNotes;
use oauth_server::testing::SeededRandom;
use oauth_server::token::{self, TokenKind};

use crate::meter::{Bounds, Linear, bounded};

const BOUNDS: Bounds = Bounds {
    peak: Linear(32 << 10, 32),
    bytes: Linear(64 << 10, 64),
    allocations: Linear(500, 1),
    steps: Linear(50_000, 50),
};

/// Session ids, tokens, state handles, task ids and sealed texts: one made up is nobody's.
pub fn made_up(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let host = FakeHost::new(String::new());
    let (keys, caller) = (Keys::from_secret("k"), Caller::default());
    bounded(&BOUNDS, text.len(), || {
        for kind in [TokenKind::Code, TokenKind::Access, TokenKind::Refresh] {
            let _ = token::classify(text, kind, &keys);
        }
        assert!(SessionClaims::verify(text, &keys, &caller, host.now(), 3600).is_err());
        let _ = (
            SessionClaims::read_verified(text),
            SessionClaims::of_key(text),
            ObjectId::from_hex(text),
            EventId::parse(text),
        );
        assert!(seal::open(&keys, "token", b"header", text).is_none());
        assert!(seal::open_page(&keys, "purpose", text).is_none());
        assert!(seal::try_open_carried(&keys, "purpose", b"header", text).is_err());
        // A text that may be of a later version is an error, and opens nothing.
        let opened = state_handle::open(text, 3600, &*host as &dyn Runtime).now_or_never();
        assert!(matches!(opened, Some(Ok(None) | Err(_))));
        let opened = durable_mcp_worker::task::id::open(text, &caller, &*host as &dyn Runtime)
            .now_or_never();
        assert!(matches!(opened, Some(Ok(None) | Err(_))));
    });
}

/// Sealed texts open to the same bytes.
pub fn sealed(input: &[u8]) {
    let (keys, random) = (Keys::from_secret("k"), SeededRandom::new(1));
    bounded(&BOUNDS, input.len(), || {
        let sealed = seal::seal_page(&keys, "purpose", input, &random).unwrap_or_default();
        assert_eq!(
            seal::open_page(&keys, "purpose", &sealed).as_deref(),
            Some(input)
        );
        assert!(seal::open_page(&keys, "another", &sealed).is_none());
    });
}

/// Stored and handed-on records. What is read is written to a text that is read to the same.
pub fn records(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    bounded(&BOUNDS, text.len(), || {
        again(text, |text| {
            Record::parse(text).map(|record| record.to_text())
        });
        again(text, |text| {
            Command::parse(text).map(|command| command.to_text())
        });
        again(text, |text| Begin::parse(text).map(|begin| begin.to_text()));
        again(text, |text| {
            Publication::parse(text).map(|publication| publication.to_text())
        });
        again(text, |text| {
            Listener::parse(text).map(|listener| listener.to_text())
        });
        oauth_records(text);
        let _ = (
            internal_headers::decode(Some(text)),
            internal_headers::read_state(text),
            round_trips::read_answers(text).is_ok(),
        );
    });
}

/// Records of clients, keys and grants.
fn oauth_records(text: &str) {
    let keys = Rc::new(Keys::from_secret("k"));
    again(text, |text| {
        Client::from_json(text).ok().map(|client| client.to_json())
    });
    again(text, |text| {
        Keys::from_text(text).ok().map(|keys| keys.to_text())
    });
    again(text, |text| {
        serde_json::from_str::<Grant>(text)
            .ok()
            .and_then(|grant| serde_json::to_string(&grant).ok())
    });
    again(text, |text| {
        serde_json::from_str::<SessionNotes>(text)
            .ok()
            .and_then(|notes| serde_json::to_string(&notes).ok())
    });
    let _ = LegacyGrant::from_json(text)
        .map(|grant| (grant.open(text).is_some(), grant.is_current(text)));
    let _ = AccessRecord::from_json(text, &keys, "token", 0);
}

fn again(text: &str, rewritten: impl Fn(&str) -> Option<String>) {
    if let Some(once) = rewritten(text) {
        assert_eq!(rewritten(&once).as_ref(), Some(&once), "{text}");
    }
}

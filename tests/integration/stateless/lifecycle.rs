//! Classification of a POST's body, under every version header that it may come with.
//!
//! A row has a body, and its result under each kind of header: a word for its class, or the status, code and id of the
//! refusal.

use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_worker::transport::lifecycle::{Lifecycle, classify};

/// The kinds of header, in the order of the columns below.
const HEADERS: [&[Option<&str>]; 5] = [
    &[None],
    &[
        Some("2025-11-25"),
        Some(" 2025-11-25"),
        Some("2025-11-25\t "),
    ],
    &[
        Some("2024-11-05"),
        Some("2025-03-26"),
        Some("2025-06-18"),
        Some(" 2025-06-18 "),
    ],
    &[
        Some("2026-07-28"),
        Some(" 2026-07-28"),
        Some("2026-07-28 \t"),
    ],
    &[Some("2099-01-01"), Some("\t2099-01-01 ")],
];

/// Headers that name no version at all: in every row as one that is not served, and never what a body claims.
const NONSENSE: [&str; 5] = ["", "   ", "2026-07-2", "2026-07-28, 2026-07-28", "draft"];

const SESSIONS: &str = "sessions";
const STATELESS: &str = "stateless";
const NOTIFICATION: &str = "notification";

type Row = (&'static str, &'static str, [&'static str; 5]);

/// A message of sessions, whatever is in it, is one as long as the header does not say otherwise.
const OF_SESSIONS: [&str; 5] = [SESSIONS, SESSIONS, SESSIONS, "400 -32602 7", SESSIONS];

/// A body that claims 2026-07-28 needs the header that says so.
const MODERN: [&str; 5] = [
    "400 -32020 7",
    "400 -32020 7",
    "400 -32020 7",
    STATELESS,
    "400 -32020 7",
];

/// An invalid claim is rejected before the header is read.
const UNFIT: [&str; 5] = ["400 -32602 7"; 5];

const MISPLACED: [&str; 5] = [SESSIONS, SESSIONS, SESSIONS, "400 -32600", SESSIONS];
const MISPLACED_ALWAYS: [&str; 5] = ["400 -32600"; 5];

macro_rules! request {
    ($method:literal, $params:expr) => {
        concat!(
            r#"{"jsonrpc":"2.0","id":7,"method":""#,
            $method,
            r#"","params":"#,
            $params,
            "}"
        )
    };
}

macro_rules! claim {
    ($version:literal $(, $more:literal)*) => {
        concat!(
            r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"#,
            $version,
            $(",", r#""io.modelcontextprotocol/"#, $more,)*
            "}}"
        )
    };
}

macro_rules! whole {
    ($version:literal) => {
        claim!($version, r#"clientCapabilities":{}"#)
    };
}

macro_rules! notification {
    ($params:expr) => {
        concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":"#,
            $params,
            "}"
        )
    };
}

const ROWS: &[Row] = &[
    (
        "a request",
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
        OF_SESSIONS,
    ),
    (
        "a request with parameters",
        request!("tools/list", r#"{"_meta":{"progressToken":1}}"#),
        OF_SESSIONS,
    ),
    (
        "a request that mentions the key elsewhere",
        request!(
            "tools/call",
            r#"{"name":"io.modelcontextprotocol/protocolVersion"}"#
        ),
        OF_SESSIONS,
    ),
    (
        "a request with the other keys",
        request!(
            "tools/list",
            r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}"#
        ),
        OF_SESSIONS,
    ),
    (
        "a request whose `_meta` is no object",
        request!(
            "tools/list",
            r#"{"_meta":"io.modelcontextprotocol/protocolVersion"}"#
        ),
        OF_SESSIONS,
    ),
    (
        "initialize",
        request!("initialize", r#"{"protocolVersion":"2025-11-25"}"#),
        [SESSIONS; 5],
    ),
    (
        "initialize of the newest version",
        request!("initialize", r#"{"protocolVersion":"2026-07-28"}"#),
        [SESSIONS; 5],
    ),
    (
        "a claim",
        request!("tools/list", whole!(r#""2026-07-28""#)),
        MODERN,
    ),
    (
        "a claim with an escaped slash",
        request!(
            "tools/list",
            r#"{"_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28","io.modelcontextprotocol\/clientCapabilities":{}}}"#
        ),
        MODERN,
    ),
    (
        "a claim of an unknown method",
        request!("x", whole!(r#""2026-07-28""#)),
        MODERN,
    ),
    (
        "a claim with all there is",
        request!(
            "tools/list",
            claim!(
                r#""2026-07-28""#,
                r#"clientCapabilities":{"roots":{}}"#,
                r#"clientInfo":{"name":"c"}"#,
                r#"logLevel":"debug""#
            )
        ),
        MODERN,
    ),
    (
        "initialize with a version to settle and a claim",
        request!(
            "initialize",
            r#"{"protocolVersion":"2025-11-25","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#
        ),
        [SESSIONS; 5],
    ),
    (
        "initialize with a claim, and without a version to settle",
        request!("initialize", whole!(r#""2026-07-28""#)),
        [SESSIONS, SESSIONS, SESSIONS, STATELESS, SESSIONS],
    ),
    (
        "a claim without capabilities",
        request!("tools/list", claim!(r#""2026-07-28""#)),
        UNFIT,
    ),
    (
        "a claim with capabilities that are null",
        request!(
            "tools/list",
            claim!(r#""2026-07-28""#, r#"clientCapabilities":null"#)
        ),
        UNFIT,
    ),
    (
        "a claim with capabilities of another type",
        request!(
            "tools/list",
            claim!(r#""2026-07-28""#, r#"clientCapabilities":[]"#)
        ),
        UNFIT,
    ),
    (
        "a claim with a capability of another type",
        request!(
            "tools/list",
            claim!(r#""2026-07-28""#, r#"clientCapabilities":{"sampling":1}"#)
        ),
        UNFIT,
    ),
    (
        "a claim with a client of another type",
        request!(
            "tools/list",
            claim!(
                r#""2026-07-28""#,
                r#"clientCapabilities":{}"#,
                r#"clientInfo":"c""#
            )
        ),
        UNFIT,
    ),
    (
        "a claim with an unknown level",
        request!(
            "tools/list",
            claim!(
                r#""2026-07-28""#,
                r#"clientCapabilities":{}"#,
                r#"logLevel":"loud""#
            )
        ),
        UNFIT,
    ),
    (
        "a claim of a number",
        request!("tools/list", whole!("20260728")),
        UNFIT,
    ),
    (
        "a claim of nothing",
        request!("tools/list", whole!("null")),
        UNFIT,
    ),
    (
        "initialize with a claim without capabilities, and without a version to settle",
        request!("initialize", claim!(r#""2026-07-28""#)),
        [SESSIONS, SESSIONS, SESSIONS, "400 -32602 7", SESSIONS],
    ),
    (
        "a claim of a version with sessions",
        request!("tools/list", whole!(r#""2025-11-25""#)),
        [
            "400 -32020 7",
            "400 -32022 7",
            "400 -32020 7",
            "400 -32020 7",
            "400 -32020 7",
        ],
    ),
    (
        "a claim of an unknown version",
        request!("tools/list", whole!(r#""2099-01-01""#)),
        [
            "400 -32020 7",
            "400 -32020 7",
            "400 -32020 7",
            "400 -32020 7",
            "400 -32022 7",
        ],
    ),
    (
        "a claim with whitespace in it",
        request!("tools/list", whole!(r#"" 2026-07-28""#)),
        ["400 -32020 7"; 5],
    ),
    (
        "a notification",
        notification!("{}"),
        [SESSIONS, SESSIONS, SESSIONS, NOTIFICATION, SESSIONS],
    ),
    (
        "a notification with a claim",
        notification!(whole!(r#""2026-07-28""#)),
        [
            "400 -32020",
            "400 -32020",
            "400 -32020",
            NOTIFICATION,
            "400 -32020",
        ],
    ),
    (
        "a notification with a claim without capabilities",
        notification!(claim!(r#""2026-07-28""#)),
        ["400 -32602"; 5],
    ),
    (
        "an answer",
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        MISPLACED,
    ),
    (
        "an answer that is an error",
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"m"}}"#,
        MISPLACED,
    ),
    (
        "a batch",
        concat!("[", request!("tools/list", "{}"), "]"),
        MISPLACED,
    ),
    ("a batch of nothing that can be read", "[1]", MISPLACED),
    (
        "a batch with a claim",
        concat!(
            "[",
            request!("tools/list", "{}"),
            ",",
            request!("tools/list", whole!(r#""2026-07-28""#)),
            "]"
        ),
        MISPLACED_ALWAYS,
    ),
    (
        "a batch with a notification that claims",
        concat!("[", notification!(whole!(r#""2026-07-28""#)), "]"),
        MISPLACED_ALWAYS,
    ),
    (
        "a batch with a claim of any version",
        concat!("[", request!("tools/list", claim!("1")), "]"),
        MISPLACED_ALWAYS,
    ),
    ("an empty batch", "[]", MISPLACED),
    (
        "what is not JSON",
        "{",
        [SESSIONS, SESSIONS, SESSIONS, "400 -32700", SESSIONS],
    ),
    (
        "nothing",
        "",
        [SESSIONS, SESSIONS, SESSIONS, "400 -32700", SESSIONS],
    ),
    ("what is no message", "7", MISPLACED),
    (
        "what is no message and has an id",
        r#"{"id":7}"#,
        [SESSIONS, SESSIONS, SESSIONS, "400 -32600 7", SESSIONS],
    ),
    (
        "a request with a list of parameters",
        request!("tools/list", "[]"),
        [SESSIONS, SESSIONS, SESSIONS, "400 -32600 7", SESSIONS],
    ),
];

fn told(header: Option<&str>, body: &str) -> String {
    match classify(header, body) {
        Ok(Lifecycle::Sessions(_)) => SESSIONS.to_owned(),
        Ok(Lifecycle::Stateless(request, envelope)) => {
            assert_eq!(
                (request.id.as_json(), envelope.version.as_str()),
                ("7", "2026-07-28")
            );
            STATELESS.to_owned()
        }
        Ok(Lifecycle::Notification) => NOTIFICATION.to_owned(),
        Err(refused) => {
            assert!(refused.error.message.len() > 10, "{}", refused.error);
            let id = refused
                .id
                .map(|id| format!(" {}", id.as_json()))
                .unwrap_or_default();
            format!("{} {}{id}", refused.status.as_u16(), refused.error.code.0)
        }
    }
}

#[test]
fn the_body_decides_the_lifecycle_before_the_header() {
    for (what, body, expected) in ROWS {
        for (headers, expected) in HEADERS.iter().zip(expected) {
            for header in *headers {
                assert_eq!(
                    told(*header, body),
                    *expected,
                    "{what} with {header:?}: {body}"
                );
            }
        }
    }
}

#[test]
fn a_header_that_names_no_version_does_not_decide_the_lifecycle() {
    for (what, body, [.., unknown]) in ROWS {
        // No version of the body equals the header here.
        let expected = unknown.replace("-32022", "-32020");
        for header in NONSENSE {
            assert_eq!(told(Some(header), body), expected, "{what} with {header:?}");
        }
    }
}

#[test]
fn the_table_has_a_header_of_every_version() {
    let named: Vec<_> = HEADERS
        .iter()
        .copied()
        .flatten()
        .flatten()
        .map(|header| header.trim())
        .collect();
    for version in ProtocolVersion::ALL {
        assert!(named.contains(&version.as_str()), "{version:?}");
    }
}

#[test]
fn an_unknown_version_is_refused_with_the_served_versions() {
    let body = request!("tools/list", whole!(r#""2099-01-01""#));
    let refused = classify(Some("2099-01-01"), body).unwrap_err();
    assert_eq!(
        refused.error.data,
        Some(serde_json::json!({ "supported": ["2026-07-28"], "requested": "2099-01-01" }))
    );
}

#[test]
fn an_incomplete_envelope_is_refused_with_the_missing_keys() {
    let bare = classify(Some("2026-07-28"), request!("tools/list", "{}"))
        .unwrap_err()
        .error
        .message;
    assert!(
        bare.contains("protocolVersion") && bare.contains("clientCapabilities"),
        "{bare}"
    );
    let body = request!("tools/list", claim!(r#""2026-07-28""#));
    let half = classify(Some("2026-07-28"), body)
        .unwrap_err()
        .error
        .message;
    assert!(
        half.contains("io.modelcontextprotocol/clientCapabilities"),
        "{half}"
    );
}

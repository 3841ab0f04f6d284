//! What the Worker tells a session's object besides the request itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mcp::jsonrpc::to_json;
use crate::mcp::user::Caller;

/// The header with the caller's identity. The Worker sets or removes it on every request that it passes on, so one
/// from outside never arrives.
pub const CALLER: &str = "x-durable-mcp-caller";

/// The header that tells the object which transport a request came by.
pub const TRANSPORT: &str = "x-durable-mcp-transport";

/// The header with a session id. On HTTP+SSE it stands in the URL instead, but for the request that opens the stream.
pub const SESSION: &str = "mcp-session-id";

/// The query parameter with the session id of HTTP+SSE, by custom of the SDKs.
pub const SESSION_ID: &str = "sessionId";

/// The header of an object's answer with the scopes that the caller lacks: a challenge takes its place on the way out.
pub const NEEDED_SCOPES: &str = "x-durable-mcp-needed-scopes";

/// The header that tells an object which state a request is about, where its caller names it; see [`named_state`].
pub const STATE: &str = "x-durable-mcp-state";

/// What the value of [`STATE`] begins with if the state begins with this request.
const NEW: &str = "new ";

/// The value of [`STATE`] for a state of that name.
#[must_use]
pub fn named_state(name: &str, is_new: bool) -> String {
    format!("{}{name}", if is_new { NEW } else { "" })
}

/// Reads the value of [`STATE`]: the state's name, and whether it begins with this request.
#[must_use]
pub fn read_state(value: &str) -> (String, bool) {
    value.strip_prefix(NEW).map_or_else(|| (value.to_owned(), false), |name| (name.to_owned(), true))
}

/// Headers that are nobody's business behind the Worker.
pub const PRIVATE: [&str; 5] = [CALLER, TRANSPORT, STATE, "authorization", "cookie"];

/// The value of [`CALLER`]; none for a public server.
#[must_use]
pub fn encode(caller: &Caller) -> Option<String> {
    // The Worker has looked at `sessions_since`.
    let Caller { subject, client_id, grant, resource, expires, scopes, props, sessions_since: _ } = caller;
    let sent = (subject, client_id, grant, resource, expires, scopes, props);
    subject.is_some().then(|| URL_SAFE_NO_PAD.encode(to_json(&sent)))
}

/// Reads the value of [`CALLER`].
#[must_use]
pub fn decode(value: Option<&str>) -> Caller {
    let bytes = value.and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
    let json = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(sent) = json.and_then(|json| serde_json::from_str(&json).ok()) else {
        return Caller::default();
    };
    let (subject, client_id, grant, resource, expires, scopes, props) = sent;
    Caller { subject, client_id, grant, resource, expires, sessions_since: 0, scopes, props }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_arrives_as_it_was_sent() {
        let caller = Caller {
            subject: Some("ann:ö".into()),
            client_id: Some("c".into()),
            grant: Some("g".into()),
            resource: Some("https://a.example/mcp".into()),
            expires: Some(1),
            sessions_since: 0,
            scopes: vec!["a".into(), "b".into()],
            props: serde_json::json!({"name": "Ann\nÖ"}),
        };
        let header = encode(&caller).unwrap();
        assert!(header.is_ascii());
        assert_eq!(decode(Some(&header)), caller);
        assert_eq!(encode(&Caller::default()), None);
        assert_eq!(decode(None), Caller::default());
    }
}

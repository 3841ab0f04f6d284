//! Headers by which the Worker tells an object what it knows of a forwarded request: caller, transport, state.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::formats::Format;
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::jsonrpc::to_json;

/// The header with the caller's identity. The Worker sets or removes it on every request that it passes on, so one
/// from outside never arrives.
pub const CALLER: &str = "x-durable-mcp-caller";

/// The header of a stateless request with [`Caller::sessions_since`], in seconds since 1970. The Worker sets it on each such
/// request; on others it is ignored.
pub const SESSIONS_SINCE: &str = "x-durable-mcp-sessions-since";

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

/// Beginning of the value of [`STATE`] if the state begins with this request.
const NEW: &str = "new ";

/// The value of [`STATE`] for a state of that name.
#[must_use]
pub fn named_state(name: &str, is_new: bool) -> String {
    format!("{}{name}", if is_new { NEW } else { "" })
}

/// Reads the value of [`STATE`]: the state's name, and whether it begins with this request.
///
/// # Errors
/// When another version of this server sent it.
pub fn read_state(value: &str) -> Result<(String, bool), RuntimeError> {
    let (name, is_new) = value
        .strip_prefix(NEW)
        .map_or((value, false), |name| (name, true));
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Format::StateHeader.unreadable());
    }
    Ok((name.to_owned(), is_new))
}

/// Headers that are hidden from handlers: the Worker's own, and the caller's credentials.
pub const PRIVATE: [&str; 5] = [CALLER, TRANSPORT, STATE, "authorization", "cookie"];

/// The value of [`CALLER`]; none for a public server.
#[must_use]
pub fn encode(caller: &Caller) -> Option<String> {
    // The Worker has looked at `sessions_since`, which a stateless request has a header for.
    let Caller {
        subject,
        client_id,
        grant,
        resource,
        expires,
        scopes,
        props,
        sessions_since: _,
    } = caller;
    let sent = (subject, client_id, grant, resource, expires, scopes, props);
    subject
        .is_some()
        .then(|| URL_SAFE_NO_PAD.encode(to_json(&sent)))
}

/// Reads the value of [`CALLER`]. The caller is anonymous only where there is no such header.
///
/// # Errors
/// When another version of this server sent it.
pub fn decode(value: Option<&str>) -> Result<Caller, RuntimeError> {
    let Some(value) = value else {
        return Ok(Caller::default());
    };
    read_caller(value).ok_or_else(|| Format::CallerHeader.unreadable())
}

fn read_caller(value: &str) -> Option<Caller> {
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(value).ok()?).ok()?;
    let (subject, client_id, grant, resource, expires, scopes, props) =
        serde_json::from_str(&json).ok()?;
    Some(Caller {
        subject: Some(subject),
        client_id,
        grant,
        resource,
        expires,
        sessions_since: 0,
        scopes,
        props,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_survives_being_forwarded() {
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
        assert_eq!(decode(Some(&header)), Ok(caller));
        assert_eq!(encode(&Caller::default()), None);
        assert_eq!(decode(None), Ok(Caller::default()));
    }

    #[test]
    fn an_unreadable_caller_is_an_error_and_not_anonymous() {
        let encoded = |json: &str| URL_SAFE_NO_PAD.encode(json);
        for value in [
            String::new(),
            "*".to_owned(),
            "2.AAAA".to_owned(),
            encoded("{}"),
            encoded("[]"),
            encoded(r#"["ann","c","g","r",1,[]]"#),
            encoded(r#"["ann","c","g","r",1,[],{},"more"]"#),
            encoded(r#"[null,"c","g","r",1,[],{}]"#),
        ] {
            assert_eq!(
                decode(Some(&value)),
                Err(Format::CallerHeader.unreadable()),
                "{value}"
            );
        }
    }

    #[test]
    fn a_forwarded_state_name_is_one_word() {
        assert_eq!(
            read_state(&named_state("a", true)),
            Ok(("a".to_owned(), true))
        );
        assert_eq!(
            read_state(&named_state("a", false)),
            Ok(("a".to_owned(), false))
        );
        for value in ["", "new ", "old a", "new a b"] {
            assert!(read_state(value).is_err(), "{value}");
        }
    }
}

//! Server-sent events, as the HTML standard writes them.

use std::fmt::Write;

/// Value of the `retry` field: time before a client reconnects to a stream that ended, in milliseconds. Soon, but not so soon
/// that a failing server is hammered.
pub const RETRY_MS: u32 = 1000;

/// A comment that keeps proxies and clients from taking a quiet stream for a dead one.
pub const KEEP_ALIVE: &str = ": keep-alive\n\n";

/// Quiet time of a stream after which a comment is sent, in milliseconds. Proxies cut at 60 s and more, some at 30.
pub const KEEP_ALIVE_MS: u32 = 25_000;

/// The most bytes of one stream that wait for a client that does not read; then it counts as gone. An isolate has 128
/// MiB for all that it serves. A message that is longer by itself may wait alone.
pub const MAX_UNREAD_BYTES: usize = 8 * 1024 * 1024;

/// Formats a message as an event. JSON of ours has no line breaks in it.
#[must_use]
pub fn message(id: Option<&EventId>, json: &str) -> String {
    let mut frame = String::with_capacity(json.len() + 64);
    frame.push_str("event: message\n");
    if let Some(id) = id {
        // Writing to a String cannot fail.
        let _ = writeln!(frame, "id: {id}");
    }
    frame.push_str("data: ");
    frame.push_str(json);
    frame.push_str("\n\n");
    frame
}

/// The event that opens a stream: an id to come back with, and no data (2025-11-25, Transports, "Sending Messages to
/// the Server").
#[must_use]
pub fn priming(id: &EventId) -> String {
    format!("id: {id}\nretry: {RETRY_MS}\ndata: \n\n")
}

/// The event of HTTP+SSE that tells where to post (2024-11-05, Transports, "HTTP with SSE").
#[must_use]
pub fn endpoint(uri: &str) -> String {
    format!("event: endpoint\ndata: {uri}\n\n")
}

/// Names an event: the session it is of, the stream within it, and its place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// The first bytes of the object's id, so that another session's event is not taken for one of this.
    pub session: u32,
    /// The stream: [`EventId::STANDALONE`] or that of a POST.
    pub stream: u64,
    /// Counts up within the stream.
    pub sequence: u64,
}

impl EventId {
    /// The stream of a GET.
    pub const STANDALONE: u64 = 0;

    /// Reads an id from a `Last-Event-ID` header.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = || {
            parts
                .next()
                .and_then(|part| u64::from_str_radix(part, 16).ok())
        };
        let (session, stream, sequence) = (next()?, next()?, next()?);
        let id = Self {
            session: u32::try_from(session).ok()?,
            stream,
            sequence,
        };
        (id.to_string() == text).then_some(id)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:08x}-{:x}-{:x}",
            self.session, self.stream, self.sequence
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_framed_as_the_standard_says() {
        let id = EventId {
            session: 0xa,
            stream: 17,
            sequence: 2,
        };
        assert_eq!(message(None, "{}"), "event: message\ndata: {}\n\n");
        assert_eq!(
            message(Some(&id), "{}"),
            "event: message\nid: 0000000a-11-2\ndata: {}\n\n"
        );
        assert_eq!(priming(&id), "id: 0000000a-11-2\nretry: 1000\ndata: \n\n");
    }

    #[test]
    fn only_a_well_formed_event_id_is_read() {
        let id = EventId {
            session: u32::MAX,
            stream: u64::MAX,
            sequence: 0,
        };
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for text in [
            "",
            "1",
            "0000000a-11",
            "0000000a-11-2-3",
            "a-11-2",
            "0000000A-11-2",
            "+000000a-11-2",
            "x-y-z",
        ] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }
}

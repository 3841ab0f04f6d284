//! The stream of a `subscriptions/listen` request (2026-07-28, Subscriptions): what it listens for, and whether it gets a
//! publication.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable_core::limits::ATTACHMENT_BYTES;
use durable_mcp_protocol::Server;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::fields::Fields;
use durable_mcp_protocol::json_fault::lone_surrogate;
use durable_mcp_protocol::jsonrpc::{Request, RequestId, notification_json, to_json};
use sha2::{Digest, Sha256};

use super::client_network::ClientNetwork;
use super::quota::{QuotaSubject, STRANGER};
use crate::session::publication::Publication;

/// The most bytes that all its URIs and task ids together may have: its socket remembers 16 KiB.
pub(super) const MAX_LISTENED_BYTES: usize = 12 * 1024;

/// The most bytes of the filter as JSON: texts of nothing but escapes take six times as many.
const MAX_FILTER_BYTES: usize = 6 * MAX_LISTENED_BYTES;

/// The most URIs and the most task ids that one stream listens for: as many as a session may subscribe to. Each task's
/// object is asked.
const MAX_LISTENED: usize = 256;

/// Beginning of a line with a task.
const TASK: &str = "task ";

/// Beginning of the line with the grant. Versions before the first that writes it read over lines that they do not know.
const GRANT: &str = "grant ";

/// Beginning of the line with the origin; earlier versions read over it, too.
const ORIGIN: &str = "from ";

/// Bytes that the structured clone format has besides those of a text.
const CLONE_BYTES: usize = 16;

/// Bytes of a text that a socket remembers: one for each character if all are Latin-1, two for each unit of UTF-16 otherwise.
#[must_use]
pub fn attachment_bytes(text: &str) -> usize {
    let latin = text.chars().all(|c| u32::from(c) <= 0xff);
    CLONE_BYTES
        + if latin {
            text.chars().count()
        } else {
            2 * text.encode_utf16().count()
        }
}

/// The subscriptions of a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriptionFilter {
    /// Changes.
    pub changes: Vec<Change>,
    /// Tasks, by their ids.
    pub tasks: Vec<String>,
}

impl SubscriptionFilter {
    /// The subscriptions of a request that this server supports.
    ///
    /// # Errors
    /// −32602 when the request does not say what it listens for, or for too much.
    pub fn from_request(server: &Server, request: &Request) -> Result<Self, Error> {
        let fields = request.params.fields();
        if !fields.has("notifications") {
            return Err(Error::invalid_params(
                "Invalid params: `notifications` says what to listen for.",
            ));
        }
        if fields
            .raw("notifications")
            .is_some_and(|filter| filter.get().len() > MAX_FILTER_BYTES)
        {
            return Err(too_much());
        }
        let filter = fields.object("notifications")?;
        let mut wanted = Self::default();
        for (name, change, told) in lists(server) {
            if filter.flag(name)? && told {
                wanted.changes.push(change);
            }
        }
        let uris = texts(&filter, "resourceSubscriptions")?;
        if server.subscribes() {
            wanted
                .changes
                .extend(uris.into_iter().map(Change::Resource));
        }
        wanted.tasks = texts(&filter, "taskIds")?;
        if wanted.lines().iter().map(String::len).sum::<usize>() > MAX_LISTENED_BYTES {
            return Err(too_much());
        }
        Ok(wanted)
    }

    fn lines(&self) -> Vec<String> {
        let tasks = self.tasks.iter().map(|id| format!("{TASK}{id}"));
        self.changes
            .iter()
            .map(Change::to_text)
            .chain(tasks)
            .collect()
    }

    /// Adds the subscription of a line; `None` if the line is of no known kind.
    fn add(&mut self, line: &str) -> Option<()> {
        match line.strip_prefix(TASK) {
            Some(id) => self.tasks.push(id.to_owned()),
            None => self.changes.push(Change::parse(line)?),
        }
        Some(())
    }

    /// The filter that says the same, as JSON.
    fn to_json(&self) -> String {
        let mut members = Vec::new();
        let mut uris = Vec::new();
        for change in &self.changes {
            match change {
                Change::Tools => members.push(r#""toolsListChanged":true"#.to_owned()),
                Change::Prompts => members.push(r#""promptsListChanged":true"#.to_owned()),
                Change::Resources => members.push(r#""resourcesListChanged":true"#.to_owned()),
                Change::Resource(uri) => uris.push(uri),
            }
        }
        if !uris.is_empty() {
            members.push(format!(r#""resourceSubscriptions":{}"#, to_json(&uris)));
        }
        if !self.tasks.is_empty() {
            members.push(format!(r#""taskIds":{}"#, to_json(&self.tasks)));
        }
        format!("{{{}}}", members.join(","))
    }
}

fn too_much() -> Error {
    Error::invalid_params(format!(
        "There may be {MAX_LISTENED} URIs and {MAX_LISTENED} task ids to listen for, of {MAX_LISTENED_BYTES} bytes together."
    ))
}

/// The lists that a filter names, and whether the server tells of their changes.
fn lists(server: &Server) -> [(&'static str, Change, bool); 3] {
    let announces = server.announces();
    [
        (
            "toolsListChanged",
            Change::Tools,
            announces && server.has_tools(),
        ),
        (
            "promptsListChanged",
            Change::Prompts,
            announces && server.has_prompts(),
        ),
        (
            "resourcesListChanged",
            Change::Resources,
            server.subscribes(),
        ),
    ]
}

/// Different strings in an array, none of them with a line break in it.
fn texts(filter: &Fields<'_>, name: &str) -> Result<Vec<String>, Error> {
    let Some(raw) = filter.raw(name) else {
        return Ok(Vec::new());
    };
    let mut texts: Vec<String> =
        serde_json::from_str(raw.get()).map_err(|_| match lone_surrogate(raw.get()) {
            Some(fault) => Error::invalid_params(format!("Invalid params: `{name}`: {fault}.")),
            None => unfit(name),
        })?;
    if texts.iter().any(|text| text.contains(['\n', '\r'])) {
        return Err(unfit(name));
    }
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    if texts.len() > MAX_LISTENED {
        Err(too_much())
    } else {
        Ok(texts)
    }
}

fn unfit(name: &str) -> Error {
    Error::invalid_params(format!(
        "Invalid params: `{name}` must be an array of strings without line breaks."
    ))
}

/// A user as listeners are told apart: nothing of the user can be told from it.
#[must_use]
pub fn user_tag(caller: &Caller) -> Option<String> {
    let subject = caller.subject.as_ref()?;
    let hash = Sha256::new()
        .chain_update(b"listener\0")
        .chain_update(subject)
        .finalize();
    Some(URL_SAFE_NO_PAD.encode(hash.get(..16).unwrap_or_default()))
}

/// A stream that listens, as its socket remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The id of the request that opened it, which all its messages carry.
    pub id: RequestId,
    /// The user, or the network that it comes from, whose quota counts it.
    pub counted: QuotaSubject,
    /// Id of the grant of the client's token; the stream ends with it.
    pub grant: Option<String>,
    /// Expiry of the client's access token, in milliseconds since 1970.
    pub ends: Option<u64>,
    /// Changes and tasks that the client subscribed to.
    pub wanted: SubscriptionFilter,
}

impl Listener {
    /// The listener as text: its id, its user and end, then a line for each thing it listens for, one for the grant
    /// and one for the origin.
    #[must_use]
    pub fn to_text(&self) -> String {
        let user = self.counted.user.as_deref().unwrap_or(STRANGER);
        let ends = self.ends.unwrap_or_default();
        let mut text = format!("{}\n{user} {ends}", self.id.as_json());
        for line in self.wanted.lines() {
            text.push('\n');
            text.push_str(&line);
        }
        if let Some(grant) = &self.grant {
            text = format!("{text}\n{GRANT}{grant}");
        }
        if let Some(origin) = &self.counted.origin {
            text = format!("{text}\n{ORIGIN}{}", origin.to_text());
        }
        text
    }

    /// Checks that the listener fits in the attachment of its socket.
    ///
    /// # Errors
    /// −32602 when its id and subscriptions are too long together.
    pub fn fit(self) -> Result<Self, Error> {
        if attachment_bytes(&self.to_text()) <= ATTACHMENT_BYTES {
            return Ok(self);
        }
        let message = "The request's id, and the URIs and task ids to listen for, are too long together: listen by two streams.";
        Err(Error::invalid_params(message))
    }

    /// Reads a listener from its text. A line or a time of another version makes all of it unreadable: it might
    /// restrict whom the stream is for, or when it ends.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once('\n')?;
        let mut lines = rest.split('\n');
        let (user, ends) = lines
            .next()?
            .split_once(' ')
            .filter(|(user, _)| !user.is_empty())?;
        let ends: u64 = ends.parse().ok()?;
        let (mut grant, mut origin, mut wanted) = (None, None, SubscriptionFilter::default());
        for line in lines {
            if let Some(id) = line
                .strip_prefix(GRANT)
                .filter(|id| grant.is_none() && !id.is_empty())
            {
                grant = Some(id.to_owned());
            } else if let Some(text) = line.strip_prefix(ORIGIN).filter(|_| origin.is_none()) {
                origin = Some(ClientNetwork::parse(text)?);
            } else {
                wanted.add(line)?;
            }
        }
        let user = (user != STRANGER).then(|| user.to_owned());
        let counted = QuotaSubject { user, origin };
        Some(Self {
            id: RequestId::from_json(id)?,
            counted,
            grant,
            ends: (ends > 0).then_some(ends),
            wanted,
        })
    }

    /// True if a publication is about one of the subscriptions, and for everybody or for this stream's user.
    #[must_use]
    pub fn hears(&self, publication: &Publication) -> bool {
        let may = publication.user.is_none() || publication.user == self.counted.user;
        may && self.wanted.lines().contains(&publication.about)
    }

    /// The `_meta` of all its messages, as JSON.
    pub(super) fn meta(&self) -> String {
        format!(
            r#"{{"io.modelcontextprotocol/subscriptionId":{}}}"#,
            self.id.as_json()
        )
    }

    /// Parameters with that `_meta`.
    pub(super) fn tagged(&self, params: &str) -> String {
        let rest = params.strip_prefix('{').unwrap_or("}");
        let comma = if rest == "}" { "" } else { "," };
        format!(r#"{{"_meta":{}{comma}{rest}"#, self.meta())
    }

    /// The `notifications/subscriptions/acknowledged` that begins the stream, with the accepted subscriptions.
    #[must_use]
    pub fn acknowledgement(&self) -> String {
        let params = format!(r#"{{"notifications":{}}}"#, self.wanted.to_json());
        notification_json(
            "notifications/subscriptions/acknowledged",
            &self.tagged(&params),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(wanted: SubscriptionFilter) -> Listener {
        let counted = QuotaSubject {
            user: Some("u".into()),
            origin: None,
        };
        let id = RequestId::from_json("\"l-1\"").unwrap();
        Listener {
            id,
            counted,
            grant: Some("g".into()),
            ends: Some(7),
            wanted,
        }
    }

    #[test]
    fn a_listener_survives_being_stored() {
        let changes = vec![Change::Tools, Change::Resource("a:b c".into())];
        let all = listener(SubscriptionFilter {
            changes,
            tasks: vec!["t".into()],
        });
        let nothing = Listener {
            counted: QuotaSubject::default(),
            grant: None,
            ends: None,
            ..listener(SubscriptionFilter::default())
        };
        let origin = Some(ClientNetwork {
            network: "n".into(),
            site: Some("s".into()),
        });
        let stranger = Listener {
            counted: QuotaSubject { user: None, origin },
            ..all.clone()
        };
        for listener in [all, nothing, stranger] {
            assert_eq!(Listener::parse(&listener.to_text()), Some(listener));
        }
    }

    #[test]
    fn a_listener_of_another_version_is_unreadable() {
        let whole = listener(SubscriptionFilter {
            changes: vec![Change::Tools],
            tasks: vec!["t".into()],
        });
        let text = whole.to_text();
        assert_eq!(Listener::parse(&text), Some(whole));
        for changed in [
            String::new(),
            "2".to_owned(),
            text.replace("u 7", "u"),
            text.replace("u 7", " 7"),
            text.replace("u 7", "u never"),
            text.replace("u 7", "u -7"),
            text.replace("u 7", "u 7 8"),
            text.replace("tools", "sampling"),
            text.replace("grant g", "grant "),
            text.replace("grant g", "grants g"),
            format!("{text}\ngrant h"),
            format!("{text}\nfrom nowhere"),
            format!("{text}\n"),
        ] {
            assert_eq!(Listener::parse(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_listener_is_limited_to_what_its_socket_can_store() {
        let changes = |uri: String| SubscriptionFilter {
            changes: vec![Change::Resource(uri)],
            tasks: Vec::new(),
        };
        assert!(
            listener(changes("a:".to_owned() + &"x".repeat(12_000)))
                .fit()
                .is_ok()
        );
        assert!(
            listener(changes("a:".to_owned() + &"é".repeat(12_000)))
                .fit()
                .is_ok()
        );
        assert!(
            listener(changes("a:€".to_owned() + &"x".repeat(8_000)))
                .fit()
                .is_ok()
        );
        assert!(
            listener(changes("a:€".to_owned() + &"x".repeat(9_000)))
                .fit()
                .is_err()
        );
    }

    #[test]
    fn a_listener_hears_only_what_it_subscribed_to_and_may_see() {
        let listener = listener(SubscriptionFilter {
            changes: vec![Change::Resource("a:b".into())],
            tasks: Vec::new(),
        });
        let publication = Publication::of(&Change::Resource("a:b".into()));
        assert!(listener.hears(&publication));
        assert!(listener.hears(&Publication {
            user: Some("u".into()),
            ..publication.clone()
        }));
        assert!(!listener.hears(&Publication {
            user: Some("v".into()),
            ..publication
        }));
        assert!(!listener.hears(&Publication::of(&Change::Resource("a:bc".into()))));
        assert!(!listener.hears(&Publication::of(&Change::Resources)));
    }

    #[test]
    fn every_message_carries_the_id_of_its_stream() {
        let listener = listener(SubscriptionFilter {
            changes: vec![Change::Prompts],
            tasks: Vec::new(),
        });
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        let meta = serde_json::json!({ "io.modelcontextprotocol/subscriptionId": "l-1" });
        let first = read(&listener.acknowledgement());
        assert_eq!(
            first["params"],
            serde_json::json!({ "_meta": meta, "notifications": { "promptsListChanged": true } })
        );
        assert_eq!(
            read(&listener.tagged("{}")),
            serde_json::json!({ "_meta": meta })
        );
        assert_eq!(
            read(&listener.tagged(r#"{"uri":"a"}"#)),
            serde_json::json!({ "_meta": meta, "uri": "a" })
        );
    }
}

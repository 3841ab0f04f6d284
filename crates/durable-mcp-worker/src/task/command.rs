//! Commands of the Worker to a task's object.

use durable_mcp_protocol::ProtocolVersion;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use serde::{Deserialize, Serialize};

/// Something to be done with a task. Only the Worker can ask for it, and has looked whose task it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Begin it.
    Begin(Begin),
    /// Tell of it: `tasks/get`.
    Get,
    /// Take answers to its questions, a JSON object: `tasks/update`.
    Update(String),
    /// Call it off: `tasks/cancel`.
    Cancel,
    /// A client listens for it from now on.
    Watch,
    /// The grant that began it has ended: stop it, and delete all of it.
    End,
}

/// A task that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Id of the task.
    pub id: String,
    /// Lifetime of the task from its creation on, in milliseconds.
    pub ttl_ms: u64,
    /// The parameters of `tools/call`, as JSON.
    pub params: String,
    /// The answers from before the task began, as a JSON object.
    pub answers: String,
    /// The protocol version of the task's client.
    pub version: ProtocolVersion,
    /// The client's capabilities.
    pub capabilities: ClientCapabilities,
    /// Name of the client.
    pub client: String,
    /// The user, as listeners are told apart.
    pub user: Option<String>,
}

/// The stored form of a [`Begin`].
#[derive(Serialize, Deserialize)]
struct Written(
    String,
    u64,
    String,
    String,
    String,
    u8,
    String,
    Option<String>,
);

impl Begin {
    /// The task as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Self {
            id,
            ttl_ms,
            params,
            answers,
            version,
            capabilities,
            client,
            user,
        } = self.clone();
        let version = version.as_str().to_owned();
        durable_mcp_protocol::jsonrpc::to_json(&Written(
            id,
            ttl_ms,
            params,
            answers,
            version,
            capabilities.bits(),
            client,
            user,
        ))
    }

    /// Reads a task from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Written(id, ttl_ms, params, answers, version, bits, client, user) =
            serde_json::from_str(text).ok()?;
        let (version, capabilities) = (
            ProtocolVersion::parse(&version)?,
            ClientCapabilities::from_bits(bits),
        );
        Some(Self {
            id,
            ttl_ms,
            params,
            answers,
            version,
            capabilities,
            client,
            user,
        })
    }
}

impl Command {
    /// The command as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Begin(begin) => format!("begin {}", begin.to_text()),
            Self::Get => "get".to_owned(),
            Self::Update(answers) => format!("update {answers}"),
            Self::Cancel => "cancel".to_owned(),
            Self::Watch => "watch".to_owned(),
            Self::End => "end".to_owned(),
        }
    }

    /// Reads a command from its text; none if it is of another version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("begin", begin) => Begin::parse(begin).map(Self::Begin),
            ("get", "") => Some(Self::Get),
            ("update", answers) if answers.starts_with('{') => {
                Some(Self::Update(answers.to_owned()))
            }
            ("cancel", "") => Some(Self::Cancel),
            ("watch", "") => Some(Self::Watch),
            ("end", "") => Some(Self::End),
            _ => None,
        }
    }
}

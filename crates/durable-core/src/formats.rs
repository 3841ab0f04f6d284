//! Every format in which something is stored, or handed on to another request, object or version of this server.
//!
//! Several versions of a server meet: during a deployment, and after a rollback. A format that a version does not know is an
//! error to it, which grants nothing and destroys nothing, and is never taken for something absent.
//!
//! Version 1 of a text has no mark: whatever does not read as version 1 is of another version, or damaged. Bytes name their
//! version in front, and JSON in a member `v` or by its members: one that is not known is of a later version. Every version
//! that was ever written has its golden files in `tests/golden/v<version>/<name>*`, which today's code has to read.

use crate::wire::RuntimeError;

macro_rules! formats {
    ($($(#[$docs:meta])* $format:ident = $name:literal, $version:literal;)*) => {
        /// A format of stored or handed-on data.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Format {
            $($(#[$docs])* $format,)*
        }

        impl Format {
            /// Every format.
            pub const ALL: &[Self] = &[$(Self::$format),*];

            /// Name of the format in the log and in the names of its golden files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$format => $name,)*
                }
            }

            /// The newest version, which is the one that is written.
            #[must_use]
            pub const fn version(self) -> u8 {
                match self {
                    $(Self::$format => $version,)*
                }
            }
        }
    };
}

formats! {
    /// The keys of a deployment, in the row of `KeyRing` and in its answer.
    KeyRing = "key-ring", 1;
    /// A session's id, which clients keep.
    SessionId = "session-id", 1;
    /// Codes and tokens, which clients keep.
    Token = "token", 1;
    /// The id of an event, which clients come back with.
    EventId = "event-id", 1;
    /// Texts sealed under a token.
    SealedForToken = "sealed-for-token", 1;
    /// Texts sealed for a browser or a client to carry.
    SealedToCarry = "sealed-to-carry", 2;
    /// The answers so far of a call with several rounds. Versions 1 and 2, good for ten minutes, are refused as expired ones are.
    RequestState = "request-state", 3;
    /// The name of a state.
    StateHandle = "state-handle", 2;
    /// The id of a task.
    TaskId = "task-id", 2;
    /// A sign-in under way.
    FlowCookie = "flow-cookie", 2;
    /// Remembered consent.
    ConsentCookie = "consent-cookie", 2;
    /// A sign-in to the account page.
    AccountCookie = "account-cookie", 2;
    /// The record of an access token in Workers KV.
    AccessRecord = "access-record", 1;
    /// The header of a grant in Workers KV.
    GrantHeader = "grant-header", 1;
    /// The record of a client in Workers KV.
    ClientRecord = "client-record", 1;
    /// The copy of a client's metadata document in Workers KV.
    ClientDocument = "client-document", 1;
    /// The row of a grant.
    GrantRow = "grant-row", 2;
    /// The row of what a user spends.
    SpendingRow = "spending-row", 1;
    /// The row of the requests that are relayed for a user.
    RelayRow = "relay-row", 1;
    /// The times at which users' grants are looked at.
    GrantTimes = "grant-times", 1;
    /// A command to a user's grants.
    GrantCommand = "grant-command", 1;
    /// The outcome of a command to a user's grants.
    GrantOutcome = "grant-outcome", 1;
    /// The caller, in a private header.
    CallerHeader = "caller-header", 1;
    /// The transport, in a private header.
    TransportHeader = "transport-header", 1;
    /// The name of the state that a request is about, in a private header.
    StateHeader = "state-header", 1;
    /// The rows of a session.
    SessionRows = "session-rows", 1;
    /// The client of an HTTP+SSE session, attached to its socket.
    SseAttachment = "sse-attachment", 1;
    /// The place of a session in its user's list, as the tag of its socket.
    ListedTag = "listed-tag", 1;
    /// A command to a task.
    TaskCommand = "task-command", 1;
    /// The record of a task.
    TaskRecord = "task-record", 1;
    /// A notice to the hub.
    HubNotice = "hub-notice", 1;
    /// A change of which the hub notifies a session's object.
    HubChange = "hub-change", 1;
    /// A session's object joining the hub, and its row there.
    HubJoin = "hub-join", 1;
    /// A listening stream, in a private header and attached to its socket.
    HubListener = "hub-listener", 1;
}

/// End of every error text of this module, by which [`is_of_other_version`] recognises it.
const OTHER_VERSION: &str = "another version of this server may have written it";

impl Format {
    /// Error for data that cannot be parsed and are left unchanged.
    #[must_use]
    pub fn unreadable(self) -> RuntimeError {
        RuntimeError(format!(
            "a {} cannot be read and is left alone: {OTHER_VERSION}",
            self.name()
        ))
    }

    /// Error for data whose key is not known yet, and may be in a moment.
    #[must_use]
    pub fn of_unknown_key(self) -> RuntimeError {
        RuntimeError(format!(
            "the key of a {} is not known here yet: {OTHER_VERSION}",
            self.name()
        ))
    }
}

/// True for an error of this module, which is transient: it passes once the whole deployment runs one version.
#[must_use]
pub fn is_of_other_version(fault: &RuntimeError) -> bool {
    fault.0.ends_with(OTHER_VERSION)
}

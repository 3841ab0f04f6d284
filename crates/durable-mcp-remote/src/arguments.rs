//! Command line: the flags of npm `mcp-remote`, those of this program, and its subcommands.
//!
//! A wrong value of a flag that `mcp-remote` has is a warning and its default is taken, as there: configurations that work
//! must not break. A wrong value of a flag that only this program has is an error.

mod header;
mod help;
mod parse;
mod tool_filter;
mod values;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::USER_AGENT;
use serde_json::{Map, Value};

use crate::sign_in::ClientKey;
use crate::store::StoreKey;
use crate::store::key::KeyParts;
pub(crate) use header::Headers;
pub(crate) use help::HELP;
pub(crate) use parse::parse;
pub(crate) use tool_filter::ToolFilter;
pub(crate) use values::is_loopback;

/// Run of this program, as its command line asks for it.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// `--help`.
    Help,
    /// `--version`.
    Version,
    /// `list`: the servers with stored credentials.
    List { json: bool },
    /// `logout --all`: removes all stored credentials.
    LogoutAll,
    /// A command about one server.
    Server(Command, Box<Arguments>),
}

/// Command about the server that [`Arguments::url`] names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// No subcommand: relays messages between stdio and the server.
    Bridge,
    /// `doctor`: checks each step of a connection and says what to do.
    Doctor { json: bool, login: bool },
    /// `login`: signs in and stores the tokens.
    Login,
    /// `logout`: removes the server's stored credentials.
    Logout,
    /// `config --client NAME`: prints the entry of a client's configuration; without a name, those of all clients.
    /// `arguments` are the command line of the entry: as typed, without `config` and `--client`.
    Config {
        client: Option<String>,
        arguments: Vec<String>,
    },
}

/// Refused command line, in one sentence that says what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsageError(String);

impl UsageError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Server and settings of a run.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) url: ServerUrl,
    /// Callback port given after the URL; no other is tried then.
    pub(crate) callback_port: Option<u16>,
    pub(crate) headers: Headers,
    pub(crate) transport: Transport,
    pub(crate) protocol: Protocol,
    pub(crate) network: NetworkArguments,
    pub(crate) sign_in: SignInArguments,
    pub(crate) log: LogArguments,
    pub(crate) tools: ToolFilter,
    /// Interval of pings; `None` sends none.
    pub(crate) ping_interval: Option<Duration>,
    /// Time until the client's `initialize` is answered, also without the server. Hosts give it 60 s.
    pub(crate) initialize_deadline: Duration,
    /// Time for an answer to `server/discover`, apart from sign-in, after which `initialize` is sent in its place.
    pub(crate) discover_timeout: Duration,
    /// Time that a client of 2026-07-28 has for the questions of a call.
    pub(crate) question_timeout: Duration,
    /// Largest message either way, in bytes.
    pub(crate) max_message: usize,
    /// Quiet time after which the HTTP side is closed until the next message; `None` keeps it open.
    pub(crate) idle_timeout: Option<Duration>,
    /// Complaints about flags that were ignored, for stderr.
    pub(crate) warnings: Vec<String>,
}

impl Arguments {
    /// Key of the stored files of this server with these flags.
    pub(crate) fn store_key(&self) -> StoreKey {
        let sign_in = &self.sign_in;
        StoreKey::new(&KeyParts {
            server: &self.url.typed,
            resource: match &sign_in.resource {
                Resource::Given(resource) => Some(resource),
                Resource::Derived | Resource::Omitted => None,
            },
            authorize_params: &sign_in.authorize_params,
            headers: &self.headers.typed,
            client_metadata_url: sign_in.client_metadata_url.as_deref(),
            token_endpoint: match &sign_in.grant {
                Grant::ClientCredentials { token_endpoint } => {
                    token_endpoint.as_ref().map(Url::as_str)
                }
                Grant::AuthorizationCode | Grant::DeviceCode => None,
            },
        })
    }

    /// Texts of the command line that no log may hold.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.sent.iter();
        // Names of programs and media types are known to everyone, and stand in other texts.
        let values = headers
            .filter(|(name, _)| **name != USER_AGENT)
            .filter_map(|(_, value)| value.to_str().ok());
        let credentials = values.flat_map(|value| {
            [
                value,
                value.split_once(' ').map_or(value, |(_, behind)| behind),
            ]
        });
        let client = self
            .sign_in
            .client_info
            .iter()
            .filter_map(|client| client.get("client_secret")?.as_str());
        credentials.chain(client)
    }
}

/// URL of the server.
#[derive(Debug, Clone)]
pub(crate) struct ServerUrl {
    /// Text as typed: names of stored files are derived from it.
    pub(crate) typed: String,
    pub(crate) parsed: Url,
}

/// `--transport`: which transports are tried, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    HttpFirst,
    SseFirst,
    HttpOnly,
    SseOnly,
}

/// `--protocol`: which generation of the protocol is spoken to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Sends the client's `initialize`; tries `server/discover` only where a server refuses it as a modern one does.
    Fallback,
    /// Sends the client's `initialize` and nothing else.
    Legacy,
    /// Sends `server/discover` first.
    Auto,
    /// Sends `server/discover`, and gives up where that is refused.
    Modern,
}

/// Settings of every HTTP request, those of sign-in included.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone)]
pub(crate) struct NetworkArguments {
    pub(crate) allow_http: bool,
    pub(crate) use_proxy: bool,
    pub(crate) ipv4: bool,
    pub(crate) cookies: bool,
    /// Files with further certificate authorities, in PEM.
    pub(crate) certificate_authorities: Vec<PathBuf>,
    pub(crate) connect_timeout: Duration,
    /// Longest wait for the head of an answer; `None` waits without end.
    pub(crate) headers_timeout: Option<Duration>,
    /// Longest gap between two chunks of a body; `None` allows any.
    pub(crate) body_timeout: Option<Duration>,
}

/// Settings of sign-in.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct SignInArguments {
    pub(crate) grant: Grant,
    /// Host of the redirect URI, one that names this machine.
    pub(crate) callback_host: String,
    pub(crate) callback_path: String,
    pub(crate) success_url: Option<Url>,
    /// Wait for a person in the browser, or for `/wait-for-auth` of another instance.
    pub(crate) timeout: Duration,
    /// Members that replace those of the registration request.
    pub(crate) client_metadata: Option<Map<String, Value>>,
    /// Registered client: `client_id`, and `client_secret` where it has one.
    pub(crate) client_info: Option<Map<String, Value>>,
    /// Key by which the client signs in instead of a secret.
    pub(crate) client_key: Option<ClientKey>,
    /// URL of a client ID metadata document, as typed.
    pub(crate) client_metadata_url: Option<String>,
    pub(crate) use_id_token: bool,
    pub(crate) resource: Resource,
    /// Further parameters of the authorization request, in the order of their first mention.
    pub(crate) authorize_params: Vec<(String, String)>,
    /// Scopes that are asked for instead of those that the server names.
    pub(crate) scope: Option<String>,
    /// Whether a browser is opened on this machine, besides printing the link.
    pub(crate) open_browser: bool,
    /// Whether `login` reads the redirect URL from the terminal.
    pub(crate) paste: bool,
    pub(crate) store: StoreKind,
    /// Whether a server without `code_challenge_methods_supported` is trusted to do PKCE.
    pub(crate) allow_missing_pkce: bool,
}

impl fmt::Debug for SignInArguments {
    /// Leaves out what may be secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignInArguments")
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

/// OAuth grant by which tokens are obtained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Authorization code with PKCE, in a browser.
    AuthorizationCode,
    /// Device authorization grant (RFC 8628).
    DeviceCode,
    /// Client credentials; `token_endpoint` replaces discovery.
    ClientCredentials { token_endpoint: Option<Url> },
}

/// Resource parameter (RFC 8707) of authorization and token requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Derived from the server's URL and metadata.
    Derived,
    /// `--resource`.
    Given(String),
    /// `--disable-resource-parameter`.
    Omitted,
}

/// `--store`: where credentials are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    File,
    Keychain,
}

/// Settings of stderr and of the debug log.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogArguments {
    /// Whether stderr stays empty but for errors.
    pub(crate) silent: bool,
    pub(crate) debug: Option<DebugDetail>,
    /// File of the debug log instead of the store's.
    pub(crate) file: Option<PathBuf>,
}

/// Detail of the debug log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DebugDetail {
    /// A line a message: time, direction, method, id, status, bytes, duration.
    Messages,
    /// `--debug=bodies`: their bodies too, secrets masked.
    Bodies,
}

#[cfg(test)]
mod tests;

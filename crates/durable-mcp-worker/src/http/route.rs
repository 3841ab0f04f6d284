//! Every path that is served.

use oauth_server::endpoint::Endpoint;
use oauth_server::provider::OAuth;

use super::playground::paths::FRAME;

/// The route of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `GET /`: a page about this server.
    Home,
    /// `GET /style.css`: the style sheet of every page.
    Style,
    /// `GET /playground/config.json`: this server's address, for the page that tries it.
    PlaygroundConfig,
    /// `GET /playground/client.json`: the playground as a client, in the form of a client metadata document.
    PlaygroundClient,
    /// `GET /playground/app`: the frame in which the playground shows apps of servers.
    PlaygroundApp,
    /// `GET /playground` and below: a file of the page, where the Worker runs before its assets.
    PlaygroundFile,
    /// `POST /playground/chat`: a model's answer.
    PlaygroundChat,
    /// `POST /playground/relay`: the answer of a server that answers to no page.
    PlaygroundRelay,
    /// `POST`, `GET` and `DELETE /mcp`: Streamable HTTP.
    Mcp,
    /// `GET /sse`: opens an HTTP+SSE session.
    Sse,
    /// `POST /sse/message?sessionId=..`: a message of an HTTP+SSE session.
    SseMessage,
    /// Endpoints of the authorization server.
    OAuth(Endpoint),
    /// `POST /operator`: an operator lists or ends a user's grants.
    Operator,
    /// A route of the user's own.
    Own,
    /// Anything else.
    Unknown,
}

impl Route {
    /// True for routes that a page of any origin may call: they accept no cookie as a credential, and do nothing that their
    /// caller could not do without a browser.
    #[must_use]
    pub const fn is_for_any_origin(self) -> bool {
        matches!(self, Self::OAuth(endpoint) if !endpoint.is_page())
    }

    /// True for the routes of the MCP transports.
    #[must_use]
    pub const fn is_mcp(self) -> bool {
        matches!(self, Self::Mcp | Self::Sse | Self::SseMessage)
    }

    /// True for the routes of the page at `/playground`.
    #[must_use]
    pub const fn is_of_playground(self) -> bool {
        matches!(
            self,
            Self::PlaygroundConfig
                | Self::PlaygroundClient
                | Self::PlaygroundApp
                | Self::PlaygroundFile
                | Self::PlaygroundChat
                | Self::PlaygroundRelay
        )
    }
}

/// The paths of the transports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub(crate) mcp: String,
    pub(crate) sse: String,
    pub(crate) message: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self::new("/mcp", "/sse")
    }
}

impl Paths {
    pub(crate) fn new(mcp: &str, sse: &str) -> Self {
        Self {
            mcp: mcp.to_owned(),
            sse: sse.to_owned(),
            message: format!("{sse}/message"),
        }
    }

    /// True if Streamable HTTP and HTTP+SSE share one path.
    pub(crate) fn are_shared(&self) -> bool {
        self.mcp == self.sse
    }

    /// The route of a path.
    #[must_use]
    pub fn route(&self, path: &str) -> Route {
        match path {
            _ if path == self.mcp => Route::Mcp,
            _ if path == self.sse => Route::Sse,
            _ if path == self.message => Route::SseMessage,
            "/" => Route::Home,
            "/style.css" => Route::Style,
            "/playground/config.json" => Route::PlaygroundConfig,
            "/playground/client.json" => Route::PlaygroundClient,
            FRAME => Route::PlaygroundApp,
            "/playground/chat" => Route::PlaygroundChat,
            "/playground/relay" => Route::PlaygroundRelay,
            _ => Route::Unknown,
        }
    }
}

/// The route of a path that the provider serves.
pub(super) fn oauth_route(oauth: &OAuth, path: &str) -> Route {
    let endpoints = oauth.endpoint_paths();
    match Endpoint::at(path, endpoints) {
        Some(endpoint) => Route::OAuth(endpoint),
        None if path == endpoints.operator => Route::Operator,
        None => Route::Unknown,
    }
}

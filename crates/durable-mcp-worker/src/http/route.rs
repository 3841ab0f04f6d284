//! Every path that is served.

use oauth_server::endpoint::Endpoint;
use oauth_server::provider::OAuth;

use super::app::App;
use super::operator::OperatorAccess;
use super::playground::{self, apps};

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
            apps::FRAME => Route::PlaygroundApp,
            "/playground/chat" => Route::PlaygroundChat,
            "/playground/relay" => Route::PlaygroundRelay,
            _ => Route::Unknown,
        }
    }
}

impl App {
    /// The route of a path. Routes of the user's own come last.
    #[must_use]
    pub fn route_of(&self, path: &str) -> Route {
        match self.library_route(path) {
            Route::Unknown if self.own_route(path).is_some() => Route::Own,
            route => route,
        }
    }

    /// The route of a path among those of this library.
    pub(super) fn library_route(&self, path: &str) -> Route {
        match (self.exact_route(path), path.strip_suffix('/')) {
            // People and programs add a slash: the same endpoint and the same resource.
            (Route::Unknown, Some(shorter)) if !shorter.is_empty() => self.exact_route(shorter),
            (route, _) => route,
        }
    }

    fn exact_route(&self, path: &str) -> Route {
        match (self.paths.route(path), &self.provider) {
            (Route::PlaygroundConfig | Route::PlaygroundClient | Route::PlaygroundApp, _)
                if !self.has_playground =>
            {
                Route::Unknown
            }
            (Route::Unknown, _) if self.has_playground_file(path) => Route::PlaygroundFile,
            (Route::PlaygroundChat, _) if self.chat.is_none() => Route::Unknown,
            (Route::PlaygroundRelay, _) if self.relay.is_none() => Route::Unknown,
            (Route::Unknown, Some(provider)) => match provider.route(path) {
                Route::Operator if self.operator == OperatorAccess::Off => Route::Unknown,
                route => route,
            },
            (route, _) => route,
        }
    }

    /// Checks whether a path belongs to the playground's files, which reach the Worker only if it runs before the assets.
    fn has_playground_file(&self, path: &str) -> bool {
        let below = path.strip_prefix(playground::PAGE);
        self.has_playground && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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

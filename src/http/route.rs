//! Every path that is served.

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `GET /`: a page about this server.
    Home,
    /// `GET /style.css`: the style sheet of every page.
    Style,
    /// `POST`, `GET` and `DELETE /mcp`: Streamable HTTP.
    Mcp,
    /// `GET /sse`: opens an HTTP+SSE session.
    Sse,
    /// `POST /sse/message?sessionId=..`: a message of an HTTP+SSE session.
    SseMessage,
    /// Anything else.
    Unknown,
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
        Self { mcp: mcp.to_owned(), sse: sse.to_owned(), message: format!("{sse}/message") }
    }

    /// Whether one path serves both transports.
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
            _ => Route::Unknown,
        }
    }
}

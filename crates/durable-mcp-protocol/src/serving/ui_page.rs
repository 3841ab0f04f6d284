//! Pages that tools show inside the client (extension `io.modelcontextprotocol/ui`, "MCP Apps").

use std::future::ready;

use serde_json::{Map, Value, json};

use crate::content::ResourceContents;
use crate::resource::Resource;
use crate::server::{Feature, Server};

/// The media type of such a page.
pub const PAGE_TYPE: &str = "text/html;profile=mcp-app";

/// The scheme of their URIs.
const SCHEME: &str = "ui://";

/// A page that a client shows in a sandboxed frame beside the result of a [tool that names it](crate::tool::Tool::page).
///
/// The page is whole HTML, and may load from the origins that it declares alone. The client sends it the tool's arguments and
/// result as messages; a client that shows no pages has the result's text.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// async fn roll() -> String {
///     "4".into()
/// }
/// let server = Server::new("dice", "1.0.0")
///     .with(UiPage::new("dice", "ui://dice/roll", "<!doctype html><p>..."))
///     .with(Tool::new("roll", "Roll a die", roll).page("ui://dice/roll"));
/// # assert!(server.problems().is_empty());
/// ```
#[derive(Debug, Clone)]
pub struct UiPage {
    name: String,
    uri: String,
    html: String,
    csp: Map<String, Value>,
    meta: Map<String, Value>,
}

impl UiPage {
    /// A page with a name, its `ui://` URI, and its HTML.
    pub fn new(name: impl Into<String>, uri: impl Into<String>, html: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uri: uri.into(),
            html: html.into(),
            csp: Map::new(),
            meta: Map::new(),
        }
    }

    /// Origins that it may send requests to, `https://api.example.com` for one.
    #[must_use]
    pub fn connects_to<S: Into<String>>(self, origins: impl IntoIterator<Item = S>) -> Self {
        self.allows("connectDomains", origins)
    }

    /// Origins that it may load scripts, styles, pictures, fonts and media from.
    #[must_use]
    pub fn loads_from<S: Into<String>>(self, origins: impl IntoIterator<Item = S>) -> Self {
        self.allows("resourceDomains", origins)
    }

    /// Origins that it may have in frames.
    #[must_use]
    pub fn frames<S: Into<String>>(self, origins: impl IntoIterator<Item = S>) -> Self {
        self.allows("frameDomains", origins)
    }

    /// Sets whether the client should draw a border around the page: `prefersBorder`.
    #[must_use]
    pub fn border(mut self, border: bool) -> Self {
        self.meta.insert("prefersBorder".to_owned(), json!(border));
        self
    }

    fn allows<S: Into<String>>(
        mut self,
        directive: &str,
        origins: impl IntoIterator<Item = S>,
    ) -> Self {
        let origins: Vec<Value> = origins
            .into_iter()
            .map(|origin| Value::String(origin.into()))
            .collect();
        self.csp.insert(directive.to_owned(), Value::Array(origins));
        self
    }
}

impl Feature for UiPage {
    fn register(self, server: &mut Server) {
        let Self {
            name,
            uri,
            html,
            csp,
            mut meta,
        } = self;
        if !uri.starts_with(SCHEME) {
            return server.problem(format!(
                "page `{name}`: its URI begins with {SCHEME}, and not as {uri:?} does"
            ));
        }
        meta.insert("csp".to_owned(), Value::Object(csp));
        let meta = json!({ "ui": meta });
        let contents = ResourceContents::text(uri.as_str(), html)
            .mime_type(PAGE_TYPE)
            .meta(meta.clone());
        // The page is the same for everybody, for as long as this version of the server is deployed.
        let page = Resource::new(name, uri, move || ready(contents.clone()))
            .mime_type(PAGE_TYPE)
            .meta(meta)
            .public();
        server.shows_pages = true;
        page.register(server);
    }
}

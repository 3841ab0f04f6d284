//! The server: what a user registers.

use std::any::{TypeId, type_name};
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::caching::{LIST_TTL_MS, ttl_ms};
use crate::capabilities::extension;
use crate::content::Icon;
use crate::context::{Context, Extensions};
use crate::error::Error;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature, TWICE};
use crate::layer::Layer;
use crate::outcome::IntoToolResult;
use crate::own_method::{IntoMethodResult, OwnMethod};
use crate::pagination::DEFAULT_PAGE_SIZE;
use crate::prompt::{IntoMessages, Prompt};
use crate::resource::{IntoContents, Resource, ResourceTemplate};
use crate::task::TaskSupport;
use crate::tool::{Tool, is_tool_name};
use crate::version::ProtocolVersion;

type Hook = dyn Fn(&Context) -> LocalBoxFuture<'static, Result<(), Error>>;

/// An MCP server: a name, a version, and its tools, resources and prompts. Lists keep the order of registration.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Add { a: f64, b: f64 }
///
/// async fn add(Args(Add { a, b }): Args<Add>) -> String {
///     (a + b).to_string()
/// }
///
/// let server = Server::new("demo", "1.0.0").tool("add", "Add two numbers", add);
/// # assert!(server.problems().is_empty());
/// ```
#[derive(Default)]
pub struct Server {
    pub(crate) info: Info,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<Rc<Tool>>,
    pub(crate) resources: Vec<Rc<Resource>>,
    pub(crate) templates: Vec<Rc<ResourceTemplate>>,
    pub(crate) prompts: Vec<Rc<Prompt>>,
    pub(crate) own_methods: Vec<Rc<OwnMethod>>,
    pub(crate) page_size: usize,
    pub(crate) list_ttl_ms: u64,
    pub(crate) shows_pages: bool,
    pub(crate) shared: Option<Rc<Extensions>>,
    pub(crate) on_state_update: Option<Rc<Hook>>,
    pub(crate) result_meta: OnceCell<String>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) hook_signature: Signature,
    pub(crate) problems: Vec<String>,
}

/// `serverInfo` of the initialize result.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) name: String,
    pub(crate) version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    website_url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    icons: Vec<Icon>,
}

/// Something a server can have: a [`Tool`], [`Resource`], [`ResourceTemplate`] or [`Prompt`], or a function that returns one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a feature of a server",
    label = "not a feature",
    note = "a feature is a `Tool`, a `Resource`, a `ResourceTemplate`, a `Prompt` or a `UiPage`, or a function that returns one",
    note = "an async function becomes one by `Tool::new(\"name\", \"description\", function)`, or by `#[tool]` above it"
)]
pub trait Feature {
    /// Adds itself.
    fn register(self, server: &mut Server);
}

#[diagnostic::do_not_recommend]
impl<F: FnOnce() -> T, T: Feature> Feature for F {
    fn register(self, server: &mut Server) {
        self().register(server);
    }
}

impl Server {
    /// A server without features.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let info = Info {
            name: name.into(),
            version: version.into(),
            ..Info::default()
        };
        let list_ttl_ms = LIST_TTL_MS;
        Self {
            info,
            page_size: DEFAULT_PAGE_SIZE,
            list_ttl_ms,
            ..Self::default()
        }
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = Some(title.into());
        self
    }

    /// The purpose of the server, for people.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// The server's website.
    #[must_use]
    pub fn website(mut self, url: impl Into<String>) -> Self {
        self.info.website_url = Some(url.into());
        self
    }

    /// A picture for people.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.info.icons.push(icon);
        self
    }

    /// Instructions for the model on how to use the server.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Entries a page of a list.
    #[must_use]
    pub fn page_size(mut self, entries: usize) -> Self {
        self.page_size = entries;
        self
    }

    /// The time for which a client of 2026-07-28 may reuse a list; five minutes otherwise. A client that listens for
    /// changes of the list hears of them at once.
    #[must_use]
    pub fn list_ttl(mut self, ttl: Duration) -> Self {
        self.list_ttl_ms = ttl_ms(ttl);
        self
    }

    /// Adds a tool; [`Server::with`] takes one with a title, hints or conditions.
    #[must_use]
    pub fn tool<A: Extractors, H>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoToolResult,
    {
        self.with(Tool::new(name, description, handler))
    }

    /// Adds a resource.
    #[must_use]
    pub fn resource<A: Extractors, H>(
        self,
        name: impl Into<String>,
        uri: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoContents,
    {
        self.with(Resource::new(name, uri, handler))
    }

    /// Adds a resource template.
    #[must_use]
    pub fn resource_template<A: Extractors, H>(
        self,
        name: impl Into<String>,
        template: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoContents,
    {
        self.with(ResourceTemplate::new(name, template, handler))
    }

    /// Adds a prompt.
    #[must_use]
    pub fn prompt<A: Extractors, H>(
        self,
        name: impl Into<String>,
        description: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoMessages,
    {
        self.with(Prompt::new(name, description, handler))
    }

    /// Adds a method of an extension of one's own; [`OwnMethod`] takes one with scopes.
    ///
    /// ```
    /// # use durable_mcp_protocol::prelude::*;
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Ping { text: String }
    /// #[derive(Serialize)]
    /// struct Pong { text: String }
    ///
    /// async fn ping(Args(Ping { text }): Args<Ping>) -> Json<Pong> {
    ///     Json(Pong { text })
    /// }
    /// let server = Server::new("acme", "1.0.0").method("acme.example/ping", ping);
    /// # assert!(server.problems().is_empty());
    /// ```
    #[must_use]
    pub fn method<A: Extractors, H>(self, name: impl Into<String>, handler: H) -> Self
    where
        H: Handler<A>,
        H::Output: IntoMethodResult,
    {
        self.with(OwnMethod::new(name, handler))
    }

    /// Adds any feature, or the one that a function returns.
    #[must_use]
    pub fn with(mut self, feature: impl Feature) -> Self {
        feature.register(&mut self);
        self
    }

    /// Gives a value to all handlers that take [`Shared<T>`](crate::shared::Shared): one of each type. It lives as long as the server
    /// in memory, and is stored nowhere.
    #[must_use]
    pub fn with_state<T: 'static>(mut self, value: T) -> Self {
        let shared = self.shared.get_or_insert_default();
        match Rc::get_mut(shared) {
            Some(shared) if !shared.has(TypeId::of::<T>()) => shared.insert(Rc::new(value)),
            _ => self.problem(format!(
                "`with_state` has two values of the type `{}`; the first one stays",
                type_name::<T>()
            )),
        }
        self
    }

    /// Runs `hook` after a call that changed the session's state, before the call's answer goes out: once a call,
    /// however often it changed. A failure of the hook is the call's failure; the state stays changed.
    #[must_use]
    pub fn on_state_update<A: Extractors, H: Handler<A, Output = ()>>(mut self, hook: H) -> Self {
        self.hook_signature = hook.signature();
        self.on_state_update = Some(Rc::new(move |context| {
            let into_error = |rejection| match rejection {
                Rejection::Error(error) => error,
                Rejection::Arguments(fault) => Error::internal(fault),
            };
            hook.call(context)
                .map(move |done| done.map_err(into_error))
                .boxed_local()
        }));
        self
    }

    /// The tool of that name, unless it has a [problem](Self::problems).
    pub fn tool_named(&self, name: &str) -> Option<&Rc<Tool>> {
        self.tools
            .iter()
            .find(|tool| tool.definition.name == name)
            .filter(|tool| tool.problem().is_none())
    }

    /// The prompt of that name, unless it has a [problem](Self::problems).
    pub(crate) fn prompt_named(&self, name: &str) -> Option<&Rc<Prompt>> {
        self.prompts
            .iter()
            .find(|prompt| prompt.definition.name == name)
            .filter(|prompt| prompt.problem().is_none())
    }

    /// The method of one's own of that name.
    pub(crate) fn own_method(&self, name: &str) -> Option<&Rc<OwnMethod>> {
        self.own_methods.iter().find(|own| own.name == name)
    }

    /// The tools that have no [problem](Self::problems).
    pub(crate) fn served_tools(&self) -> impl Iterator<Item = &Rc<Tool>> {
        self.tools.iter().filter(|tool| tool.problem().is_none())
    }

    /// The resource templates that have no [problem](Self::problems).
    pub(crate) fn served_templates(&self) -> impl Iterator<Item = &Rc<ResourceTemplate>> {
        self.templates
            .iter()
            .filter(|template| template.shape.problem().is_none())
    }

    /// The prompts that have no [problem](Self::problems).
    pub(crate) fn served_prompts(&self) -> impl Iterator<Item = &Rc<Prompt>> {
        self.prompts
            .iter()
            .filter(|prompt| prompt.problem().is_none())
    }

    /// The server's name for people.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.info.title.as_ref().unwrap_or(&self.info.name)
    }

    /// The purpose of the server, if it has a description.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.info.description.as_deref()
    }

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.info.version
    }

    /// The server's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// Every scope that a tool or a method of one's own needs, in their order.
    #[must_use]
    pub fn scopes(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = Vec::new();
        let of_tools = self.tools.iter().map(|tool| &tool.scopes);
        let of_methods = self.own_methods.iter().map(|own| &own.scopes);
        for scope in of_tools.chain(of_methods).flatten() {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes
    }

    fn extensions(&self, version: ProtocolVersion) -> Map<String, Value> {
        let mut extensions = Map::new();
        if version.is_stateless() && self.has_tasks() {
            extensions.insert(extension::TASKS.to_owned(), json!({}));
        }
        if self.shows_pages && version >= ProtocolVersion::V2025_11_25 {
            extensions.insert(extension::UI.to_owned(), json!({}));
        }
        if version >= ProtocolVersion::V2025_11_25 {
            extensions.extend(self.own_extensions());
        }
        extensions
    }

    fn own_extensions(&self) -> Map<String, Value> {
        let names = self
            .own_methods
            .iter()
            .map(|own| own.extension().to_owned());
        names.map(|name| (name, json!({}))).collect()
    }

    /// The server's capabilities: exactly what its handlers do.
    pub(crate) fn capabilities(&self, version: ProtocolVersion) -> Value {
        let announces = self.announces();
        let listed = |list_changed: bool| {
            if list_changed {
                json!({ "listChanged": true })
            } else {
                json!({})
            }
        };
        let mut all = Map::new();
        if self.signatures().any(|signature| signature.logs) {
            all.insert("logging".to_owned(), json!({}));
        }
        if self.completes() {
            all.insert("completions".to_owned(), json!({}));
        }
        if !self.prompts.is_empty() {
            all.insert("prompts".to_owned(), listed(announces));
        }
        if self.has_resources() {
            let resources = || json!({ "listChanged": true, "subscribe": true });
            all.insert(
                "resources".to_owned(),
                if announces { resources() } else { json!({}) },
            );
        }
        if !self.tools.is_empty() {
            all.insert("tools".to_owned(), listed(announces));
        }
        let extensions = self.extensions(version);
        if !extensions.is_empty() {
            all.insert("extensions".to_owned(), Value::Object(extensions));
        }
        if version < ProtocolVersion::V2025_11_25 && !self.own_methods.is_empty() {
            let experimental = Value::Object(self.own_extensions());
            all.insert("experimental".to_owned(), experimental);
        }
        Value::Object(all)
    }

    /// True if a tool may run as a task.
    #[must_use]
    pub fn has_tasks(&self) -> bool {
        self.tools
            .iter()
            .any(|tool| tool.task != TaskSupport::Forbidden)
    }

    /// The longest lifetime of a task of this server, in milliseconds.
    pub fn longest_task_ms(&self) -> u64 {
        self.tools
            .iter()
            .filter(|tool| tool.task != TaskSupport::Forbidden)
            .map(|tool| tool.task_ttl_ms)
            .max()
            .unwrap_or_default()
    }

    /// True if a handler sends log messages.
    #[must_use]
    pub fn logs(&self) -> bool {
        self.signatures().any(|signature| signature.logs)
    }

    /// True if clients can subscribe to resources.
    #[must_use]
    pub fn subscribes(&self) -> bool {
        self.has_resources() && self.announces()
    }

    /// True if a handler may notify clients of changes.
    #[must_use]
    pub fn announces(&self) -> bool {
        self.signatures().any(|signature| signature.announces)
    }

    /// True if the server has tools.
    #[must_use]
    pub fn has_tools(&self) -> bool {
        !self.tools.is_empty()
    }

    /// True if the server has prompts.
    #[must_use]
    pub fn has_prompts(&self) -> bool {
        !self.prompts.is_empty()
    }

    pub(crate) fn has_resources(&self) -> bool {
        !(self.resources.is_empty() && self.templates.is_empty())
    }

    pub(crate) fn completes(&self) -> bool {
        let mut prompts = self.prompts.iter().map(|prompt| &prompt.completers);
        let mut templates = self.templates.iter().map(|template| &template.completers);
        prompts.any(|completers| !completers.is_empty())
            || templates.any(|completers| !completers.is_empty())
    }

    fn signatures(&self) -> impl Iterator<Item = &Signature> {
        let tools = self.tools.iter().map(|tool| &*tool.signature);
        let resources = self.resources.iter().map(|resource| &*resource.signature);
        let templates = self.templates.iter().map(|template| &*template.signature);
        let prompts = self.prompts.iter().map(|prompt| &*prompt.signature);
        tools
            .chain(resources)
            .chain(templates)
            .chain(prompts)
            .chain(self.own_methods.iter().map(|own| &*own.signature))
            .chain(self.layers.iter().map(|layer| &layer.signature))
            .chain([&self.hook_signature])
    }

    pub(crate) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("info", &self.info)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}

impl Feature for Tool {
    fn register(self, server: &mut Server) {
        let name = &self.definition.name;
        if !is_tool_name(name) {
            return server.problem(format!(
                "tool {name:?}: a name has 1 to 128 of A-Z a-z 0-9 _ - ."
            ));
        }
        if server
            .tools
            .iter()
            .any(|tool| tool.definition.name == *name)
        {
            return server.problem(format!(
                "tool `{name}` is registered twice; the first one stays"
            ));
        }
        if self.signature.repeats_arguments {
            return server.problem(format!("tool `{name}`: {TWICE}"));
        }
        if let Some(problem) = self.session_problem() {
            return server.problem(format!("tool `{name}`: {problem}"));
        }
        server.tools.push(Rc::new(self));
    }
}

impl Feature for Resource {
    fn register(self, server: &mut Server) {
        if server
            .resources
            .iter()
            .any(|resource| resource.definition.uri == self.definition.uri)
        {
            let uri = self.definition.uri.unwrap_or_default();
            server.problem(format!(
                "resource `{uri}` is registered twice; the first one stays"
            ));
        } else if let Some(fault) = self.fault() {
            server.problem(format!("resource `{}`: {fault}", self.definition.name));
        } else {
            server.resources.push(Rc::new(self));
        }
    }
}

impl Feature for ResourceTemplate {
    fn register(self, server: &mut Server) {
        match self.fault() {
            Some(fault) => server.problem(format!(
                "resource template `{}`: {fault}",
                self.definition.name
            )),
            None => server.templates.push(Rc::new(self)),
        }
    }
}

impl Feature for Prompt {
    fn register(self, server: &mut Server) {
        let name = &self.definition.name;
        if server
            .prompts
            .iter()
            .any(|prompt| prompt.definition.name == *name)
        {
            server.problem(format!(
                "prompt `{name}` is registered twice; the first one stays"
            ));
        } else if self.signature.repeats_arguments {
            server.problem(format!("prompt `{name}`: {TWICE}"));
        } else {
            server.prompts.push(Rc::new(self));
        }
    }
}

impl Feature for OwnMethod {
    fn register(self, server: &mut Server) {
        let name = &self.name;
        if let Some(fault) = self.fault() {
            server.problem(format!("method `{name}`: {fault}"));
        } else if server.own_method(name).is_some() {
            server.problem(format!(
                "method `{name}` is registered twice; the first one stays"
            ));
        } else {
            server.own_methods.push(Rc::new(self));
        }
    }
}

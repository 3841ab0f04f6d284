//! Tools (2025-11-25, Tools).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use schemars::Schema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::caching::ttl_ms;
use crate::caller::Caller;
use crate::content::Icon;
use crate::context::Context;
use crate::extract::{Extracting, Extractors, Handler, Rejection, Signature};
use crate::header_params::{HeaderParam, header_params};
use crate::outcome::{IntoToolResult, ToolResult};
use crate::schema::in_an_object;
use crate::shape::Shape;
use crate::state_name::{STATE_ARGUMENT, taken_problem};
use crate::task::{DEFAULT_TTL_SECONDS, TaskSupport};
use crate::version::ProtocolVersion;

type Run = dyn Fn(&Context) -> LocalBoxFuture<'static, Result<ToolResult, Rejection>>;
type Visible = dyn Fn(&Caller) -> bool;

/// A tool: what a model may call.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// async fn roll() -> String {
///     "4".into()
/// }
/// let server = Server::new("dice", "1.0.0")
///     .with(Tool::new("roll", "Roll a die", roll).title("Roll").read_only().open_world(false));
/// # assert!(server.problems().is_empty() && server.advice().is_empty());
/// ```
#[derive(Clone)]
pub struct Tool {
    pub(crate) definition: Definition,
    pub(crate) signature: Rc<Signature>,
    pub(crate) scopes: Vec<String>,
    pub(crate) task: TaskSupport,
    pub(crate) task_ttl_ms: u64,
    pub(crate) shape: Shape,
    /// The arguments that clients repeat in headers, or the reason for which the tool cannot be served.
    checked: OnceCell<Result<Rc<[HeaderParam]>, String>>,
    output: Output,
    visible: Option<Rc<Visible>>,
    run: Rc<Run>,
}

#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    annotations: Option<ToolAnnotations>,
    icons: Vec<Icon>,
    meta: Option<Value>,
}

/// A tool as `tools/list` has it (2025-11-25, schema, `Tool`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    description: &'a str,
    pub(crate) input_schema: Cow<'a, Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'a Schema>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a ToolAnnotations>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    icons: &'a [Icon],
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
}

/// The structured content of a tool. Its schemas are made when they are first needed.
#[derive(Clone)]
struct Output {
    schema: fn() -> Option<Schema>,
    made: OnceCell<Rc<OutputSchemas>>,
}

struct OutputSchemas {
    /// The schema, if there is structured content.
    own: Option<Schema>,
    /// The schema of the content inside an object, if it is not always one.
    in_an_object: Option<Schema>,
}

impl Output {
    fn made(&self) -> &OutputSchemas {
        self.made.get_or_init(|| {
            let own = (self.schema)();
            let in_an_object = own.as_ref().and_then(in_an_object);
            Rc::new(OutputSchemas { own, in_an_object })
        })
    }
}

/// Hints about what a tool does; a client believes them only of a server it trusts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolAnnotations {
    /// The tool's title: versions before 2025-06-18 have it nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destructive_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotent_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_world_hint: Option<bool>,
}

impl Tool {
    /// A tool with the name it is called by, a description for the model, and what it does.
    ///
    /// A name has 1 to 128 of `A-Z a-z 0-9 _ - .`; another one is a [problem](crate::Server::problems) of the server.
    pub fn new<A: Extractors, H>(
        name: impl Into<String>,
        description: impl Into<String>,
        handler: H,
    ) -> Self
    where
        H: Handler<A>,
        H::Output: IntoToolResult,
    {
        let mut signature = handler.signature();
        let input = signature.arguments.take();
        let run = move |context: &Context| {
            handler
                .call(context)
                .map(|output| output.map(IntoToolResult::into_tool_result))
                .boxed_local()
        };
        Self::erased(
            name.into(),
            description.into(),
            input,
            H::Output::output_schema,
            signature,
            Rc::new(run),
        )
    }

    fn erased(
        name: String,
        description: String,
        input: Option<fn() -> Schema>,
        output_schema: fn() -> Option<Schema>,
        signature: Signature,
        run: Rc<Run>,
    ) -> Self {
        let definition = Definition {
            name,
            title: None,
            description,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        };
        let task = if signature.becomes_task {
            TaskSupport::Optional
        } else {
            TaskSupport::Forbidden
        };
        Self {
            definition,
            signature: Rc::new(signature),
            scopes: Vec::new(),
            task,
            task_ttl_ms: DEFAULT_TTL_SECONDS * 1000,
            shape: Shape::of(input),
            checked: OnceCell::new(),
            output: Output {
                schema: output_schema,
                made: OnceCell::new(),
            },
            visible: None,
            run,
        }
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        let title = title.into();
        self.annotations().title = Some(title.clone());
        self.definition.title = Some(title);
        self
    }

    /// A picture for people.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.definition.icons.push(icon);
        self
    }

    /// Says that the tool changes nothing.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        let annotations = self.annotations();
        annotations.read_only_hint = Some(true);
        // ChatGPT's directory requires it, although it follows.
        annotations.destructive_hint = Some(false);
        self
    }

    /// Says that the tool changes something, and whether it may destroy something. Clients assume so of a tool that is not
    /// [read-only](Tool::read_only).
    #[must_use]
    pub fn destructive(mut self, destructive: bool) -> Self {
        let annotations = self.annotations();
        annotations.read_only_hint.get_or_insert(false);
        annotations.destructive_hint = Some(destructive);
        self
    }

    /// Says that calling the tool again with the same arguments changes nothing more.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.annotations().idempotent_hint = Some(true);
        self
    }

    /// Says whether the tool reaches beyond this server: `openWorldHint`. Clients assume that it does.
    #[must_use]
    pub fn open_world(mut self, open_world: bool) -> Self {
        self.annotations().open_world_hint = Some(open_world);
        self
    }

    /// Restricts the tool to callers that were granted all of these scopes: no other may see or call it.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Restricts the tool to callers for whom the predicate holds; to others there is no such tool.
    #[must_use]
    pub fn visible_to(mut self, visible: impl Fn(&Caller) -> bool + 'static) -> Self {
        self.visible = Some(Rc::new(visible));
        self
    }

    /// Runs the tool as a task for clients that know tasks (`taskSupport: optional`), since it takes long: the client polls for the
    /// result or comes back for it later. Others wait for the answer. If the server is restarted while the tool runs, it runs again
    /// if it is [read-only](Tool::read_only) or [idempotent](Tool::idempotent), and fails otherwise. See
    /// [`Task`](crate::task::Task) for a tool that decides on its way.
    #[must_use]
    pub fn task_optional(mut self) -> Self {
        self.task = TaskSupport::Optional;
        self
    }

    /// Runs the tool only as a task (`taskSupport: required`), since it takes too long otherwise: clients that do not know tasks are
    /// refused.
    #[must_use]
    pub fn task_required(mut self) -> Self {
        self.task = TaskSupport::Required;
        self
    }

    /// The lifetime of a task of this tool, and its result, from its beginning on; two hours otherwise.
    #[must_use]
    pub fn task_ttl(mut self, ttl: Duration) -> Self {
        self.task_ttl_ms = ttl_ms(ttl);
        self
    }

    /// True if calls of the tool are tasks from their beginning, for clients that know tasks.
    pub fn begins_as_task(&self) -> bool {
        self.task != TaskSupport::Forbidden && !self.signature.becomes_task
    }

    /// True if a second run of the tool does no harm: it is read-only or idempotent.
    pub(crate) fn may_run_again(&self) -> bool {
        let hints = self.definition.annotations.as_ref();
        hints.is_some_and(|hints| {
            hints.read_only_hint == Some(true) || hints.idempotent_hint == Some(true)
        })
    }

    /// True if the tool declares `readOnlyHint` and `destructiveHint`.
    pub(crate) fn says_what_it_changes(&self) -> bool {
        let hints = self.definition.annotations.as_ref();
        hints
            .is_some_and(|hints| hints.read_only_hint.is_some() && hints.destructive_hint.is_some())
    }

    /// True if the tool declares `openWorldHint`.
    pub(crate) fn says_its_world(&self) -> bool {
        self.definition
            .annotations
            .as_ref()
            .is_some_and(|hints| hints.open_world_hint.is_some())
    }

    /// True if the input schema has no choice at its root. Only a schema that was written by hand can have one there.
    pub(crate) fn has_a_plain_root(&self) -> bool {
        ["allOf", "anyOf", "oneOf"]
            .into_iter()
            .all(|keyword| self.shape.shown().get(keyword).is_none())
    }

    /// The [page](crate::ui_page::UiPage) that shows its results.
    #[must_use]
    pub fn page(mut self, uri: &str) -> Self {
        let meta = self.definition.meta.get_or_insert_with(|| json!({}));
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("ui".to_owned(), json!({ "resourceUri": uri }));
        }
        self
    }

    /// The URI of the page that shows its results.
    pub(crate) fn page_uri(&self) -> Option<&str> {
        self.definition
            .meta
            .as_ref()?
            .get("ui")?
            .get("resourceUri")?
            .as_str()
    }

    /// A schema written by hand, in place of the one of the handler's [`Args`](crate::extract::Args). It is shown as it
    /// is, and has `"type": "object"` at its root. Its bounds, lengths, patterns and formats are checked.
    #[must_use]
    pub fn input_schema(mut self, schema: Schema) -> Self {
        self.shape = Shape::by_hand(schema);
        self.checked = OnceCell::new();
        self
    }

    /// The tool's `_meta` object.
    #[must_use]
    pub fn meta(mut self, meta: Value) -> Self {
        self.definition.meta = Some(meta);
        self
    }

    /// The reason for which a tool with `Session` cannot run as a task, if it is one.
    pub(crate) fn session_problem(&self) -> Option<String> {
        let is_task = self.signature.needs_session && self.task != TaskSupport::Forbidden;
        is_task
            .then(|| "it runs as a task, which has no session: it cannot take `Session`".to_owned())
    }

    /// The reason for which the tool cannot be served, by its schema.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.checked().as_ref().err().map(String::as_str)
    }

    /// Milliseconds for which the result of a task of this tool is kept.
    #[must_use]
    pub fn task_lifetime_ms(&self) -> u64 {
        self.task_ttl_ms
    }

    /// The arguments that clients repeat in headers.
    pub fn header_params(&self) -> &[HeaderParam] {
        self.checked().as_deref().unwrap_or_default()
    }

    fn checked(&self) -> &Result<Rc<[HeaderParam]>, String> {
        self.checked.get_or_init(|| {
            if self.signature.needs_session
                && self
                    .shape
                    .properties()
                    .any(|(name, _)| name == STATE_ARGUMENT)
            {
                return Err(taken_problem());
            }
            match self.shape.problem() {
                Some(problem) => Err(problem.to_owned()),
                None => header_params(self.shape.shown()).map(Rc::from),
            }
        })
    }

    /// The tool as clients of that version see it.
    pub(crate) fn listed(&self, version: ProtocolVersion) -> Listed<'_> {
        let output = self.output.made();
        let in_an_object = output
            .in_an_object
            .as_ref()
            .filter(|_| !version.is_stateless());
        let Definition {
            name,
            title,
            description,
            annotations,
            icons,
            meta,
        } = &self.definition;
        Listed {
            name,
            title: title.as_deref(),
            description,
            input_schema: Cow::Borrowed(self.shape.shown()),
            output_schema: in_an_object.or(output.own.as_ref()),
            annotations: annotations.as_ref(),
            icons,
            meta: meta.as_ref(),
        }
    }

    /// A result as clients of that version take it: structured content of any kind only since 2026-07-28.
    pub(crate) fn fitted(&self, mut result: ToolResult, version: ProtocolVersion) -> ToolResult {
        if !version.is_stateless() {
            result.put_in_an_object(|| self.output.made().in_an_object.is_some());
        }
        result
    }

    fn annotations(&mut self) -> &mut ToolAnnotations {
        self.definition.annotations.get_or_insert_default()
    }

    /// True if the tool is in the caller's list.
    pub(crate) fn is_visible_to(&self, caller: &Caller) -> bool {
        caller.has_scopes(&self.scopes) && self.exists_for(caller)
    }

    /// True if the tool is in every caller's list.
    pub(crate) fn is_for_everybody(&self) -> bool {
        self.scopes.is_empty() && self.visible.is_none()
    }

    /// True if the caller could call the tool, with the scopes that it needs.
    pub(crate) fn exists_for(&self, caller: &Caller) -> bool {
        self.visible.as_ref().is_none_or(|visible| visible(caller))
    }

    pub(crate) fn run(
        &self,
        context: &Context,
    ) -> LocalBoxFuture<'static, Result<ToolResult, Rejection>> {
        (self.run)(context)
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.definition.name)
            .finish_non_exhaustive()
    }
}

/// The longest name of a tool (2025-11-25, Tools, "Tool Names").
const MAX_NAME_CHARS: usize = 128;

/// Checks the name of a tool: up to 128 ASCII letters, digits, `_`, `-` and `.`, which all clients accept.
pub(crate) fn is_tool_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

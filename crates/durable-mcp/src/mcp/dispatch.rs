//! Requests to their results.

use std::pin::pin;
use std::task::Poll;

use serde_json::value::RawValue;

use super::caching::{CacheScope, Caching};
use super::capabilities::ClientCapabilities;
use super::completion::Typed;
use super::content::{Content, ResourceContents};
use super::context::{Arguments, Context};
use super::error::{Error, ErrorCode, Quoted};
use super::extract::Rejection;
use super::fields::{Fields, may_name};
use super::jsonrpc::{MAX_ID_BYTES, Request, to_json};
use super::log::LogLevel;
use super::outcome::ToolResult;
use super::page::page;
use super::panics::contain;
use super::resource::Resource;
use super::server::Server;
use super::state_argument::{self, BegunState};
use super::task::TaskSupport;
use super::template::UriTemplate;
use super::tool::Tool;
use super::url_elicitation::sent_away;
use super::user::Caller;

/// Ending of a request, for the log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With a result.
    Ok,
    /// With a result that tells a tool's failure.
    ToolError,
    /// With a protocol error.
    Error,
    /// By a panic in a user's function.
    Panic,
}

impl Ended {
    /// The word for it in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Error => "error",
            Self::Panic => "panic",
        }
    }
}

/// Outcome of a request without an error.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The JSON of its result.
    Result(String),
    /// The call is suspended until another request; its [`Peer`](super::peer::Peer) knows what it waits for.
    Suspended,
}

/// Outcome of a request, with its ending and caching hints.
#[derive(Debug)]
pub struct Answer {
    /// The outcome, or the protocol error.
    pub outcome: Result<Outcome, Error>,
    /// Ending of the request, for the log line.
    pub ended: Ended,
    /// Caching hints of a result that may be cached.
    pub(crate) caching: Option<Caching>,
}

impl From<Result<String, Error>> for Answer {
    fn from(outcome: Result<String, Error>) -> Self {
        let ended = if outcome.is_ok() {
            Ended::Ok
        } else {
            Ended::Error
        };
        Self {
            outcome: outcome.map(Outcome::Result),
            ended,
            caching: None,
        }
    }
}

impl Answer {
    pub(super) const SUSPENDED: Self = Self {
        outcome: Ok(Outcome::Suspended),
        ended: Ended::Ok,
        caching: None,
    };

    fn cached(json: String, caching: Caching) -> Self {
        Self {
            caching: Some(caching),
            ..Ok(json).into()
        }
    }
}

/// The tool, prompt or resource that a request names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The name of the tool, prompt or resource, if this server has it: what a client makes up stays out of the log.
    pub name: Option<String>,
    /// True if the tool's handler finishes by itself when the client cancels the request.
    pub heeds_cancellation: bool,
}

const EMPTY: &str = "{}";

impl Server {
    /// Finds the tool, prompt or resource that a request names.
    #[must_use]
    pub fn target(&self, request: &Request) -> Target {
        let key = match request.method.as_str() {
            "tools/call" | "prompts/get" => "name",
            "resources/read" => "uri",
            _ => return Target::default(),
        };
        let Ok(name) = request.params.fields().text(key) else {
            return Target::default();
        };
        let tool = self.tool_named(&name);
        let prompt = || self.prompt_named(&name).is_some();
        let resource = || {
            self.resources
                .iter()
                .any(|resource| resource.definition.uri.as_ref() == Some(&name))
        };
        Target {
            heeds_cancellation: tool.is_some_and(|tool| tool.signature.heeds_cancellation),
            name: (tool.is_some() || prompt() || resource()).then_some(name),
        }
    }

    /// The scopes that a request needs, all of them, if its caller lacks one.
    #[must_use]
    pub fn missing_scopes(&self, request: &Request, caller: &Caller) -> Option<&[String]> {
        let tool = self
            .called_tool(request)
            .filter(|tool| tool.exists_for(caller))?;
        (!caller.has_scopes(&tool.scopes)).then_some(&tool.scopes)
    }

    /// Lifetime of the task of a call, in milliseconds, and whether the call is one from its beginning; none if it cannot be a task.
    pub(crate) fn task_tool(&self, request: &Request, caller: &Caller) -> Option<(u64, bool)> {
        let tool = self
            .called_tool(request)
            .filter(|tool| tool.is_visible_to(caller))?;
        (tool.task != TaskSupport::None).then(|| (tool.task_ttl_ms, tool.begins_as_task()))
    }

    /// True if a call that was cut off may run again: its tool is read-only or idempotent.
    pub(crate) fn may_run_again(&self, request: &Request) -> bool {
        self.called_tool(request).is_some_and(Tool::may_run_again)
    }

    fn called_tool(&self, request: &Request) -> Option<&Tool> {
        let name = (request.method == "tools/call")
            .then(|| request.params.fields().text("name").ok())
            .flatten()?;
        self.tool_named(&name)
    }

    /// Answers one request. `initialize` is not among them: see [`Server::initialize`].
    ///
    /// A method of a feature that this server does not have is unknown (−32601), and so is one that the client's version
    /// does not have.
    pub async fn answer(&self, request: &Request, context: &Context) -> Answer {
        let mut answer = match contain(self.dispatch(request, context)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(error).into(),
            Err(_) => {
                let method = Quoted(&request.method);
                let error = Error::internal(format!(
                    "{method} failed unexpectedly. The session goes on."
                ));
                Answer {
                    ended: Ended::Panic,
                    ..Err(error).into()
                }
            }
        };
        if let Err(refusal) = &answer.outcome
            && refusal.code == ErrorCode::URL_ELICITATION_REQUIRED
        {
            let refusal = refusal.clone();
            answer = sent_away(request, context, refusal).unwrap_or_else(|error| Err(error).into());
        }
        if context.client().version.is_stateless() {
            answer.outcome = answer.outcome.map_err(|error| fit_error(error, context));
        }
        answer
    }

    async fn dispatch(&self, request: &Request, context: &Context) -> Result<Answer, Error> {
        let fields = request.params.fields();
        if let Some(token) = progress_token(&fields)? {
            context.set_progress_token(token.to_owned());
        }
        let stateless = context.client().version.is_stateless();
        let result = match request.method.as_str() {
            "server/discover" if stateless => {
                return Ok(Answer::cached(
                    self.discover(context.client().version),
                    self.caching(CacheScope::Public),
                ));
            }
            "tools/list" if !self.tools.is_empty() => return self.list_tools(context, &fields),
            "tools/call" if !self.tools.is_empty() => {
                return self.call_tool(context, &fields).await;
            }
            "resources/list" if self.has_resources() => {
                return self.list_resources(context, &fields);
            }
            "resources/templates/list" if self.has_resources() => {
                let shown = self.served_templates().map(|one| to_json(&one.definition));
                return self.list("resourceTemplates", shown, &fields, CacheScope::Public);
            }
            "resources/read" if self.has_resources() => {
                return self.read_resource(context, &fields).await;
            }
            "prompts/list" if !self.prompts.is_empty() => {
                return self.list_prompts(context, &fields);
            }
            "prompts/get" if !self.prompts.is_empty() => {
                return self.get_prompt(context, &fields).await;
            }
            "completion/complete" if self.completes() => self.complete(context, &fields).await?,
            "ping" if !stateless => EMPTY.to_owned(),
            "resources/subscribe" if !stateless && self.subscribes() => {
                subscribe(context, &fields, true)?
            }
            "resources/unsubscribe" if !stateless && self.subscribes() => {
                subscribe(context, &fields, false)?
            }
            "logging/setLevel" if !stateless && self.logs() => set_level(context, &fields)?,
            method => return Err(Error::method_not_found(method)),
        };
        Ok(Ok(result).into())
    }

    fn list_tools(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let shown = self
            .served_tools()
            .filter(|tool| tool.is_visible_to(context.caller()))
            .map(|tool| {
                let listed = tool.listed(context.client().version);
                if state_argument::is_named(context, &tool.signature) {
                    to_json(&state_argument::of_tool(listed))
                } else {
                    to_json(&listed)
                }
            });
        let for_all = self.served_tools().all(Tool::is_for_everybody);
        self.list(
            "tools",
            shown,
            fields,
            if for_all {
                CacheScope::Public
            } else {
                CacheScope::Private
            },
        )
    }

    fn list_resources(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let shown = self.resources.iter().map(|one| {
            if state_argument::is_named(context, &one.signature) {
                to_json(&state_argument::of_resource(&one.definition))
            } else {
                to_json(&one.definition)
            }
        });
        self.list("resources", shown, fields, CacheScope::Public)
    }

    fn list_prompts(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let shown = self.served_prompts().map(|one| {
            if state_argument::is_named(context, &one.signature) {
                to_json(&state_argument::of_prompt(one.listed()))
            } else {
                to_json(&one.listed())
            }
        });
        self.list("prompts", shown, fields, CacheScope::Public)
    }

    fn list(
        &self,
        key: &str,
        items: impl Iterator<Item = String>,
        fields: &Fields<'_>,
        scope: CacheScope,
    ) -> Result<Answer, Error> {
        let cursor = fields.optional_text("cursor")?;
        let json = page(
            key,
            &items.collect::<Vec<_>>(),
            cursor.as_deref(),
            self.page_size,
        )?;
        Ok(Answer::cached(json, self.caching(scope)))
    }

    fn caching(&self, scope: CacheScope) -> Caching {
        Caching {
            ttl_ms: self.lists_ttl_ms,
            scope,
        }
    }

    async fn call_tool(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let name = fields.text("name")?;
        let Some(tool) = self
            .tool_named(&name)
            .filter(|tool| tool.exists_for(context.caller()))
        else {
            return Err(Error::invalid_params(format!(
                "There is no tool {}.",
                Quoted(&name)
            )));
        };
        if !context.caller().has_scopes(&tool.scopes) {
            return Err(Error::insufficient_scope(&tool.scopes));
        }
        if tool.task == TaskSupport::Required
            && !context.client().capabilities.has(ClientCapabilities::TASKS)
        {
            let message = "This runs as a task only, and your client does not know tasks.";
            return Err(if context.client().version.is_stateless() {
                Error::missing_capability(ClientCapabilities::TASKS)
            } else {
                Error::new(ErrorCode::REFUSED, message)
            });
        }
        let mut arguments = fields.raw("arguments").map(RawValue::to_owned);
        if state_argument::is_named(context, &tool.signature) {
            arguments = arguments.map(|given| state_argument::without(&given).unwrap_or(given));
        }
        if let Err(fault) = tool
            .shape
            .check(arguments.as_deref().map_or(EMPTY, RawValue::get))
        {
            return finish_tool(ToolResult::invalid_arguments(&name, &fault), context);
        }
        let context = context.with_arguments(arguments.map_or(Arguments::None, Arguments::Json));
        let result = match contain(self.settled(&context, tool.run(&context))).await {
            Ok(Ok(None)) => return Ok(Answer::SUSPENDED),
            Ok(Ok(Some(result))) => tool.fitted(result, context.client().version),
            Ok(Err(Rejection::Arguments(fault))) => ToolResult::invalid_arguments(&name, &fault),
            Ok(Err(Rejection::Error(error))) => return Err(error),
            Err(_) => {
                let message =
                    format!("The tool `{name}` failed unexpectedly. The session goes on.");
                let answer = finish_tool(ToolResult::error(message), &context)?;
                return Ok(Answer {
                    ended: Ended::Panic,
                    ..answer
                });
            }
        };
        finish_tool(result, &context)
    }

    async fn read_resource(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let asked = fields.text("uri")?;
        let uri = if state_argument::is_for(context) && fields.has("uri") {
            let (own, state) = state_argument::split(&asked);
            if state.is_some() && self.is_stateful_resource(own) {
                own
            } else {
                &asked
            }
        } else {
            &asked
        };
        let mut caching = Caching::default();
        let read = async {
            let is_it = |resource: &&Resource| resource.definition.uri.as_deref() == Some(uri);
            if let Some(resource) = self.resources.iter().find(is_it) {
                caching = resource.caching;
                return resource.read(context, uri).await;
            }
            for template in &self.templates {
                let values = template
                    .template
                    .as_ref()
                    .ok()
                    .and_then(|parsed| parsed.matches(uri));
                if let Some(values) = values.filter(|_| template.shape.problem().is_none()) {
                    caching = template.caching;
                    let arguments = template.arguments(&values).map_err(Rejection::Arguments)?;
                    return template.read(&context.with_arguments(arguments), uri).await;
                }
            }
            Err(Rejection::Error(Error::resource_not_found(uri)))
        };
        let contents = self
            .settled(context, read)
            .await
            .map_err(|rejection| refused("resource", rejection))?;
        let Some(mut contents) = contents else {
            return Ok(Answer::SUSPENDED);
        };
        if uri != asked {
            for part in &mut contents {
                let (ResourceContents::Text { uri: own, .. }
                | ResourceContents::Blob { uri: own, .. }) = part;
                if own == uri {
                    own.clone_from(&asked);
                }
            }
        }
        Ok(Answer::cached(
            format!(r#"{{"contents":{}}}"#, to_json(&contents)),
            caching,
        ))
    }

    async fn get_prompt(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let name = fields.text("name")?;
        let Some(prompt) = self.prompt_named(&name) else {
            return Err(Error::invalid_params(format!(
                "There is no prompt {}.",
                Quoted(&name)
            )));
        };
        let mut given = fields.object("arguments")?.texts()?;
        if state_argument::is_named(context, &prompt.signature) {
            given.remove(state_argument::STATE_ARGUMENT);
        }
        let arguments = prompt
            .arguments(&given)
            .map_err(|fault| refused("prompt", Rejection::Arguments(fault)))?;
        let context = context.with_arguments(arguments);
        let messages = self.settled(&context, prompt.get(&context)).await;
        let messages = messages.map_err(|rejection| refused("prompt", rejection))?;
        let Some(mut messages) = messages else {
            return Ok(Answer::SUSPENDED);
        };
        for message in &mut messages {
            message.content.fit(context.client().version);
        }
        let description = to_json(&prompt.definition.description);
        Ok(Ok(format!(
            r#"{{"description":{description},"messages":{}}}"#,
            to_json(&messages)
        ))
        .into())
    }

    async fn complete(&self, context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
        let reference = fields.object("ref")?;
        let completers = match reference.text("type")?.as_str() {
            "ref/prompt" => {
                let name = reference.text("name")?;
                self.prompt_named(&name).map(|prompt| &prompt.completers)
            }
            "ref/resource" => {
                let uri = reference.text("uri")?;
                let is_it = |parsed: &UriTemplate| parsed.as_str() == uri;
                let named = self
                    .served_templates()
                    .find(|template| template.template.as_ref().is_ok_and(is_it));
                named.map(|template| &template.completers)
            }
            _ => None,
        };
        let Some(completers) = completers else {
            return Err(Error::invalid_params(
                "There is no such prompt or resource template to complete for.",
            ));
        };
        let argument = fields.object("argument")?;
        let settled = fields.object("context")?.object("arguments")?.texts()?;
        let typed = Typed {
            value: argument.text("value")?,
            settled,
        };
        let values = completers
            .complete(context, &argument.text("name")?, typed)
            .await;
        values.map_err(|rejection| refused("completion", rejection))
    }

    /// Runs a handler, and the hook if the handler changed the session's state. What the hook itself changes does not
    /// call it again. Gives none if the handler waits for what only another request can bring: it is dropped then.
    async fn settled<T>(
        &self,
        context: &Context,
        run: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<Option<T>, Rejection> {
        let output = until_suspended(context, run).await.transpose()?;
        if context.take_state_changed()
            && let Some(hook) = &self.on_state_update
        {
            hook(context).await?;
        }
        Ok(output)
    }
}

/// Runs a future to its end, or to where its call is suspended. What it asks for at the same time is all asked by then.
async fn until_suspended<T>(context: &Context, run: impl Future<Output = T>) -> Option<T> {
    let mut run = pin!(run);
    std::future::poll_fn(|cx| match run.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if context.peer().is_suspended() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn progress_token<'a>(fields: &Fields<'a>) -> Result<Option<&'a RawValue>, Error> {
    const NAME: &str = "progressToken";
    if fields
        .raw("_meta")
        .is_none_or(|meta| meta.get().starts_with('{') && !may_name(meta, NAME))
    {
        return Ok(None);
    }
    let token = fields.object("_meta")?.raw(NAME);
    if token.is_some_and(|token| token.get().len() > MAX_ID_BYTES) {
        let message = format!(
            "`{NAME}` is longer than {MAX_ID_BYTES} bytes. Each report of progress repeats it."
        );
        return Err(Error::invalid_params(message));
    }
    Ok(token)
}

fn subscribe(context: &Context, fields: &Fields<'_>, subscribed: bool) -> Result<String, Error> {
    context
        .peer()
        .set_subscribed(&fields.text("uri")?, subscribed)?;
    Ok(EMPTY.to_owned())
}

fn set_level(context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
    let level = LogLevel::parse(&fields.text("level")?).ok_or_else(|| {
        Error::invalid_params(
            "`level` is one of debug, info, notice, warning, error, critical, alert, emergency.",
        )
    })?;
    context.peer().set_log_level(level)?;
    Ok(EMPTY.to_owned())
}

pub(super) fn finish_tool(mut result: ToolResult, context: &Context) -> Result<Answer, Error> {
    if let Some(error) = result.refusal.take() {
        return Err(error);
    }
    if result.is_error
        && context.client().version.is_stateless()
        && context.missing() != ClientCapabilities::default()
    {
        return Err(Error::missing_capability(context.missing()));
    }
    if let Some(begun) = context.extension::<BegunState>() {
        result
            .content
            .push(Content::text(state_argument::told(&begun)));
    }
    for block in &mut result.content {
        block.fit(context.client().version);
    }
    let ended = if result.is_error {
        Ended::ToolError
    } else {
        Ended::Ok
    };
    Ok(Answer {
        ended,
        ..Ok(to_json(&result)).into()
    })
}

/// An error as a client without a session knows it (2026-07-28, Basic, "Error Codes").
fn fit_error(mut error: Error, context: &Context) -> Error {
    if error.code == ErrorCode::RESOURCE_NOT_FOUND {
        error.code = ErrorCode::INVALID_PARAMS;
    }
    if context.missing() != ClientCapabilities::default() {
        return Error::missing_capability(context.missing());
    }
    error
}

fn refused(kind: &str, rejection: Rejection) -> Error {
    match rejection {
        Rejection::Arguments(fault) => {
            Error::invalid_params(format!("Invalid arguments for the {kind}: {fault}."))
        }
        Rejection::Error(error) => error,
    }
}

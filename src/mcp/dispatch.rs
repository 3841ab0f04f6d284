//! Requests to their results.

use serde_json::value::RawValue;

use super::completion::Typed;
use super::context::{Arguments, Context};
use super::error::{Error, Quoted};
use super::extract::Rejection;
use super::fields::Fields;
use super::jsonrpc::{Request, to_json};
use super::log::LogLevel;
use super::outcome::ToolResult;
use super::page::page;
use super::panics::contain;
use super::resource::Resource;
use super::server::Server;
use super::template::UriTemplate;
use super::tool::Tool;
use super::user::Caller;

/// How a request ended, for the log line.
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

/// The result of a request, as JSON, and how it came about.
#[derive(Debug)]
pub struct Answer {
    /// The JSON of the result, or the error.
    pub outcome: Result<String, Error>,
    /// How it ended.
    pub ended: Ended,
}

impl From<Result<String, Error>> for Answer {
    fn from(outcome: Result<String, Error>) -> Self {
        let ended = if outcome.is_ok() { Ended::Ok } else { Ended::Error };
        Self { outcome, ended }
    }
}

/// What a request is aimed at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The name of the tool, prompt or resource, if this server has it: what a client makes up stays out of the log.
    pub name: Option<String>,
    /// Whether its handler wants to finish by itself when the client calls it off.
    pub heeds_cancellation: bool,
}

const EMPTY: &str = "{}";

impl Server {
    /// What a request is aimed at.
    #[must_use]
    pub fn target(&self, request: &Request) -> Target {
        let key = match request.method.as_str() {
            "tools/call" | "prompts/get" => "name",
            "resources/read" => "uri",
            _ => return Target::default(),
        };
        let Ok(name) = request.params.fields().and_then(|fields| fields.text(key)) else { return Target::default() };
        let tool = self.tools.iter().find(|tool| tool.definition.name == name);
        let prompt = || self.prompts.iter().any(|prompt| prompt.definition.name == name);
        let resource = || self.resources.iter().any(|resource| resource.definition.uri.as_ref() == Some(&name));
        Target {
            heeds_cancellation: tool.is_some_and(|tool| tool.signature.heeds_cancellation),
            name: (tool.is_some() || prompt() || resource()).then_some(name),
        }
    }

    /// The scopes that a request needs, all of them, if its caller lacks one.
    #[must_use]
    pub fn missing_scopes(&self, request: &Request, caller: &Caller) -> Option<&[String]> {
        if request.method != "tools/call" {
            return None;
        }
        let name = request.params.fields().and_then(|fields| fields.text("name")).ok()?;
        let tool = self.tools.iter().find(|tool| tool.definition.name == name && tool.exists_for(caller))?;
        (!caller.has_scopes(&tool.scopes)).then_some(&tool.scopes)
    }

    /// Answers one request. `initialize` is not among them: see [`Server::initialize`].
    ///
    /// A method of a feature that this server does not have is unknown (−32601).
    pub async fn answer(&self, request: &Request, context: &Context) -> Answer {
        match contain(self.dispatch(request, context)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(error).into(),
            Err(_) => {
                let method = Quoted(&request.method);
                let error = Error::internal(format!("{method} failed unexpectedly. The session goes on."));
                Answer { outcome: Err(error), ended: Ended::Panic }
            }
        }
    }

    async fn dispatch(&self, request: &Request, context: &Context) -> Result<Answer, Error> {
        let fields = request.params.fields()?;
        if let Some(token) = fields.object("_meta")?.raw("progressToken") {
            context.set_progress_token(token.to_owned());
        }
        let result = match request.method.as_str() {
            "ping" => EMPTY.to_owned(),
            "tools/list" if !self.tools.is_empty() => {
                let shown = self.tools.iter().filter(|tool| tool.is_visible_to(context.caller()));
                self.list("tools", shown.map(|tool| to_json(&tool.definition)), &fields)?
            }
            "tools/call" if !self.tools.is_empty() => return self.call_tool(context, &fields).await,
            "resources/list" if self.has_resources() => {
                self.list("resources", self.resources.iter().map(|one| to_json(&one.definition)), &fields)?
            }
            "resources/templates/list" if self.has_resources() => {
                self.list("resourceTemplates", self.templates.iter().map(|one| to_json(&one.definition)), &fields)?
            }
            "resources/read" if self.has_resources() => self.read_resource(context, &fields).await?,
            "resources/subscribe" if self.subscribes() => subscribe(context, &fields, true)?,
            "resources/unsubscribe" if self.subscribes() => subscribe(context, &fields, false)?,
            "prompts/list" if !self.prompts.is_empty() => {
                self.list("prompts", self.prompts.iter().map(|one| to_json(&one.definition)), &fields)?
            }
            "prompts/get" if !self.prompts.is_empty() => self.get_prompt(context, &fields).await?,
            "completion/complete" if self.completes() => self.complete(context, &fields).await?,
            "logging/setLevel" if self.logs() => set_level(context, &fields)?,
            method => return Err(Error::method_not_found(method)),
        };
        Ok(Ok(result).into())
    }

    fn list(&self, key: &str, items: impl Iterator<Item = String>, fields: &Fields<'_>) -> Result<String, Error> {
        page(key, &items.collect::<Vec<_>>(), fields.optional_text("cursor")?.as_deref(), self.page_size)
    }

    async fn call_tool(&self, context: &Context, fields: &Fields<'_>) -> Result<Answer, Error> {
        let name = fields.text("name")?;
        let named = |tool: &&Tool| tool.definition.name == name && tool.exists_for(context.caller());
        let Some(tool) = self.tools.iter().find(named) else {
            return Err(Error::invalid_params(format!("There is no tool {}.", Quoted(&name))));
        };
        if !context.caller().has_scopes(&tool.scopes) {
            return Err(Error::insufficient_scope(&tool.scopes));
        }
        let arguments = fields.raw("arguments").map(RawValue::to_owned);
        let context = context.with_arguments(arguments.map_or(Arguments::None, Arguments::Json));
        match contain(self.settled(&context, tool.run(&context))).await {
            Ok(Ok(result)) => finish_tool(result, &context),
            Ok(Err(Rejection::Arguments(fault))) => {
                let message = format!("Invalid arguments for `{name}`: {fault}.");
                finish_tool(ToolResult::error(message), &context)
            }
            Ok(Err(Rejection::Error(error))) => Err(error),
            Err(_) => {
                let message = format!("The tool `{name}` failed unexpectedly. The session goes on.");
                Ok(Answer { ended: Ended::Panic, ..finish_tool(ToolResult::error(message), &context)? })
            }
        }
    }

    async fn read_resource(&self, context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
        let uri = fields.text("uri")?;
        let read = async {
            let is_it = |resource: &&Resource| resource.definition.uri.as_ref() == Some(&uri);
            if let Some(resource) = self.resources.iter().find(is_it) {
                return resource.read(context, &uri).await;
            }
            for template in &self.templates {
                let values = template.template.as_ref().ok().and_then(|parsed| parsed.matches(&uri));
                if let Some(values) = values {
                    return template.read(&context.with_arguments(template.arguments(&values)), &uri).await;
                }
            }
            Err(Rejection::Error(Error::resource_not_found(&uri)))
        };
        let contents = self.settled(context, read).await.map_err(|rejection| refused("resource", rejection))?;
        Ok(format!(r#"{{"contents":{}}}"#, to_json(&contents)))
    }

    async fn get_prompt(&self, context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
        let name = fields.text("name")?;
        let Some(prompt) = self.prompts.iter().find(|prompt| prompt.definition.name == name) else {
            return Err(Error::invalid_params(format!("There is no prompt {}.", Quoted(&name))));
        };
        let context = context.with_arguments(prompt.arguments(&fields.object("arguments")?.texts()?));
        let messages = self.settled(&context, prompt.get(&context)).await;
        let mut messages = messages.map_err(|rejection| refused("prompt", rejection))?;
        for message in &mut messages {
            message.content.fit(context.client().version);
        }
        let description = to_json(&prompt.definition.description);
        Ok(format!(r#"{{"description":{description},"messages":{}}}"#, to_json(&messages)))
    }

    async fn complete(&self, context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
        let reference = fields.object("ref")?;
        let completers = match reference.text("type")?.as_str() {
            "ref/prompt" => {
                let name = reference.text("name")?;
                self.prompts.iter().find(|prompt| prompt.definition.name == name).map(|prompt| &prompt.completers)
            }
            "ref/resource" => {
                let uri = reference.text("uri")?;
                let is_it = |parsed: &UriTemplate| parsed.as_str() == uri;
                let named = self.templates.iter().find(|template| template.template.as_ref().is_ok_and(is_it));
                named.map(|template| &template.completers)
            }
            _ => None,
        };
        let Some(completers) = completers else {
            return Err(Error::invalid_params("There is no such prompt or resource template to complete for."));
        };
        let argument = fields.object("argument")?;
        let settled = fields.object("context")?.object("arguments")?.texts()?;
        let typed = Typed { value: argument.text("value")?, settled };
        let values = completers.complete(context, &argument.text("name")?, typed).await;
        values.map_err(|rejection| refused("completion", rejection))
    }

    /// Runs a handler, and the hook if the handler changed the session's state. What the hook itself changes does not
    /// call it again.
    async fn settled<T>(
        &self,
        context: &Context,
        run: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        let output = run.await?;
        if context.take_state_changed()
            && let Some(hook) = &self.on_state_update
        {
            hook(context).await?;
        }
        Ok(output)
    }
}

fn subscribe(context: &Context, fields: &Fields<'_>, subscribed: bool) -> Result<String, Error> {
    context.peer().set_subscribed(&fields.text("uri")?, subscribed)?;
    Ok(EMPTY.to_owned())
}

fn set_level(context: &Context, fields: &Fields<'_>) -> Result<String, Error> {
    let level = LogLevel::parse(&fields.text("level")?).ok_or_else(|| {
        Error::invalid_params("`level` is one of debug, info, notice, warning, error, critical, alert, emergency.")
    })?;
    context.peer().set_log_level(level)?;
    Ok(EMPTY.to_owned())
}

fn finish_tool(mut result: ToolResult, context: &Context) -> Result<Answer, Error> {
    if let Some(error) = result.refusal.take() {
        return Err(error);
    }
    for block in &mut result.content {
        block.fit(context.client().version);
    }
    let ended = if result.is_error { Ended::ToolError } else { Ended::Ok };
    Ok(Answer { outcome: Ok(to_json(&result)), ended })
}

fn refused(kind: &str, rejection: Rejection) -> Error {
    match rejection {
        Rejection::Arguments(fault) => Error::invalid_params(format!("Invalid arguments for the {kind}: {fault}.")),
        Rejection::Error(error) => error,
    }
}

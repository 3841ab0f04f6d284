//! Requests to their results.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::completion::{CompleteParams, Reference};
use super::content::{Content, ResourceContents};
use super::context::{Arguments, Context};
use super::error::{Error, ErrorCode, Quoted};
use super::extract::Rejection;
use super::jsonrpc::{Request, to_json};
use super::log::LogLevel;
use super::outcome::ToolResult;
use super::page::{PageParams, page};
use super::panics::contain;
use super::server::Server;
use super::tool::Tool;

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
        let ended = if outcome.is_ok() {
            Ended::Ok
        } else {
            Ended::Error
        };
        Self { outcome, ended }
    }
}

#[derive(Deserialize)]
struct CallParams {
    name: String,
    arguments: Option<Box<RawValue>>,
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(rename = "progressToken")]
    progress_token: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct UriParams {
    uri: String,
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
struct GetPromptParams {
    name: String,
    #[serde(default)]
    arguments: BTreeMap<String, String>,
    #[serde(default, rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
struct LevelParams {
    level: LogLevel,
}

const EMPTY: &str = "{}";

impl Server {
    /// Whether a handler that answers this request wants to finish by itself when it is called off.
    #[must_use]
    pub fn heeds_cancellation(&self, request: &Request) -> bool {
        #[derive(Deserialize)]
        struct Name {
            name: String,
        }
        request.method == "tools/call"
            && request.params.parse::<Name>().is_ok_and(|params| {
                self.tools.iter().any(|tool| {
                    tool.definition.name == params.name && tool.signature.heeds_cancellation
                })
            })
    }

    /// The tool, prompt or resource that a request names, if this server has it: what a client makes up stays out of
    /// the log.
    #[must_use]
    pub fn subject_of(&self, request: &Request) -> Option<String> {
        #[derive(Deserialize)]
        struct Subject {
            #[serde(alias = "uri")]
            name: String,
        }
        let Subject { name } = match request.method.as_str() {
            "tools/call" | "prompts/get" | "resources/read" => request.params.parse().ok()?,
            _ => return None,
        };
        let tool = self.tools.iter().any(|tool| tool.definition.name == name);
        let prompt = || {
            self.prompts
                .iter()
                .any(|prompt| prompt.definition.name == name)
        };
        let resource = || {
            self.resources
                .iter()
                .any(|resource| resource.definition.uri.as_ref() == Some(&name))
        };
        (tool || prompt() || resource()).then_some(name)
    }

    /// Answers one request. `initialize` is not among them: see [`Server::initialize`].
    ///
    /// A method of a feature that this server does not have is unknown (−32601).
    pub async fn answer(&self, request: &Request, context: &Context) -> Answer {
        contain(self.dispatch(request, context))
            .await
            .unwrap_or_else(|_| {
                let error = Error::internal(format!(
                    "{} failed unexpectedly. The session goes on.",
                    Quoted(&request.method)
                ));
                Answer {
                    outcome: Err(error),
                    ended: Ended::Panic,
                }
            })
    }

    async fn dispatch(&self, request: &Request, context: &Context) -> Answer {
        let params = &request.params;
        match request.method.as_str() {
            "ping" => Ok(EMPTY.to_owned()).into(),
            "tools/list" if !self.tools.is_empty() => {
                self.list_tools(context, params.parse()).into()
            }
            "tools/call" if !self.tools.is_empty() => match params.parse() {
                Ok(params) => self.call_tool(context, params).await,
                Err(error) => Err(error).into(),
            },
            "resources/list" if self.has_resources() => self.list_resources(params.parse()).into(),
            "resources/templates/list" if self.has_resources() => {
                self.list_templates(params.parse()).into()
            }
            "resources/read" if self.has_resources() => match params.parse() {
                Ok(params) => self.read_resource(context, params).await,
                Err(error) => Err(error).into(),
            },
            "resources/subscribe" if self.subscribes() => {
                subscribe(context, params.parse(), true).into()
            }
            "resources/unsubscribe" if self.subscribes() => {
                subscribe(context, params.parse(), false).into()
            }
            "prompts/list" if !self.prompts.is_empty() => self.list_prompts(params.parse()).into(),
            "prompts/get" if !self.prompts.is_empty() => match params.parse() {
                Ok(params) => self.get_prompt(context, params).await,
                Err(error) => Err(error).into(),
            },
            "completion/complete" if self.completes() => match params.parse() {
                Ok(params) => self.complete(context, params).await,
                Err(error) => Err(error).into(),
            },
            "logging/setLevel" if self.logs() => set_level(context, params.parse()).into(),
            method => Err(Error::method_not_found(method)).into(),
        }
    }

    fn list_tools(
        &self,
        context: &Context,
        params: Result<PageParams, Error>,
    ) -> Result<String, Error> {
        let shown = self
            .tools
            .iter()
            .filter(|tool| tool.is_visible_to(context.caller()));
        let definitions: Vec<_> = shown.map(|tool| &tool.definition).collect();
        page("tools", &definitions, &params?, self.page_size)
    }

    fn list_resources(&self, params: Result<PageParams, Error>) -> Result<String, Error> {
        let definitions: Vec<_> = self
            .resources
            .iter()
            .map(|resource| &resource.definition)
            .collect();
        page("resources", &definitions, &params?, self.page_size)
    }

    fn list_templates(&self, params: Result<PageParams, Error>) -> Result<String, Error> {
        let definitions: Vec<_> = self
            .templates
            .iter()
            .map(|template| &template.definition)
            .collect();
        page("resourceTemplates", &definitions, &params?, self.page_size)
    }

    fn list_prompts(&self, params: Result<PageParams, Error>) -> Result<String, Error> {
        let definitions: Vec<_> = self
            .prompts
            .iter()
            .map(|prompt| &prompt.definition)
            .collect();
        page("prompts", &definitions, &params?, self.page_size)
    }

    async fn call_tool(&self, context: &Context, params: CallParams) -> Answer {
        let named = |tool: &&Tool| {
            tool.definition.name == params.name && tool.is_visible_to(context.caller())
        };
        let Some(tool) = self.tools.iter().find(named) else {
            return Err(Error::invalid_params(format!(
                "There is no tool {}.",
                Quoted(&params.name)
            )))
            .into();
        };
        if let Some(token) = params.meta.progress_token {
            context.set_progress_token(token);
        }
        let context =
            context.with_arguments(params.arguments.map_or(Arguments::None, Arguments::Json));
        match contain(self.settled(&context, tool.run(&context))).await {
            Ok(Ok(result)) => finish_tool(result, &context),
            Ok(Err(Rejection::Arguments(fault))) => {
                let message = format!("Invalid arguments for `{}`: {fault}.", params.name);
                finish_tool(ToolResult::error(message), &context)
            }
            Ok(Err(Rejection::Error(error))) => Err(error).into(),
            Err(_) => {
                let message = format!(
                    "The tool `{}` failed unexpectedly. The session goes on.",
                    params.name
                );
                Answer {
                    ended: Ended::Panic,
                    ..finish_tool(ToolResult::error(message), &context)
                }
            }
        }
    }

    async fn read_resource(&self, context: &Context, params: UriParams) -> Answer {
        if let Some(token) = params.meta.progress_token {
            context.set_progress_token(token);
        }
        let uri = params.uri.as_str();
        let read = async {
            if let Some(resource) = self
                .resources
                .iter()
                .find(|resource| resource.definition.uri.as_deref() == Some(uri))
            {
                return resource.read(context, uri).await;
            }
            for template in &self.templates {
                let values = template
                    .template
                    .as_ref()
                    .ok()
                    .and_then(|parsed| parsed.matches(uri));
                if let Some(values) = values {
                    return template
                        .read(&context.with_arguments(Arguments::Strings(values)), uri)
                        .await;
                }
            }
            Err(Rejection::Error(not_found(uri)))
        };
        let finish = |contents: Vec<ResourceContents>| json!({ "contents": contents }).to_string();
        finish_read("resource", self.settled(context, read).await, finish)
    }

    async fn get_prompt(&self, context: &Context, params: GetPromptParams) -> Answer {
        let Some(prompt) = self
            .prompts
            .iter()
            .find(|prompt| prompt.definition.name == params.name)
        else {
            return Err(Error::invalid_params(format!(
                "There is no prompt {}.",
                Quoted(&params.name)
            )))
            .into();
        };
        if let Some(token) = params.meta.progress_token {
            context.set_progress_token(token);
        }
        let arguments = context.with_arguments(Arguments::Strings(params.arguments));
        let version = context.client().version;
        let finish = |messages: Vec<super::prompt::PromptMessage>| {
            let messages: Vec<_> = messages
                .into_iter()
                .map(|message| json!({ "role": message.role, "content": message.content.for_version(version) }))
                .collect();
            json!({ "description": prompt.definition.description, "messages": messages })
                .to_string()
        };
        finish_read(
            "prompt",
            self.settled(context, prompt.get(&arguments)).await,
            finish,
        )
    }

    async fn complete(&self, context: &Context, params: CompleteParams) -> Answer {
        let completers = match &params.reference {
            Reference::Prompt { name } => self
                .prompts
                .iter()
                .find(|prompt| prompt.definition.name == *name)
                .map(|prompt| &prompt.completers),
            Reference::Resource { uri } => {
                let is_it = |parsed: &super::template::UriTemplate| parsed.as_str() == uri;
                let named = self
                    .templates
                    .iter()
                    .find(|template| template.template.as_ref().is_ok_and(is_it));
                named.map(|template| &template.completers)
            }
        };
        let Some(completers) = completers else {
            return Err(Error::invalid_params(
                "There is no such prompt or resource template to complete for.",
            ))
            .into();
        };
        finish_read(
            "completion",
            completers.complete(context, params).await,
            |json| json,
        )
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

fn subscribe(
    context: &Context,
    params: Result<UriParams, Error>,
    subscribed: bool,
) -> Result<String, Error> {
    context.peer().set_subscribed(&params?.uri, subscribed)?;
    Ok(EMPTY.to_owned())
}

fn set_level(context: &Context, params: Result<LevelParams, Error>) -> Result<String, Error> {
    context.peer().set_log_level(params?.level)?;
    Ok(EMPTY.to_owned())
}

fn not_found(uri: &str) -> Error {
    let message = format!("There is no resource {}.", Quoted(uri));
    Error::new(ErrorCode::RESOURCE_NOT_FOUND, message).with_data(json!({ "uri": uri }))
}

fn finish_tool(mut result: ToolResult, context: &Context) -> Answer {
    if let Some(error) = result.refusal.take() {
        return Err(error).into();
    }
    let version = context.client().version;
    result.content = result
        .content
        .into_iter()
        .map(|block: Content| block.for_version(version))
        .collect();
    let ended = if result.is_error {
        Ended::ToolError
    } else {
        Ended::Ok
    };
    Answer {
        outcome: Ok(to_json(&result)),
        ended,
    }
}

fn finish_read<T>(
    kind: &str,
    outcome: Result<T, Rejection>,
    finish: impl FnOnce(T) -> String,
) -> Answer {
    match outcome {
        Ok(value) => Ok(finish(value)),
        Err(Rejection::Arguments(fault)) => Err(Error::invalid_params(format!(
            "Invalid arguments for the {kind}: {fault}."
        ))),
        Err(Rejection::Error(error)) => Err(error),
    }
    .into()
}

//! Requests that run a handler: `tools/call`, `resources/read`, `prompts/get`, `completion/complete`.

use std::pin::pin;
use std::task::Poll;

use serde_json::value::RawValue;

use crate::caching::Caching;
use crate::call::{Call, InState, Target};
use crate::capabilities::ClientCapabilities;
use crate::completion::Completers;
use crate::completion_input::CompletionInput;
use crate::content::{Content, ResourceContents};
use crate::context::{Arguments, Context};
use crate::cut::Quoted;
use crate::error::{Error, ErrorCode};
use crate::extract::Rejection;
use crate::fields::Fields;
use crate::jsonrpc::{object_json, to_json};
use crate::layer::Output;
use crate::outcome::ToolResult;
use crate::panics::contain;
use crate::response::{CallOutcome, CallResponse};
use crate::server::Server;
use crate::state_argument::{self, BegunState};
use crate::state_name::STATE_ARGUMENT;
use crate::task::TaskSupport;
use crate::template::UriTemplate;
use crate::tool::Tool;

const EMPTY: &str = "{}";

impl Server {
    pub(crate) async fn call_tool(
        &self,
        call: &Call,
        context: &Context,
    ) -> Result<CallResponse, Error> {
        let tool = called_tool(call, context)?;
        let name = &tool.definition.name;
        let mut arguments = call
            .request
            .params
            .fields()
            .raw("arguments")
            .map(RawValue::to_owned);
        if state_argument::is_named(context, &tool.signature) {
            arguments = arguments.map(|given| state_argument::without(&given).unwrap_or(given));
        }
        if let Err(fault) = tool
            .shape
            .check(arguments.as_deref().map_or(EMPTY, RawValue::get))
        {
            return finish_tool(ToolResult::invalid_arguments(name, &fault), context);
        }
        let context = context.with_arguments(arguments.map_or(Arguments::None, Arguments::Json));
        // A handler draws its arguments after the layers let it run.
        let run = async { tool.run(&context).await };
        let result = match contain(self.run_handler(call, &context, run)).await {
            Ok(Ok(None)) => return Ok(CallResponse::SUSPENDED),
            Ok(Ok(Some(mut result))) => {
                tell_begun_state(&mut result, &context);
                tool.fitted(result, context.client().version)
            }
            Ok(Err(Rejection::Arguments(fault))) => ToolResult::invalid_arguments(name, &fault),
            Ok(Err(Rejection::Error(error))) => return Err(error),
            Err(_) => return panicked(name, &context),
        };
        finish_tool(result, &context)
    }

    pub(crate) async fn read_resource(
        &self,
        call: &Call,
        context: &Context,
    ) -> Result<CallResponse, Error> {
        let fields = call.request.params.fields();
        let requested = fields.text("uri")?;
        let in_state = call
            .in_state
            .as_ref()
            .filter(|_| state_argument::is_for(context));
        let (target, uri) = match (in_state, &call.target) {
            (Some(InState { target, uri, .. }), _) => (target, uri),
            (None, Some(target)) => (target, &requested),
            (None, None) => return Err(Error::resource_not_found(&requested)),
        };
        let caching = match target {
            Target::Resource(resource) => resource.caching,
            Target::Template(template, _) => template.caching,
            _ => Caching::default(),
        };
        let contents = self
            .run_handler(call, context, read(target, context, uri))
            .await
            .map_err(|rejection| refused("resource", rejection))?;
        let Some(mut contents) = contents else {
            return Ok(CallResponse::SUSPENDED);
        };
        if *uri != requested {
            replace_uri(&mut contents, uri, &requested);
        }
        let json = format!(r#"{{"contents":{}}}"#, to_json(&contents));
        Ok(CallResponse::cached(json, caching))
    }

    pub(crate) async fn get_prompt(
        &self,
        call: &Call,
        context: &Context,
    ) -> Result<CallResponse, Error> {
        let fields = call.request.params.fields();
        let Some(Target::Prompt(prompt)) = &call.target else {
            return Err(Error::invalid_params(format!(
                "There is no prompt {}.",
                Quoted(&fields.text("name")?)
            )));
        };
        let mut given = fields.object("arguments")?.texts()?;
        if state_argument::is_named(context, &prompt.signature) {
            given.remove(STATE_ARGUMENT);
        }
        let arguments = prompt
            .arguments(&given)
            .map_err(|fault| refused("prompt", Rejection::Arguments(fault)))?;
        let context = context.with_arguments(arguments);
        let messages = self.run_handler(call, &context, prompt.get(&context)).await;
        let messages = messages.map_err(|rejection| refused("prompt", rejection))?;
        let Some(mut messages) = messages else {
            return Ok(CallResponse::SUSPENDED);
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

    /// Answers a method of one's own, whose arguments are the parameters but for `_meta`.
    pub(crate) async fn call_own(
        &self,
        call: &Call,
        context: &Context,
    ) -> Result<CallResponse, Error> {
        let Some(Target::Own(own)) = &call.target else {
            return Err(Error::method_not_found(&call.request.method));
        };
        if !context.caller().has_scopes(&own.scopes) {
            return Err(Error::insufficient_scope(&own.scopes));
        }
        let fields = call.request.params.fields();
        let given = fields.iter().filter(|(name, _)| *name != "_meta");
        let given = object_json(given.map(|(name, value)| (name, value.get())));
        own.shape
            .check(&given)
            .map_err(|fault| refused("method", Rejection::Arguments(fault)))?;
        let arguments = RawValue::from_string(given).map_or(Arguments::None, Arguments::Json);
        let context = context.with_arguments(arguments);
        let result = self.run_handler(call, &context, own.run(&context)).await;
        let result = result.map_err(|rejection| refused("method", rejection))?;
        // Only methods of the specification may require input (2026-07-28, Multi Round-Trip Requests, "Supported Requests").
        let json = result.ok_or_else(|| {
            let method = Quoted(&own.name);
            Error::internal(format!("{method} cannot ask a client without a session."))
        })?;
        Ok(Ok(json).into())
    }

    pub(crate) async fn complete(
        &self,
        call: &Call,
        context: &Context,
        fields: &Fields<'_>,
    ) -> Result<CallResponse, Error> {
        let reference = fields.object("ref")?;
        let (name, completers) = self.completers_of(&reference)?;
        let argument = fields.object("argument")?;
        let settled = fields.object("context")?.object("arguments")?.texts()?;
        let input = CompletionInput {
            value: argument.text("value")?,
            settled,
        };
        let completed = argument.text("name")?;
        let run = completers.complete(context, &completed, input);
        let values = self.run_layered(call, Some(&name), context, run).await;
        let json = values.map_err(|rejection| refused("completion", rejection))?;
        Ok(Ok(json).into())
    }

    /// The name or URI template that a completion refers to, and the completers.
    fn completers_of(&self, reference: &Fields<'_>) -> Result<(String, &Completers), Error> {
        let (name, completers) = match reference.text("type")?.as_str() {
            "ref/prompt" => {
                let name = reference.text("name")?;
                let named = self.prompt_named(&name);
                (name, named.map(|prompt| &prompt.completers))
            }
            "ref/resource" => {
                let uri = reference.text("uri")?;
                let is_it = |parsed: &UriTemplate| parsed.as_str() == uri;
                let named = self
                    .served_templates()
                    .find(|template| template.template.as_ref().is_ok_and(is_it));
                let completers = named.map(|template| &template.completers);
                (uri, completers)
            }
            _ => (String::new(), None),
        };
        let completers = completers.ok_or_else(|| {
            Error::invalid_params("There is no such prompt or resource template to complete for.")
        })?;
        Ok((name, completers))
    }

    /// Runs a handler, and the hook if the handler changed the session's state. Changes by the hook do not call it again.
    /// Returns `None` if the handler waits for the answers of another request: then it is dropped.
    async fn run_handler<T: Output>(
        &self,
        call: &Call,
        context: &Context,
        run: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<Option<T>, Rejection> {
        let run = self.run_layered(call, call.target_name.as_deref(), context, run);
        let output = until_suspended(context, run).await.transpose()?;
        if context.take_state_changed()
            && let Some(hook) = &self.on_state_update
        {
            hook(context).await?;
        }
        Ok(output)
    }
}

/// The tool of a call that its caller and client may make.
fn called_tool<'c>(call: &'c Call, context: &Context) -> Result<&'c Tool, Error> {
    let caller = context.caller();
    let tool = match &call.target {
        Some(Target::Tool(tool)) if tool.exists_for(caller) => tool,
        _ => {
            let name = call.request.params.fields().text("name")?;
            let message = format!("There is no tool {}.", Quoted(&name));
            return Err(Error::invalid_params(message));
        }
    };
    if !caller.has_scopes(&tool.scopes) {
        return Err(Error::insufficient_scope(&tool.scopes));
    }
    let client = context.client();
    if tool.task == TaskSupport::Required && !client.capabilities.has(ClientCapabilities::TASKS) {
        return Err(if client.version.is_stateless() {
            Error::missing_capability(ClientCapabilities::TASKS)
        } else {
            let message = "This runs as a task only, and your client does not know tasks.";
            Error::new(ErrorCode::REFUSED, message)
        });
    }
    Ok(tool)
}

/// Replaces a resource's own URI by the requested one, which names a state.
fn replace_uri(contents: &mut [ResourceContents], uri: &str, requested: &str) {
    for part in contents {
        let (ResourceContents::Text { uri: own, .. } | ResourceContents::Blob { uri: own, .. }) =
            part;
        if own == uri {
            requested.clone_into(own);
        }
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

/// The response to a call whose tool panicked.
fn panicked(name: &str, context: &Context) -> Result<CallResponse, Error> {
    let message = format!("The tool `{name}` failed unexpectedly. The session goes on.");
    let mut result = ToolResult::error(message);
    tell_begun_state(&mut result, context);
    let response = finish_tool(result, context)?;
    Ok(CallResponse {
        outcome: CallOutcome::Panic,
        ..response
    })
}

async fn read(
    target: &Target,
    context: &Context,
    uri: &str,
) -> Result<Vec<ResourceContents>, Rejection> {
    match target {
        Target::Resource(resource) => resource.read(context, uri).await,
        Target::Template(template, values) => {
            let arguments = template.arguments(values).map_err(Rejection::Arguments)?;
            template.read(&context.with_arguments(arguments), uri).await
        }
        _ => Err(Rejection::Error(Error::resource_not_found(uri))),
    }
}

/// Names the state that a call began, in the result of a handler that ran. A call whose arguments were refused began none.
fn tell_begun_state(result: &mut ToolResult, context: &Context) {
    if let Some(begun) = context.extension::<BegunState>() {
        let told = state_argument::told(&begun);
        result.content.push(Content::text(told));
    }
}

pub(crate) fn finish_tool(
    mut result: ToolResult,
    context: &Context,
) -> Result<CallResponse, Error> {
    if let Some(error) = result.refusal.take() {
        return Err(error);
    }
    // A cause is of a later failure, which the client and the log are told of.
    if result.is_error
        && result.cause.is_none()
        && context.client().version.is_stateless()
        && context.missing() != ClientCapabilities::default()
    {
        return Err(Error::missing_capability(context.missing()));
    }
    let cause = result
        .cause
        .take()
        .map(|cause| cause.under_id(context.peer().cause_id()));
    if let (Some(cause), Some(block)) = (&cause, result.content.first_mut()) {
        *block = Content::text(cause.message());
    }
    for block in &mut result.content {
        block.fit(context.client().version);
    }
    let outcome = if result.is_error {
        CallOutcome::ToolError
    } else {
        CallOutcome::Ok
    };
    Ok(CallResponse {
        outcome,
        cause,
        ..Ok(to_json(&result)).into()
    })
}

fn refused(kind: &str, rejection: Rejection) -> Error {
    match rejection {
        Rejection::Arguments(fault) => {
            Error::invalid_params(format!("Invalid arguments for the {kind}: {fault}."))
        }
        Rejection::Error(error) => error,
    }
}

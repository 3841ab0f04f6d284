//! Dispatch of requests by method, and their responses.

use serde_json::value::RawValue;

use crate::caching::CacheScope;
use crate::call::Call;
use crate::capabilities::ClientCapabilities;
use crate::context::Context;
use crate::cut::Quoted;
use crate::discover::ResultType;
use crate::error::{Error, ErrorCode};
use crate::fields::{Fields, may_name};
use crate::jsonrpc::{MAX_ID_BYTES, error_json, result_json};
use crate::log_level::LogLevel;
use crate::method::Method;
use crate::panics::contain;
use crate::response::{CallOutcome, CallResponse, CallResult};
use crate::server::Server;
use crate::url_elicitation::sent_away;

const EMPTY: &str = "{}";

impl Server {
    /// Answers one request. `initialize` is not among them: see [`Server::initialize`].
    ///
    /// A method of a feature that this server does not have is unknown (−32601), and so is one that the client's version
    /// does not have.
    pub async fn answer(&self, call: &Call, context: &Context) -> CallResponse {
        if let Some(shared) = &self.shared {
            context.share(shared);
        }
        let mut response = match contain(self.dispatch(call, context)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => Err(error).into(),
            Err(_) => {
                let method = Quoted(&call.request.method);
                let error = Error::internal(format!(
                    "{method} failed unexpectedly. The session goes on."
                ));
                CallResponse {
                    outcome: CallOutcome::Panic,
                    ..Err(error).into()
                }
            }
        };
        if let Err(refusal) = &response.result
            && refusal.code == ErrorCode::URL_ELICITATION_REQUIRED
        {
            let refusal = refusal.clone();
            response = sent_away(call, context, refusal).unwrap_or_else(|error| Err(error).into());
        }
        if context.client().version.is_stateless() {
            response.result = response.result.map_err(|error| fit_error(error, context));
        }
        if let Err(error) = &mut response.result
            && let Some(cause) = error.cause.take()
        {
            let cause = cause.under_id(context.peer().cause_id());
            error.message = cause.message();
            response.cause = Some(cause);
        }
        response
    }

    /// The JSON-RPC message with the response to a call. A client of 2026-07-28 gets what every result has since then, and the
    /// open questions of a suspended call, which it sends back with the answers and with `request_state`. A remote transport seals
    /// that state, so that clients can neither read nor change it.
    #[must_use]
    pub fn response_json(
        &self,
        call: &Call,
        context: &Context,
        response: CallResponse,
        request_state: &str,
    ) -> String {
        let id = &call.request.id;
        let (kind, result) = match (response.result, context.peer().rounds()) {
            (Ok(CallResult::Json(result)), _) => (ResultType::Complete, result),
            (Ok(CallResult::Suspended), Some(rounds)) => {
                let questions = rounds.input_required(request_state);
                (ResultType::InputRequired, questions)
            }
            (Ok(CallResult::Suspended), None) => {
                let error = Error::internal("The call is suspended, but has no round trips.");
                return error_json(Some(id), &error);
            }
            (Err(error), _) => return error_json(Some(id), &error),
        };
        if context.client().version.is_stateless() {
            result_json(id, &self.stamp(kind, &result, response.caching))
        } else {
            result_json(id, &result)
        }
    }

    async fn dispatch(&self, call: &Call, context: &Context) -> Result<CallResponse, Error> {
        let fields = call.request.params.fields();
        if let Some(token) = progress_token(&fields)? {
            context.set_progress_token(token.to_owned());
        }
        let version = context.client().version;
        let unknown = || Error::method_not_found(&call.request.method);
        let method = call
            .method
            .filter(|method| self.serves(*method, version))
            .ok_or_else(unknown)?;
        match method {
            Method::Discover => {
                let caching = self.caching(CacheScope::Public);
                Ok(CallResponse::cached(self.discover(version), caching))
            }
            Method::Ping => Ok(Ok(EMPTY.to_owned()).into()),
            Method::ListTools => self.list_tools(context, &fields),
            Method::CallTool => self.call_tool(call, context).await,
            Method::ListResources => self.list_resources(context, &fields),
            Method::ListResourceTemplates => self.list_resource_templates(&fields),
            Method::ReadResource => self.read_resource(call, context).await,
            Method::Subscribe => subscribe(context, &fields, true),
            Method::Unsubscribe => subscribe(context, &fields, false),
            Method::ListPrompts => self.list_prompts(context, &fields),
            Method::GetPrompt => self.get_prompt(call, context).await,
            Method::Complete => self.complete(call, context, &fields).await,
            Method::Own => self.call_own(call, context).await,
            Method::SetLogLevel => set_level(context, &fields),
            Method::Listen | Method::GetTask | Method::UpdateTask | Method::CancelTask => {
                Err(unknown())
            }
        }
    }
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

fn subscribe(
    context: &Context,
    fields: &Fields<'_>,
    subscribed: bool,
) -> Result<CallResponse, Error> {
    context
        .peer()
        .set_subscribed(&fields.text("uri")?, subscribed)?;
    Ok(Ok(EMPTY.to_owned()).into())
}

fn set_level(context: &Context, fields: &Fields<'_>) -> Result<CallResponse, Error> {
    let level = LogLevel::parse(&fields.text("level")?).ok_or_else(|| {
        Error::invalid_params(
            "`level` is one of debug, info, notice, warning, error, critical, alert, emergency.",
        )
    })?;
    context.peer().set_log_level(level)?;
    Ok(Ok(EMPTY.to_owned()).into())
}

/// An error as a client without a session knows it (2026-07-28, Basic, "Error Codes").
fn fit_error(mut error: Error, context: &Context) -> Error {
    if error.code == ErrorCode::RESOURCE_NOT_FOUND {
        error.code = ErrorCode::INVALID_PARAMS;
    }
    // A cause is of a later failure, which the client and the log are told of.
    if error.cause.is_none() && context.missing() != ClientCapabilities::default() {
        return Error::missing_capability(context.missing());
    }
    error
}

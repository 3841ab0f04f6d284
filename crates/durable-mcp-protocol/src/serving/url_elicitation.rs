//! Calls that need their user to open a URL first.

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::Value;

use crate::call::Call;
use crate::capabilities::ClientCapabilities;
use crate::client::ELICIT;
use crate::context::Context;

use crate::error::{Error, ErrorCode};
use crate::fields::Fields;
use crate::invoke::finish_tool;
use crate::method::Method;
use crate::outcome::ToolResult;
use crate::response::CallResponse;

/// Answers a call that its user has to open a URL for, in the form that the client's version has. A client that opens no
/// URLs gets the same text as by a URL elicitation.
pub(crate) fn sent_away(
    call: &Call,
    context: &Context,
    refusal: Error,
) -> Result<CallResponse, Error> {
    let client = context.client();
    if client.version.is_stateless() {
        return send_away(call, context, refusal);
    }
    if client
        .capabilities
        .known_to(client.version)
        .has(ClientCapabilities::ELICITATION_URL)
    {
        return Err(refusal);
    }
    let told = "This needs a client that supports elicitation.url; yours did not declare it.";
    if call.method == Some(Method::CallTool) {
        return finish_tool(ToolResult::error(told), context);
    }
    Err(Error::new(ErrorCode::REFUSED, told))
}

/// Converts `url_elicitation_required` into a URL elicitation (2026-07-28, Elicitation, "URL Mode"), after which the call
/// runs again. A user who is back is asked anew, for as long as the call is refused.
fn send_away(call: &Call, context: &Context, refusal: Error) -> Result<CallResponse, Error> {
    let refused = Error::new(ErrorCode::REFUSED, refusal.message);
    if !call.method.is_some_and(Method::may_require_input) {
        return Err(refused);
    }
    if !context
        .client()
        .capabilities
        .has(ClientCapabilities::ELICITATION_URL)
    {
        return Err(Error::missing_capability(
            ClientCapabilities::ELICITATION_URL,
        ));
    }
    let errands = refusal
        .data
        .as_ref()
        .and_then(|data| data.get("elicitations")?.as_array());
    let asked = join_all(
        errands
            .into_iter()
            .flatten()
            .map(|errand| ask_again(context, errand)),
    );
    // The answers are not awaited, in a task neither: the call runs from its beginning once they are there.
    match asked.now_or_never() {
        Some(declined) => Err(declined.into_iter().next().unwrap_or(refused)),
        None => Ok(CallResponse::SUSPENDED),
    }
}

/// Sends the user to a page for as long as they agree to go; gives why there is no point in it any more.
async fn ask_again(context: &Context, errand: &Value) -> Error {
    let mut params = errand.clone();
    let id = params
        .as_object_mut()
        .and_then(|params| params.remove("elicitationId"));
    let id = id.as_ref().and_then(Value::as_str).unwrap_or("url");
    loop {
        let answer = match context.peer().request(id, ELICIT, params.to_string()).await {
            Ok(answer) => answer,
            Err(error) => return error,
        };
        let agreed = Fields::parse(answer.get()).and_then(|fields| fields.text("action"));
        if agreed.as_deref() != Ok("accept") {
            return Error::new(
                ErrorCode::REFUSED,
                "The user did not agree to open the page.",
            );
        }
    }
}

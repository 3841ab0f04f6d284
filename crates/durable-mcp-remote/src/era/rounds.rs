//! Requests to a server of 2026-07-28: sent again with answers for as long as it has questions, their results as earlier versions have
//! them.

use std::rc::Rc;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Modern;
use super::mirrored::mirrored;
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::json::Object;
use crate::log::log;
use crate::message::{Message, quoted};
use crate::trouble::{Refusal, Trouble};

/// Rounds of questions after which a call is given up.
const MAX_ROUNDS: usize = 10;
/// Pages of tools that are read to learn their headers.
const MAX_PAGES: usize = 100;
/// Headers that differ from the body: the list of tools has changed.
const HEADER_MISMATCH: i64 = -32020;
/// Resource that is not there, in versions before 2025-11-25 and since.
const OLD_RESOURCE_NOT_FOUND: i64 = -32002;
const INVALID_PARAMS: i64 = -32602;

/// Meaning of a response for the client.
enum Outcome {
    Response(Message),
    /// JSON of the questions, by key, and of the state to bring along.
    Questions(String, Option<String>),
}

/// Tool of a page of `tools/list`.
#[derive(Deserialize)]
struct ListedTool {
    name: String,
    #[serde(default, rename = "inputSchema")]
    input_schema: Value,
}

impl Bridge {
    /// Sends a request of an earlier version and sees to its response.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn exchange_modern(
        self: &Rc<Self>,
        modern: &Rc<Modern>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        if self.answer_here(modern, call, message).await? {
            return Ok(());
        }
        if call.method == "tools/call" && !self.knows_tools.get() {
            Box::pin(self.learn_tools()).await?;
        }
        let mut answers = Vec::new();
        let mut has_learned = false;
        for _ in 0..MAX_ROUNDS {
            let outcome = self
                .round_with_headers(modern, call, message, &answers, &mut has_learned)
                .await;
            let Some(response) = with_refusal(outcome)? else {
                return Ok(());
            };
            match self.outcome(modern, call, message, &response)? {
                Outcome::Response(response) => {
                    self.deliver(response).await;
                    return Ok(());
                }
                Outcome::Questions(questions, state) => {
                    let responses = self.responses(modern, call, &questions).await?;
                    let Some(responses) = responses else {
                        return Ok(());
                    };
                    answers = vec![("inputResponses", responses)];
                    answers.extend(state.map(|state| ("requestState", state)));
                }
            }
        }
        Err(untranslatable(&format!(
            "the server asks more than {MAX_ROUNDS} times in one request"
        )))
    }

    /// Responses of the client to the questions in a result; `None` once it has cancelled the call.
    async fn responses(
        self: &Rc<Self>,
        modern: &Rc<Modern>,
        call: &Call,
        questions: &str,
    ) -> Result<Option<String>, Trouble> {
        tokio::select! {
            responses = self.ask_client(modern, questions) => responses.map(Some),
            // The questions are withdrawn with the future.
            () = call.done.done() => Ok(None),
        }
    }

    /// Answers what servers of 2026-07-28 have no method for; `false` for all else.
    async fn answer_here(
        self: &Rc<Self>,
        modern: &Rc<Modern>,
        call: &Call,
        message: &Message,
    ) -> Result<bool, Trouble> {
        match call.method.as_str() {
            "ping" => self.answer_empty(call).await?,
            "logging/setLevel" => {
                let params = message.raw_params().unwrap_or_default();
                let level = Object::parse(&params)
                    .and_then(|params| params.get("level").map(str::to_owned));
                modern.level.replace(level);
                self.answer_empty(call).await?;
            }
            "resources/subscribe" | "resources/unsubscribe" => {
                self.answer_empty(call).await?;
                self.listen_modern(modern);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Sends a request; a call whose headers the server does not like is sent once more with those of the present list of tools.
    async fn round_with_headers(
        self: &Rc<Self>,
        modern: &Modern,
        call: &Call,
        message: &Message,
        answers: &[(&'static str, String)],
        has_learned: &mut bool,
    ) -> Result<Option<Message>, Trouble> {
        let outcome = self.round(modern, call, message, answers).await;
        let is_refused = outcome.as_ref().is_err_and(is_mismatch);
        if !is_refused || *has_learned || call.method != "tools/call" {
            return outcome;
        }
        *has_learned = true;
        Box::pin(self.learn_tools()).await?;
        self.round(modern, call, message, answers).await
    }

    /// One request and its response; `None` once the client has cancelled it, which closes its stream.
    async fn round(
        &self,
        modern: &Modern,
        call: &Call,
        message: &Message,
        answers: &[(&'static str, String)],
    ) -> Result<Option<Message>, Trouble> {
        let (own, response) = self.calls.of_bridge(&call.method);
        let _waiting = self.calls.until_dropped(&own.id);
        let request = modern.request(message, &own.id, answers);
        let request =
            request.ok_or_else(|| untranslatable("the params of the request are no object"))?;
        tokio::select! {
            outcome = self.exchange_by_http(&own, &request) => outcome?,
            () = call.done.done() => return Ok(None),
        }
        response
            .await
            .map(Some)
            .map_err(|_| Trouble::Lost("there is no response".to_owned()))
    }

    async fn answer_empty(&self, call: &Call) -> Result<(), Trouble> {
        let json = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, call.id);
        if let Ok(response) = Message::written(json) {
            self.deliver(response).await;
        }
        Ok(())
    }

    fn outcome(
        &self,
        modern: &Modern,
        call: &Call,
        request: &Message,
        response: &Message,
    ) -> Result<Outcome, Trouble> {
        let unreadable = || untranslatable("the result is no object");
        let Some(result) = response.raw_result() else {
            let error = error_for(modern, call, response);
            return error.map(Outcome::Response).ok_or_else(unreadable);
        };
        let object = Object::parse(result.get()).ok_or_else(unreadable)?;
        match object.text("resultType").as_deref() {
            None | Some("complete") => {}
            Some("input_required") => {
                let questions = object.get("inputRequests").unwrap_or("{}").to_owned();
                return Ok(Outcome::Questions(
                    questions,
                    object.get("requestState").map(str::to_owned),
                ));
            }
            Some(other) => return Err(untranslatable(&format!("the result is a {other}"))),
        }
        let changed = self.changed_result(call, request, object);
        let text = changed.unwrap_or_else(|| result.get().to_owned());
        let json = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{text}}}"#, call.id);
        Message::written(json)
            .map(Outcome::Response)
            .map_err(|_| unreadable())
    }

    /// JSON of a whole result as earlier versions have it; `None` where it is the same.
    fn changed_result(
        &self,
        call: &Call,
        request: &Message,
        mut object: Object<'_>,
    ) -> Option<String> {
        let mut is_other = object.remove(&["resultType", "ttlMs", "cacheScope"]);
        // Before 2026-07-28 it is an object; the text says the same.
        if object
            .get("structuredContent")
            .is_some_and(|content| !content.starts_with('{'))
        {
            is_other |= object.remove(&["structuredContent"]);
        }
        if call.method == "tools/list" {
            is_other |= self.learn(&mut object, is_first_page(request));
        }
        is_other.then(|| object.to_string())
    }

    /// Notes which arguments of a page of tools are repeated in headers, and leaves out tools with wrong annotations; `true` if there
    /// were any.
    pub(super) fn learn(&self, page: &mut Object<'_>, is_first: bool) -> bool {
        let tools: Vec<&RawValue> = page
            .get("tools")
            .and_then(|tools| serde_json::from_str(tools).ok())
            .unwrap_or_default();
        let mut known = self.mirrored.borrow_mut();
        if is_first {
            known.clear();
        }
        let count = tools.len();
        let mut kept = Vec::new();
        for raw in tools {
            let Ok(tool) = serde_json::from_str::<ListedTool>(raw.get()) else {
                continue;
            };
            match mirrored(&tool.input_schema) {
                Ok(found) => {
                    known.insert(tool.name, found);
                    kept.push(raw.get());
                }
                Err(property) => log(&format!(
                    "the tool {} is left out: its {property} names no header",
                    tool.name
                )),
            }
        }
        self.knows_tools
            .set(page.get("nextCursor").is_none() || self.knows_tools.get());
        if kept.len() == count {
            return false;
        }
        let kept = format!("[{}]", kept.join(","));
        page.set("tools", kept);
        true
    }

    /// Lists the tools, for the headers that their calls need.
    async fn learn_tools(self: &Rc<Self>) -> Result<(), Trouble> {
        self.list_tools(None, |_, _| {}).await?;
        // A server without a list is called all the same.
        self.knows_tools.set(true);
        Ok(())
    }

    /// Asks for all pages of tools with this JSON as `_meta`. `each` gets the result of a page, and whether it is the first.
    pub(super) async fn list_tools(
        self: &Rc<Self>,
        meta: Option<&str>,
        each: impl Fn(&mut Object<'_>, bool),
    ) -> Result<(), Trouble> {
        let mut params = Object(Vec::new());
        if let Some(meta) = meta {
            params.set("_meta", meta.to_owned());
        }
        for number in 0..MAX_PAGES {
            let json =
                format!(r#"{{"jsonrpc":"2.0","id":0,"method":"tools/list","params":{params}}}"#);
            let Ok(request) = Message::written(json) else {
                break;
            };
            let response = self.ask(&request).await?;
            let Some(result) = response.raw_result() else {
                break;
            };
            let Some(mut page) = Object::parse(result.get()) else {
                break;
            };
            let cursor = page.get("nextCursor").map(str::to_owned);
            each(&mut page, number == 0);
            let Some(cursor) = cursor else { break };
            params.set("cursor", cursor);
        }
        Ok(())
    }
}

/// Response of a round. Errors of the protocol come with an HTTP status of their own.
fn with_refusal(outcome: Result<Option<Message>, Trouble>) -> Result<Option<Message>, Trouble> {
    match outcome {
        Err(Trouble::Refused(Refusal {
            error: Some(error), ..
        })) => Ok(Some(error)),
        outcome => outcome,
    }
}

fn is_first_page(request: &Message) -> bool {
    let params = request.raw_params();
    params
        .as_deref()
        .and_then(Object::parse)
        .is_none_or(|params| params.get("cursor").is_none())
}

/// Error of the server, with the code that the client knows it by.
fn error_for(modern: &Modern, call: &Call, response: &Message) -> Option<Message> {
    let error = response.error()?;
    let is_missing = error.code == INVALID_PARAMS
        && call.method == "resources/read"
        && error.data.get("uri").is_some();
    if is_missing && modern.version.as_str() < "2025-11-25" {
        let (code, message, data) = (OLD_RESOURCE_NOT_FOUND, quoted(&error.message), error.data);
        let id = &call.id;
        let json = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message},"data":{data}}}}}"#
        );
        return Message::written(json).ok();
    }
    response.with_id(&call.id)
}

/// Whether the server says that headers differ from the body.
pub(super) fn is_mismatch(trouble: &Trouble) -> bool {
    let Trouble::Refused(refusal) = trouble else {
        return false;
    };
    refusal
        .error
        .as_ref()
        .and_then(Message::error)
        .is_some_and(|error| error.code == HEADER_MISMATCH)
}

pub(super) fn untranslatable(reason: &str) -> Trouble {
    let reason =
        format!("the client's version of MCP has no words for the server's answer: {reason}");
    Trouble::Refused(Refusal {
        status: StatusCode::OK,
        error: None,
        reason,
    })
}

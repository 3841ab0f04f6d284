//! `POST /playground/chat`: the answer of a model, as it comes. Nothing of its text is stored or logged.

use std::cell::{Cell, OnceCell};
use std::future::ready;
use std::rc::Rc;

use durable_core::wire::{Head, Reply, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};
use oauth_server::authority::Allowance;
use serde_json::Value;

use super::access::{ended, refusal, signed_in};
use super::request::{ChatRequest, ChatRequestError, MAX_BODY_BYTES};
use super::settings::{ChatSettings, ModelSource};
use super::spending::{ChatQuotas, Receipt, SpendingDecision};
use super::{CHAT, is_on_this_machine};
use crate::http::app::App;
use crate::http::provider::Provider;
use crate::http::request_runtime::{ModelAnswer, ModelRequest, ModelWork, RequestRuntime};
use crate::transport::refusal::Refusal;

/// Characters of a provider's message that the page is told.
const MAX_MESSAGE_CHARS: usize = 500;

/// The chat as it is served to this request; none where it is not. Without sign-in it is for this machine alone, with a
/// model on it.
pub(super) fn served<'a>(app: &'a App, head: &Head) -> Option<&'a ChatSettings> {
    app.chat.as_ref().filter(|chat| {
        app.provider.is_some() || (chat.source.is_local() && is_on_this_machine(app, head))
    })
}

/// Answers a request.
pub(in crate::http) async fn handle(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let Some(chat) = served(app, head) else {
        return refusal(StatusCode::NOT_FOUND, "off", "There is no chat here.");
    };
    if head.method != Method::POST {
        return Refusal::Method("POST, OPTIONS").into();
    }
    let spender = match &app.provider {
        None => None,
        Some(provider) => match signed_in(app, provider.as_ref(), head, runtime, CHAT).await {
            Ok(caller) => Some(Spender {
                provider: Rc::clone(provider),
                caller,
                receipt: OnceCell::new(),
            }),
            Err(refused) => return refused,
        },
    };
    let asked = match checked(chat, head, runtime, spender.is_some()).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let work = ChatWork {
        asked: Cell::new(Some(asked)),
        source: chat.source.clone(),
        quotas: chat.quotas,
        spender,
    };
    match runtime.ask_model(Rc::new(work)).await {
        Ok(Ok(answer)) => answered(chat, runtime, answer),
        Ok(Err(refused)) => refused,
        Err(fault) => unreachable(runtime, &fault),
    }
}

/// A request that is counted before it is made, and corrected after.
struct ChatWork {
    asked: Cell<Option<ChatRequest>>,
    source: ModelSource,
    quotas: ChatQuotas,
    spender: Option<Spender>,
}

/// The person whose allowance is used.
struct Spender {
    provider: Rc<dyn Provider>,
    caller: Rc<Caller>,
    receipt: OnceCell<Receipt>,
}

impl Spender {
    /// The tokens that the answer may have.
    async fn spend(
        &self,
        runtime: &dyn RequestRuntime,
        quotas: &ChatQuotas,
        tokens: u64,
    ) -> Result<u64, Reply> {
        match self
            .provider
            .spend(runtime, &self.caller, quotas, tokens)
            .await
        {
            Ok(SpendingDecision::Granted(receipt, tokens)) => {
                let _ = self.receipt.set(receipt);
                Ok(tokens)
            }
            Ok(SpendingDecision::Personal(allowance)) => Err(used_up(allowance, "limit", "busy")),
            Ok(SpendingDecision::Total(allowance)) => {
                Err(used_up(allowance, "total", "upstream_limit"))
            }
            Err(fault) => {
                runtime.warn(&fault.0);
                let refused = refusal(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "upstream",
                    "The request cannot be counted.",
                );
                Err(refused.header("retry-after", "2"))
            }
        }
    }
}

impl ModelWork for ChatWork {
    fn prepare<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<ModelRequest, Reply>> {
        async move {
            let asked = self.asked.take().ok_or(Refusal::Internal)?;
            let tokens = match &self.spender {
                Some(spender) => spender.spend(runtime, &self.quotas, asked.tokens).await?,
                None => asked.tokens,
            };
            let model = asked.model.clone();
            Ok(ModelRequest {
                source: self.source.clone(),
                model,
                body: asked.body(&self.source, tokens),
            })
        }
        .boxed_local()
    }

    fn goes_on<'a>(&'a self, runtime: &'a dyn RequestRuntime) -> LocalBoxFuture<'a, bool> {
        if let Some(Spender {
            provider,
            caller,
            receipt,
        }) = &self.spender
            && let Some(receipt) = receipt.get()
        {
            return provider.goes_on(runtime, receipt, caller);
        }
        ready(true).boxed_local()
    }

    fn over(&self, runtime: &dyn RequestRuntime, used: Option<u64>) {
        if let Some(Spender {
            provider, receipt, ..
        }) = &self.spender
            && let Some(receipt) = receipt.get()
        {
            provider.correct_spending(runtime, receipt, used);
        }
    }
}

/// The refusal where nothing may be spent.
fn used_up(allowance: Allowance, day: &'static str, now: &'static str) -> Reply {
    let (code, seconds) = match allowance {
        Allowance::UsedUp { retry_after } => (day, retry_after),
        Allowance::Busy { retry_after } => (now, retry_after),
        Allowance::Ended | Allowance::Granted { .. } => return ended(),
    };
    let refused = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        code,
        "The allowance is used up for now.",
    );
    refused.header("retry-after", seconds.to_string())
}

/// Reads the request, after what costs less than to read it.
async fn checked(
    chat: &ChatSettings,
    head: &Head,
    runtime: &dyn RequestRuntime,
    has_token: bool,
) -> Result<ChatRequest, Reply> {
    let is_foreign = head
        .header("origin")
        .is_some_and(|origin| !origin.eq_ignore_ascii_case(&head.origin()));
    if !has_token && is_foreign {
        return Err(refusal(
            StatusCode::FORBIDDEN,
            "request",
            "This is for the page of this server.",
        ));
    }
    if !head.has_type("application/json") || head.is_coded() {
        return Err(Refusal::NotJson.into());
    }
    if head
        .declared_length()
        .is_some_and(|length| length > MAX_BODY_BYTES)
    {
        return Err(too_large());
    }
    let text = runtime.read_body().await?;
    if text.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    ChatRequest::parse(&text, chat).map_err(|unfit| match unfit {
        ChatRequestError::TooLarge => too_large(),
        ChatRequestError::Wrong(why) => refusal(StatusCode::BAD_REQUEST, "request", why),
    })
}

fn too_large() -> Reply {
    refusal(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "The chat is too long.",
    )
}

/// The model's answer, or what the page is told of its failure. None of its headers goes out.
fn answered(chat: &ChatSettings, runtime: &dyn RequestRuntime, answer: ModelAnswer) -> Reply {
    match answer {
        ModelAnswer::Stream {
            is_document: false,
            body,
        } => Reply::events(body),
        ModelAnswer::Stream {
            is_document: true,
            body,
        } => Reply {
            body,
            ..Reply::json(StatusCode::OK, String::new())
        },
        ModelAnswer::Failure {
            status,
            retry_after,
            text,
        } => {
            runtime.warn(&format!("the model of the playground answers {status}"));
            match status {
                429 => upstream_limit(retry_after.as_deref()),
                413 => refusal(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "The chat is too long for the model.",
                ),
                400 | 404 | 422 => refusal(
                    StatusCode::BAD_REQUEST,
                    "request",
                    &error_message(chat, &text),
                ),
                _ => refusal(
                    StatusCode::BAD_GATEWAY,
                    "upstream",
                    "The model cannot be had.",
                ),
            }
        }
    }
}

fn upstream_limit(retry_after: Option<&str>) -> Reply {
    let reply = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "upstream_limit",
        "The model takes no more.",
    );
    match retry_after.and_then(|text| text.trim().parse::<u32>().ok()) {
        Some(seconds) => reply.header("retry-after", seconds.to_string()),
        None => reply,
    }
}

fn unreachable(runtime: &dyn RequestRuntime, fault: &RuntimeError) -> Reply {
    runtime.warn(&format!(
        "the model of the playground cannot be reached: {}",
        fault.0
    ));
    refusal(
        StatusCode::BAD_GATEWAY,
        "upstream",
        "The model cannot be reached.",
    )
}

/// The message in a provider's error, unless it repeats the key.
fn error_message(chat: &ChatSettings, text: &str) -> String {
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let places = [
        "/error/message",
        "/errors/0/message",
        "/description",
        "/message",
    ];
    let message = places
        .iter()
        .find_map(|place| error.pointer(place)?.as_str())
        .unwrap_or_default();
    let message: String = message.chars().take(MAX_MESSAGE_CHARS).collect();
    match &chat.source {
        ModelSource::OpenAi { key: Some(key), .. } if message.contains(key.secret()) => {
            String::new()
        }
        _ => message,
    }
}

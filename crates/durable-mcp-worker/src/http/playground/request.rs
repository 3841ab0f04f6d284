//! A request for a model's answer, checked: of what the page sends, only known members go to the model.

use serde_json::{Map, Value, json};

use super::settings::{ChatSettings, ModelSource};

/// Bytes of a request without its images: a long chat with tools, and a fraction of what models read at once.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Bytes of a request's images as data URIs: some screenshots, which models scale down to less.
const MAX_IMAGE_BYTES: usize = 1024 * 1024;

/// Bytes of a request.
pub(super) const MAX_BODY_BYTES: usize = MAX_TEXT_BYTES + MAX_IMAGE_BYTES;

/// Tokens of one answer at most. A tool's arguments and a page of text fit.
pub(super) const MAX_ANSWER_TOKENS: u64 = 4096;

/// A host whose newer models take another name for the limit of tokens.
const OPENAI: &str = "https://api.openai.com/";

/// A request that can be sent.
pub(super) struct ChatRequest {
    pub(super) model: String,
    /// The tokens that the answer may have.
    pub(super) tokens: u64,
    body: Map<String, Value>,
}

/// Reasons for which a request is not sent.
pub(super) enum ChatRequestError {
    /// Texts or images over their limit.
    TooLarge,
    /// Not a request, with the reason.
    Wrong(&'static str),
}

impl From<&'static str> for ChatRequestError {
    fn from(why: &'static str) -> Self {
        Self::Wrong(why)
    }
}

impl ChatRequest {
    /// Checks a request.
    pub(super) fn parse(text: &str, settings: &ChatSettings) -> Result<Self, ChatRequestError> {
        let Ok(Value::Object(given)) = serde_json::from_str(text) else {
            return Err("The body is no JSON object.".into());
        };
        let images = image_bytes(given.get("messages"));
        if images > MAX_IMAGE_BYTES || text.len().saturating_sub(images) > MAX_TEXT_BYTES {
            return Err(ChatRequestError::TooLarge);
        }
        let model = given
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !settings.models.iter().any(|known| known == model) {
            return Err("The model is none of this deployment's.".into());
        }
        let messages = messages(&given).ok_or("messages is not a list of messages.")?;
        let mut body = select_members(&given, &["tool_choice", "temperature", "top_p"]);
        body.insert("messages".to_owned(), messages.into());
        if let Some(tools) = given.get("tools") {
            let tools: Option<Vec<Value>> = tools
                .as_array()
                .and_then(|tools| tools.iter().map(tool).collect());
            body.insert(
                "tools".to_owned(),
                tools.ok_or("tools is not a list of functions.")?.into(),
            );
        }
        let tokens = given
            .get("max_tokens")
            .and_then(Value::as_u64)
            .unwrap_or(MAX_ANSWER_TOKENS);
        Ok(Self {
            model: model.to_owned(),
            tokens: tokens.clamp(1, MAX_ANSWER_TOKENS),
            body,
        })
    }

    /// The body for the model, whose answer has so many tokens at most.
    pub(super) fn body(mut self, source: &ModelSource, tokens: u64) -> String {
        let mut set = |name: &str, value: Value| self.body.insert(name.to_owned(), value);
        set("stream", true.into());
        let mut limit = "max_tokens";
        if let ModelSource::OpenAi { url, .. } = source {
            set("model", self.model.into());
            set("stream_options", json!({ "include_usage": true }));
            if url.starts_with(OPENAI) {
                limit = "max_completion_tokens";
            }
        }
        set(limit, tokens.into());
        Value::Object(self.body).to_string()
    }
}

fn select_members(given: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let kept = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), given.get(*name)?.clone())));
    kept.collect()
}

/// The messages of a chat, each with its known members; none of a chat without messages.
fn messages(given: &Map<String, Value>) -> Option<Vec<Value>> {
    match given.get("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => {
            messages.iter().map(message).collect()
        }
        _ => None,
    }
}

fn message(given: &Value) -> Option<Value> {
    let given = given.as_object()?;
    let role = given.get("role")?.as_str()?;
    let mut kept = select_members(given, &["role", "tool_calls", "tool_call_id", "name"]);
    match given.get("content") {
        None => None,
        Some(Value::Array(parts)) => kept.insert(
            "content".to_owned(),
            parts.iter().map(part).collect::<Option<_>>()?,
        ),
        Some(text) => kept.insert("content".to_owned(), text.as_str()?.into()),
    };
    ["system", "user", "assistant", "tool"]
        .contains(&role)
        .then_some(Value::Object(kept))
}

/// A text, or an image with its bytes. Other members are left out: a provider would fetch an image that one of them names.
fn part(given: &Value) -> Option<Value> {
    match given.get("type")?.as_str()? {
        "text" => Some(json!({ "type": "text", "text": given.get("text")?.as_str()? })),
        "image_url" => {
            Some(json!({ "type": "image_url", "image_url": { "url": image_of(given)? } }))
        }
        _ => None,
    }
}

/// The data URI of an image: a model's provider would fetch one that is only named.
fn image_of(part: &Value) -> Option<&str> {
    part.pointer("/image_url/url")
        .and_then(Value::as_str)
        .filter(|url| url.starts_with("data:image/"))
}

fn image_bytes(messages: Option<&Value>) -> usize {
    let messages = messages.and_then(Value::as_array).into_iter().flatten();
    let parts = messages
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    parts.filter_map(image_of).map(str::len).sum()
}

fn tool(given: &Value) -> Option<Value> {
    let function = given.get("function")?.as_object()?;
    function.get("name")?.as_str()?;
    Some(
        json!({ "type": "function", "function": select_members(function, &["name", "description", "parameters"]) }),
    )
}

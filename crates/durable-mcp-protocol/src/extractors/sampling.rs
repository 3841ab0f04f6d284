//! Requests to the client's model, and the folders that the client works in.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::content::Role;
use crate::error::{Error, ErrorCode};
use crate::version::ProtocolVersion;

/// A request to the client's model (2025-11-25, Sampling).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampling {
    messages: Vec<SamplingMessage>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_preferences: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<Value>,
}

impl Sampling {
    /// A request with one message of the user's, to be answered in at most `max_tokens` tokens.
    pub fn new(prompt: impl Into<String>, max_tokens: u32) -> Self {
        Self {
            messages: vec![SamplingMessage::text(Role::User, prompt)],
            max_tokens,
            system_prompt: None,
            temperature: None,
            model_preferences: None,
            tools: None,
        }
    }

    /// Adds a message to the conversation.
    #[must_use]
    pub fn message(mut self, message: SamplingMessage) -> Self {
        self.messages.push(message);
        self
    }

    /// Sets the system prompt; the client may change it.
    #[must_use]
    pub fn system_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.system_prompt = Some(prompt.into());
        self
    }

    /// Sets the temperature.
    #[must_use]
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets `modelPreferences`, as the specification has them.
    #[must_use]
    pub fn model_preferences(mut self, preferences: Value) -> Self {
        self.model_preferences = Some(preferences);
        self
    }

    /// The request as a client of that version takes it: before 2025-11-25 a message is one block, so those of a message
    /// with several become messages of their own.
    ///
    /// # Errors
    /// The part of it that this version does not have.
    pub(crate) fn cut_to(self, version: ProtocolVersion) -> Result<Self, Error> {
        if self
            .temperature
            .is_some_and(|temperature| !temperature.is_finite())
        {
            return Err(Error::internal("A temperature is a finite number."));
        }
        if version >= ProtocolVersion::V2025_11_25 {
            return Ok(self);
        }
        let mut messages = Vec::new();
        for SamplingMessage { role, content } in self.messages {
            let blocks = match content {
                Value::Array(blocks) => blocks,
                block => vec![block],
            };
            for content in blocks {
                let kind = content
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let is_known = match kind {
                    "tool_use" | "tool_result" => false,
                    "audio" => version >= ProtocolVersion::V2025_03_26,
                    _ => true,
                };
                if !is_known {
                    let message = format!(
                        "A client of {version} cannot be sent a block of type `{kind}` for its model."
                    );
                    return Err(Error::new(ErrorCode::REFUSED, message));
                }
                messages.push(SamplingMessage { role, content });
            }
        }
        Ok(Self { messages, ..self })
    }

    /// Offers tools to the model, as the specification has them. The client must have declared `sampling.tools`.
    #[must_use]
    pub fn tools(mut self, tools: Value) -> Self {
        self.tools = Some(tools);
        self
    }
}

/// A message of a conversation with the client's model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingMessage {
    /// Sender of the message.
    pub role: Role,
    /// A content block, or an array of them, as the specification has them.
    pub content: Value,
}

impl SamplingMessage {
    /// A text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            content: json!({ "type": "text", "text": text.into() }),
        }
    }
}

/// Answer of the client's model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    /// Sender of the message: the assistant.
    pub role: Role,
    /// A content block, or an array of them.
    pub content: Value,
    /// The model's name.
    #[serde(default)]
    pub model: String,
    /// Reason for which the model stopped.
    #[serde(default)]
    pub stop_reason: Option<String>,
}

impl Sampled {
    /// The text of what was said, if it is one block of text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content.get("text")?.as_str()
    }
}

/// A folder that the client works in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Root {
    /// A `file://` URI.
    pub uri: String,
    /// Name of the folder for people.
    pub name: Option<String>,
}

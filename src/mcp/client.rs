//! Asking the client: elicitation, sampling, roots; telling it of changes; hearing that it called off.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Poll, Waker};

use schemars::JsonSchema;
use schemars::transform::{RecursiveTransform, Transform};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::capabilities::ClientCapabilities;
use super::content::Role;
use super::context::Context;
use super::error::{Error, ErrorCode};
use super::extract::{Extract, Rejection, Signature};
use super::jsonrpc::{parse_at, to_json};
use super::peer::About;
use super::schema::input_schema;

/// The client, which a running call may ask for something: what its user says, what its model says, where it works.
///
/// Each question waits for its answer, and fails when the client did not declare that it can be asked.
///
/// ```
/// use durable_mcp::prelude::*;
/// #[derive(Deserialize, JsonSchema)]
/// struct Booking {
///     /// How many seats?
///     seats: u8,
/// }
/// async fn book(client: Client) -> Result<String, ToolError> {
///     Ok(match client.elicit::<Booking>("booking", "One more thing:").await? {
///         Elicited::Accepted(Booking { seats }) => format!("{seats} seats booked"),
///         Elicited::Declined | Elicited::Dismissed => "nothing booked".into(),
///     })
/// }
/// # let _ = Server::new("s", "1").tool("book", "Book seats", book);
/// ```
#[derive(Debug)]
pub struct Client(Context);

/// What became of a question to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elicited<T> {
    /// They answered.
    Accepted(T),
    /// They said no.
    Declined,
    /// They closed the question without a choice.
    Dismissed,
}

impl Client {
    /// Asks the user to fill in a form with the fields of `T`: strings, numbers, booleans, enums of unit variants.
    ///
    /// `key` names the question within this call. Never ask for a password or a key in this way; send the user to a
    /// page of yours with [`Client::elicit_url`].
    ///
    /// # Errors
    /// When the client cannot show forms, is gone, or answers something else than `T`.
    pub async fn elicit<T: DeserializeOwned + JsonSchema>(
        &self,
        key: &str,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, Error> {
        let mut schema = input_schema::<T>();
        RecursiveTransform(titled_choices).transform(&mut schema);
        let answer = self.form(key, message.into(), to_json(&schema)).await?;
        answer.read(parse_at)
    }

    /// The same with a schema written by hand (2025-11-25, Elicitation, "Requested Schema") and the answer as JSON.
    ///
    /// # Errors
    /// When the client cannot show forms or is gone.
    pub async fn elicit_json(
        &self,
        key: &str,
        message: impl Into<String>,
        schema: Value,
    ) -> Result<Elicited<Value>, Error> {
        let answer = self.form(key, message.into(), to_json(&schema)).await?;
        answer.read(parse_at)
    }

    async fn form(&self, key: &str, message: String, schema: String) -> Result<Answer, Error> {
        let _ = key;
        self.require(ClientCapabilities::ELICITATION_FORM, "elicitation")?;
        let params = format!(r#"{{"message":{},"requestedSchema":{schema}}}"#, to_json(&message));
        self.ask("elicitation/create", params).await
    }

    /// Asks the user to open `url`, for what must not pass through the client. `Accepted` means that they agreed to
    /// open it; [`Notify::elicitation_complete`] with the same `id` tells the client when they are through.
    ///
    /// # Errors
    /// When the client cannot open URLs or is gone.
    pub async fn elicit_url(&self, id: &str, message: impl Into<String>, url: &str) -> Result<Elicited<()>, Error> {
        self.require(ClientCapabilities::ELICITATION_URL, "elicitation.url")?;
        let params = Errand { mode: "url", elicitation_id: id, message: &message.into(), url };
        let answer: Answer = self.ask("elicitation/create", to_json(&params)).await?;
        answer.read(|_| Ok(()))
    }

    /// Has the client's model say something.
    ///
    /// # Errors
    /// When the client has no model to lend, its user refused, or it is gone.
    pub async fn sample(&self, request: Sampling) -> Result<Sampled, Error> {
        let needed = match request.tools {
            Some(_) => ClientCapabilities::SAMPLING_TOOLS,
            None => ClientCapabilities::SAMPLING,
        };
        self.require(needed, "sampling")?;
        self.ask("sampling/createMessage", to_json(&request)).await
    }

    /// The folders that the client works in.
    ///
    /// # Errors
    /// When the client has none to tell, or is gone.
    pub async fn roots(&self) -> Result<Vec<Root>, Error> {
        #[derive(Deserialize)]
        struct Roots {
            roots: Vec<Root>,
        }
        self.require(ClientCapabilities::ROOTS, "roots")?;
        Ok(self.ask::<Roots>("roots/list", "{}".to_owned()).await?.roots)
    }

    /// Ends the HTTP response of this call now. A 2025-11-25 client comes back for the rest, so a long call need not
    /// hold a connection open; for older clients nothing happens.
    pub fn release_stream(&self) {
        self.0.peer().release();
    }

    fn require(&self, needed: ClientCapabilities, name: &str) -> Result<(), Error> {
        if self.0.client().capabilities.has(needed) {
            return Ok(());
        }
        let message = format!("This needs a client that supports {name}; yours did not declare it.");
        Err(Error::new(ErrorCode::REFUSED, message))
    }

    async fn ask<T: DeserializeOwned>(&self, method: &'static str, params: String) -> Result<T, Error> {
        let answer = self.0.peer().request(method, params).await?;
        parse_at(answer.get()).map_err(|fault| misfit(method, &fault))
    }
}

fn misfit(method: &str, fault: &str) -> Error {
    Error::invalid_params(format!("The client's answer to {method} does not fit: {fault}."))
}

impl Extract for Client {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}

/// A question that is answered on a page of its own (2025-11-25, Elicitation, "URL Mode").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Errand<'a> {
    mode: &'static str,
    elicitation_id: &'a str,
    message: &'a str,
    url: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    action: Action,
    content: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Accept,
    Decline,
    Cancel,
}

impl Answer {
    fn read<T>(self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Elicited<T>, Error> {
        let content = self.content.as_deref().map_or("{}", RawValue::get);
        match self.action {
            Action::Accept => {
                read(content).map(Elicited::Accepted).map_err(|fault| misfit("elicitation/create", &fault))
            }
            Action::Decline => Ok(Elicited::Declined),
            Action::Cancel => Ok(Elicited::Dismissed),
        }
    }
}

/// A documented variant of an enum is a choice whose title is its documentation. Among those of one the client takes
/// `oneOf`, among those of several `anyOf` (2025-11-25, Elicitation, "Requested Schema").
fn titled_choices(schema: &mut schemars::Schema) {
    if let Some(choices) = schema.remove("oneOf") {
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("oneOf".to_owned(), titled(choices));
    }
    if let Some(items) = schema.get_mut("items").and_then(Value::as_object_mut)
        && let Some(choices) = items.remove("oneOf")
    {
        items.remove("type");
        items.insert("anyOf".to_owned(), titled(choices));
    }
}

/// Variants with and without documentation, all as choices with a title.
fn titled(choices: Value) -> Value {
    let title = |mut choice: Value| {
        let title = choice.get_mut("description").map(Value::take);
        let values = match choice.get_mut("enum") {
            Some(Value::Array(values)) => std::mem::take(values),
            _ => choice.get_mut("const").map(Value::take).into_iter().collect(),
        };
        let choice = move |value: Value| json!({ "const": value, "title": title.as_ref().unwrap_or(&value) });
        values.into_iter().map(choice)
    };
    match choices {
        Value::Array(choices) => choices.into_iter().flat_map(title).collect(),
        other => other,
    }
}

/// What the client's model is asked (2025-11-25, Sampling).
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
    tools: Option<Value>,
}

impl Sampling {
    /// One message of the user's, to be answered in at most `max_tokens` tokens.
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

    /// Offers tools to the model, as the specification has them. The client must have declared `sampling.tools`.
    #[must_use]
    pub fn tools(mut self, tools: Value) -> Self {
        self.tools = Some(tools);
        self
    }
}

/// One message of a conversation with the client's model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SamplingMessage {
    /// Who says it.
    pub role: Role,
    /// A content block, or an array of them, as the specification has them.
    pub content: Value,
}

impl SamplingMessage {
    /// A text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: json!({ "type": "text", "text": text.into() }) }
    }
}

/// What the client's model said.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sampled {
    /// Who says it: the assistant.
    pub role: Role,
    /// A content block, or an array of them.
    pub content: Value,
    /// The model's name.
    #[serde(default)]
    pub model: String,
    /// Why it stopped.
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
    /// Its name for people.
    pub name: Option<String>,
}

/// Tells the client that a list or a resource changed. It goes out on the session's GET stream.
///
/// A server with a handler that takes `Notify` declares `listChanged` for what it has, and `resources.subscribe`.
#[derive(Debug)]
pub struct Notify(Context);

impl Notify {
    /// The list of tools changed.
    pub fn tools_changed(&self) {
        self.send("notifications/tools/list_changed", "{}".to_owned());
    }

    /// The list of prompts changed.
    pub fn prompts_changed(&self) {
        self.send("notifications/prompts/list_changed", "{}".to_owned());
    }

    /// The list of resources changed.
    pub fn resources_changed(&self) {
        self.send("notifications/resources/list_changed", "{}".to_owned());
    }

    /// The resource at `uri` changed. Only a client that subscribed to it is told.
    pub fn resource_updated(&self, uri: &str) {
        if self.0.peer().is_subscribed(uri) {
            self.send("notifications/resources/updated", format!(r#"{{"uri":{}}}"#, to_json(&uri)));
        }
    }

    /// The user is through with the page that [`Client::elicit_url`] sent them to under `id`.
    pub fn elicitation_complete(&self, id: &str) {
        self.send("notifications/elicitation/complete", format!(r#"{{"elicitationId":{}}}"#, to_json(&id)));
    }

    fn send(&self, method: &'static str, params: String) {
        self.0.peer().notify(About::Session, method, params);
    }
}

impl Extract for Notify {
    fn describe(signature: &mut Signature) {
        signature.announces = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}

/// Whether a request was called off. Set by the session, read by [`Cancelled`].
#[derive(Debug, Default)]
pub struct CancelFlag(RefCell<CancelState>);

#[derive(Debug, Default)]
struct CancelState {
    set: bool,
    wakers: Vec<Waker>,
}

impl CancelFlag {
    /// Calls the request off.
    pub fn set(&self) {
        let wakers = {
            let mut state = self.0.borrow_mut();
            state.set = true;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Tells a handler that the client called its request off (2025-11-25, Utilities, Cancellation).
///
/// A handler that does not take it is dropped at its next `await`. One that does runs on, to tidy up; what it returns
/// is not sent any more.
#[derive(Debug, Clone)]
pub struct Cancelled(Rc<CancelFlag>);

impl Cancelled {
    /// Whether it was called off.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.0.borrow().set
    }

    /// Waits until it is called off; that may be never.
    pub async fn wait(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.0.0.borrow_mut();
            if state.set {
                return Poll::Ready(());
            }
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Extract for Cancelled {
    fn describe(signature: &mut Signature) {
        signature.heeds_cancellation = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(Rc::clone(context.cancelled())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        /// For one
        Small,
        /// For two
        Large,
        Huge,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Order {
        size: Option<Size>,
        sizes: Vec<Size>,
    }

    #[test]
    fn a_form_has_the_choices_that_the_specification_knows() {
        let mut schema = input_schema::<Order>();
        RecursiveTransform(titled_choices).transform(&mut schema);
        let schema = schema.to_value();
        let choices = json!([
            {"const": "huge", "title": "huge"},
            {"const": "small", "title": "For one"},
            {"const": "large", "title": "For two"},
        ]);
        assert_eq!(schema["properties"]["size"], json!({"type": "string", "oneOf": choices}));
        assert_eq!(schema["properties"]["sizes"], json!({"type": "array", "items": {"anyOf": choices}}));
    }
}

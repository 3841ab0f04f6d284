//! Asking the client: elicitation, sampling, roots.

use schemars::JsonSchema;
use schemars::transform::{RecursiveTransform, Transform};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::capabilities::ClientCapabilities;
use super::context::Context;
use super::error::{Error, ErrorCode};
use super::extract::{Extract, Rejection};
use super::jsonrpc::{parse_at, to_json};
use super::sampling::{Root, Sampled, Sampling};
use super::schema::input_schema;

/// The client, which a running call may ask for something: what its user says, what its model says, where it works.
///
/// Each question waits for its answer, and fails when the client did not declare that it can be asked: see
/// [`Client::can_elicit`] and the like. `key` names a question among those of its call; the same key may be used again, for
/// one question after another.
///
/// # What runs twice
///
/// A client of 2025-11-25 or older gets the question while the call runs. Since 2026-07-28 there is nothing to send it on:
/// the request is answered with the question, and the client sends it again with the answers. The handler then runs **from
/// its beginning**, and each question that was answered gives its answer at once. So what a handler does before a question
/// is done once more for each round of questions:
///
/// - Do what has effects after the last question, or inside [`Client::once`].
/// - Ask in the same order each time. What is asked together, by `join!`, is asked in one round.
///
/// Nothing is kept between the rounds. What was answered travels sealed with the client's next request, which the same user
/// has to send within ten minutes, with the same arguments.
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
        self.require(ClientCapabilities::ELICITATION_FORM, "elicitation")?;
        let params = format!(r#"{{"message":{},"requestedSchema":{schema}}}"#, to_json(&message));
        self.ask(key, ELICIT, params).await
    }

    /// Asks the user to open `url`, for what must not pass through the client. `Accepted` means that they agreed to
    /// open it; [`Notify::elicitation_complete`](super::notify::Notify::elicitation_complete) with the same `id` tells the client when they are through.
    ///
    /// # Errors
    /// When the client cannot open URLs or is gone.
    pub async fn elicit_url(&self, id: &str, message: impl Into<String>, url: &str) -> Result<Elicited<()>, Error> {
        self.require(ClientCapabilities::ELICITATION_URL, "elicitation.url")?;
        let elicitation_id = (!self.0.client().version.is_stateless()).then_some(id);
        let params = Errand { mode: "url", elicitation_id, message: &message.into(), url };
        let answer: Answer = self.ask(id, ELICIT, to_json(&params)).await?;
        answer.read(|_| Ok(()))
    }

    /// Has the client's model say something. `key` names the question within this call.
    ///
    /// # Errors
    /// When the client has no model to lend, its user refused, or it is gone.
    pub async fn sample(&self, key: &str, request: Sampling) -> Result<Sampled, Error> {
        let needed = match request.tools {
            Some(_) => ClientCapabilities::SAMPLING_TOOLS,
            None => ClientCapabilities::SAMPLING,
        };
        self.require(needed, "sampling")?;
        self.ask(key, "sampling/createMessage", to_json(&request)).await
    }

    /// The folders that the client works in. `key` names the question within this call.
    ///
    /// # Errors
    /// When the client has none to tell, or is gone.
    pub async fn roots(&self, key: &str) -> Result<Vec<Root>, Error> {
        #[derive(Deserialize)]
        struct Roots {
            roots: Vec<Root>,
        }
        self.require(ClientCapabilities::ROOTS, "roots")?;
        Ok(self.ask::<Roots>(key, "roots/list", "{}".to_owned()).await?.roots)
    }

    /// Whether [`Client::elicit`] can be answered.
    #[must_use]
    pub fn can_elicit(&self) -> bool {
        self.0.client().capabilities.has(ClientCapabilities::ELICITATION_FORM)
    }

    /// Whether [`Client::elicit_url`] can be answered.
    #[must_use]
    pub fn can_open_urls(&self) -> bool {
        self.0.client().capabilities.has(ClientCapabilities::ELICITATION_URL)
    }

    /// Whether [`Client::sample`] can be answered.
    #[must_use]
    pub fn can_sample(&self) -> bool {
        self.0.client().capabilities.has(ClientCapabilities::SAMPLING)
    }

    /// Whether [`Client::roots`] can be answered.
    #[must_use]
    pub fn has_roots(&self) -> bool {
        self.0.client().capabilities.has(ClientCapabilities::ROOTS)
    }

    /// Whether it shows the pages of [tools that have one](super::tool::Tool::page).
    #[must_use]
    pub fn shows_pages(&self) -> bool {
        self.0.client().capabilities.has(ClientCapabilities::UI)
    }

    /// Does something once in a call, however often its handler runs: see [above](Client#what-runs-twice). What it gives
    /// is kept between the rounds with the answers, under a `key` of its own, and has to be known to the last round. A
    /// round that is called off before its questions go out has done it in vain.
    ///
    /// # Errors
    /// Those of `run`, and when what it gives does not read as it was written.
    pub async fn once<T, E>(&self, key: &str, run: impl Future<Output = Result<T, E>>) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Error>,
    {
        let peer = self.0.peer();
        if let Some(kept) = peer.recall(key) {
            return parse_at(kept.get()).map_err(|fault| Error::internal(format!("What `{key}` gave: {fault}.")));
        }
        let given = run.await.map_err(Into::into)?;
        peer.remember(key, to_json(&given));
        Ok(given)
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
        self.0.mark_missing(needed);
        let message = format!("This needs a client that supports {name}; yours did not declare it.");
        Err(Error::new(ErrorCode::REFUSED, message))
    }

    async fn ask<T: DeserializeOwned>(&self, key: &str, method: &'static str, params: String) -> Result<T, Error> {
        let answer = self.0.peer().request(key, method, params).await?;
        parse_at(answer.get()).map_err(|fault| misfit(method, &fault))
    }
}

/// The method of a question to the user.
pub(crate) const ELICIT: &str = "elicitation/create";

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
    #[serde(skip_serializing_if = "Option::is_none")]
    elicitation_id: Option<&'a str>,
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
            Action::Accept => read(content).map(Elicited::Accepted).map_err(|fault| misfit(ELICIT, &fault)),
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

//! Asking the client: elicitation, sampling, roots.

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::capabilities::ClientCapabilities;
use crate::constraints::Constraints;
use crate::context::Context;
use crate::error::{Error, ErrorCode};
use crate::extract::{Extract, Rejection};
use crate::finite::{not_finite, odd_number};
use crate::form::form;
use crate::json_fault::parse_at;
use crate::json_text::read;
use crate::jsonrpc::to_json;
use crate::kind::check_object;
use crate::sampling::{Root, Sampled, Sampling};
use crate::schema::{arguments_schema, form_schema};

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
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Deserialize, JsonSchema)]
/// struct Booking {
///     /// How many seats?
///     seats: u8,
/// }
/// async fn book(client: Client) -> Result<String, ToolError> {
///     Ok(match client.elicit::<Booking>("booking", "One more thing:").await? {
///         Elicited::Accepted(Booking { seats }) => format!("{seats} seats booked"),
///         Elicited::Declined | Elicited::Cancelled => "nothing booked".into(),
///     })
/// }
/// # let _ = Server::new("s", "1").tool("book", "Book seats", book);
/// ```
#[derive(Debug)]
pub struct Client(Context);

/// Outcome of a question to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elicited<T> {
    /// The user answered the form, or agreed to open the page: `accept`.
    Accepted(T),
    /// The user said no: `decline`.
    Declined,
    /// The user closed the question without a choice: `cancel`.
    Cancelled,
}

impl Client {
    /// Asks the user to fill in a form with the fields of `T`: strings, numbers, booleans, enums of unit variants.
    ///
    /// `key` names the question within this call. Never ask for a password or a key in this way; send the user to a
    /// page of yours with [`Client::elicit_url`].
    ///
    /// The form is cut to what the client's version knows: before 2025-11-25 only booleans have a default, and a list
    /// of choices that may be absent is left out. The bounds, lengths, patterns and formats of `T` are checked in the
    /// answer.
    ///
    /// # Errors
    /// When the client cannot show forms, or not this one, is gone, or answers something else than `T`.
    pub async fn elicit<T: DeserializeOwned + JsonSchema>(
        &self,
        key: &str,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, Error> {
        let schema = arguments_schema::<T>();
        let shown = form_schema(schema.clone()).map_err(|fault| no_form(&fault))?;
        let answer = self
            .form(key, message.into(), shown.as_value(), &schema)
            .await?;
        answer.read(|json| read(json, || schema))
    }

    /// The same with a schema written by hand (2025-11-25, Elicitation, "Requested Schema") and the answer as JSON.
    ///
    /// # Errors
    /// When the client cannot show forms, or not this one, is gone, or answers what the schema's bounds, lengths, patterns
    /// or formats do not allow.
    pub async fn elicit_json(
        &self,
        key: &str,
        message: impl Into<String>,
        schema: Value,
    ) -> Result<Elicited<Value>, Error> {
        let schema = Schema::try_from(schema).map_err(|_| no_form("its schema is no object"))?;
        let answer = self
            .form(key, message.into(), schema.as_value(), &schema)
            .await?;
        answer.read(parse_at)
    }

    /// Asks with the form of `shown`, and checks the answer against the constraints of `schema`.
    async fn form(
        &self,
        key: &str,
        message: String,
        shown: &Value,
        schema: &Schema,
    ) -> Result<Answer, Error> {
        self.require(ClientCapabilities::ELICITATION_FORM, "elicitation")?;
        let constraints = Constraints::of(schema).map_err(|fault| no_form(&fault))?;
        let shown = form(shown, self.0.client().version).map_err(|fault| no_form(&fault))?;
        let params = format!(
            r#"{{"message":{},"requestedSchema":{shown}}}"#,
            to_json(&message)
        );
        let answer: Answer = self.ask(key, ELICIT, params).await?;
        if let Action::Accept = answer.action {
            let content = answer.content();
            let checked = check_object(content)
                .and_then(|()| constraints.map_or(Ok(()), |all| all.check(content)));
            checked.map_err(|fault| misfit(ELICIT, &fault))?;
        }
        Ok(answer)
    }

    /// Asks the user to open `url`, for what must not pass through the client. `Accepted` means that they agreed to
    /// open it; [`Notify::elicitation_complete`](crate::notify::Notify::elicitation_complete) with the same `id` tells the
    /// client when they are through.
    ///
    /// # Errors
    /// When the client cannot open URLs or is gone.
    pub async fn elicit_url(
        &self,
        id: &str,
        message: impl Into<String>,
        url: &str,
    ) -> Result<Elicited<()>, Error> {
        self.require(ClientCapabilities::ELICITATION_URL, "elicitation.url")?;
        let elicitation_id = (!self.0.client().version.is_stateless()).then_some(id);
        let params = Errand {
            mode: "url",
            elicitation_id,
            message: &message.into(),
            url,
        };
        let answer: Answer = self.ask(id, ELICIT, to_json(&params)).await?;
        answer.read(|_| Ok(()))
    }

    /// Has the client's model say something. `key` names the question within this call.
    ///
    /// # Errors
    /// When the client has no model to lend, its user refused, or it is gone.
    pub async fn sample(&self, key: &str, request: Sampling) -> Result<Sampled, Error> {
        let request = request.cut_to(self.0.client().version)?;
        let needed = match request.tools {
            Some(_) => ClientCapabilities::SAMPLING_TOOLS,
            None => ClientCapabilities::SAMPLING,
        };
        self.require(needed, "sampling")?;
        self.ask(key, "sampling/createMessage", to_json(&request))
            .await
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
        Ok(self
            .ask::<Roots>(key, "roots/list", "{}".to_owned())
            .await?
            .roots)
    }

    /// True if the client can answer [`Client::elicit`].
    #[must_use]
    pub fn can_elicit(&self) -> bool {
        self.has(ClientCapabilities::ELICITATION_FORM)
    }

    /// True if the client can answer [`Client::elicit_url`].
    #[must_use]
    pub fn can_open_urls(&self) -> bool {
        self.has(ClientCapabilities::ELICITATION_URL)
    }

    /// True if the client can answer [`Client::sample`].
    #[must_use]
    pub fn can_sample(&self) -> bool {
        self.has(ClientCapabilities::SAMPLING)
    }

    /// True if the client can answer [`Client::roots`].
    #[must_use]
    pub fn has_roots(&self) -> bool {
        self.has(ClientCapabilities::ROOTS)
    }

    /// True if the client shows the pages of [tools that have one](crate::tool::Tool::page).
    #[must_use]
    pub fn shows_pages(&self) -> bool {
        self.has(ClientCapabilities::UI)
    }

    /// Does something once in a call, however often its handler runs: see [above](Client#what-runs-twice). What it gives
    /// is kept between the rounds with the answers, under a `key` of its own, and has to be known to the last round. A
    /// round that is cancelled before its questions go out has done it in vain.
    ///
    /// This is best effort: a client that starts the call again from the beginning has it done again, so what must never happen
    /// twice needs a record of its own.
    ///
    /// # Errors
    /// Those of `run`, and when what it gives does not read as it was written.
    pub async fn once<T, E>(
        &self,
        key: &str,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Error>,
    {
        let peer = self.0.peer();
        if let Some(kept) = peer.recall(key) {
            // The text of serde may quote what the client cannot read: the state is sealed.
            return serde_json::from_str(kept.get()).map_err(Error::from);
        }
        let given = run.await.map_err(Into::into)?;
        let json = to_json(&given);
        if let Some(path) = not_finite(&json, &given) {
            return Err(Error::internal(format!(
                "What `{key}` gave cannot be kept: {}.",
                odd_number(&path)
            )));
        }
        peer.remember(key, json);
        Ok(given)
    }

    /// Ends the HTTP response of this call now. A 2025-11-25 client comes back for the rest, so a long call need not
    /// hold a connection open; for older clients nothing happens.
    pub fn release_stream(&self) {
        self.0.peer().release();
    }

    /// True if the client declared a capability, and its version has it.
    fn has(&self, needed: ClientCapabilities) -> bool {
        let client = self.0.client();
        client.capabilities.known_to(client.version).has(needed)
    }

    fn require(&self, needed: ClientCapabilities, name: &str) -> Result<(), Error> {
        if self.has(needed) {
            return Ok(());
        }
        self.0.mark_missing(needed);
        let message =
            format!("This needs a client that supports {name}; yours did not declare it.");
        Err(Error::new(ErrorCode::REFUSED, message))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> Result<T, Error> {
        let answer = self.0.peer().request(key, method, params).await?;
        check_object(answer.get())
            .and_then(|()| parse_at(answer.get()))
            .map_err(|fault| misfit(method, &fault))
    }
}

/// The method of a question to the user.
pub(crate) const ELICIT: &str = "elicitation/create";

/// Error for the author of a form that no client could show.
fn no_form(fault: &str) -> Error {
    Error::internal(format!("This form cannot be shown: {fault}."))
}

fn misfit(method: &str, fault: &str) -> Error {
    Error::invalid_params(format!(
        "The client's answer to {method} does not fit: {fault}."
    ))
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
    fn content(&self) -> &str {
        self.content.as_deref().map_or("{}", RawValue::get)
    }

    fn read<T>(self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Elicited<T>, Error> {
        match self.action {
            Action::Accept => read(self.content())
                .map(Elicited::Accepted)
                .map_err(|fault| misfit(ELICIT, &fault)),
            Action::Decline => Ok(Elicited::Declined),
            Action::Cancel => Ok(Elicited::Cancelled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::ProtocolVersion;
    use serde_json::json;

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
    fn a_form_has_the_titled_choices_of_the_specification() {
        let schema = form_schema(arguments_schema::<Order>()).unwrap();
        let schema = form(schema.as_value(), ProtocolVersion::V2025_11_25).unwrap();
        let choices = json!([
            {"const": "huge", "title": "huge"},
            {"const": "small", "title": "For one"},
            {"const": "large", "title": "For two"},
        ]);
        assert_eq!(
            schema["properties"]["size"],
            json!({"type": "string", "oneOf": choices})
        );
        assert_eq!(
            schema["properties"]["sizes"],
            json!({"type": "array", "items": {"anyOf": choices}})
        );
    }
}

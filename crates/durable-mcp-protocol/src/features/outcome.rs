//! Results and errors of tools.

use std::fmt::Display;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cause::HiddenCause;
use crate::content::Content;
use crate::error::Error;
use crate::finite::{not_finite, odd_number};
use crate::schema::{RESULT, output_schema};

/// The error of a tool: a text for the model, so that it can try again differently.
///
/// A text is for the model if it is said to be: by [`ToolError::new`], or by [`or_err`](crate::or_err::OrErr::or_err). Any other error
/// becomes a `ToolError` by `?`, and its text stays inside: the log has it, and the client is told the id that it has there.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// # fn stored() -> Result<String, std::io::Error> { Ok("7".into()) }
/// async fn size() -> Result<String, ToolError> {
///     let text = stored()?; // for the log
///     let number: u32 = text.parse().or_err("The size is unknown.")?; // for the model, in words of one's own
///     let size = u8::try_from(number).map_err(ToolError::new)?; // for the model, in the words of the error
///     Ok(size.to_string())
/// }
/// # let _ = Server::new("s", "1").tool("size", "Size", size);
/// ```
///
/// An error type of one's own whose texts are for the model implements `Into<ToolError>`, and not `std::error::Error`:
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// enum Refused { Full, Closed }
///
/// impl From<Refused> for ToolError {
///     fn from(refused: Refused) -> Self {
///         Self::new(match refused {
///             Refused::Full => "There is no table left. Try another evening.",
///             Refused::Closed => "The restaurant is closed on Mondays.",
///         })
///     }
/// }
/// # async fn book() -> Result<String, Refused> { Err(if true { Refused::Full } else { Refused::Closed }) }
/// # let _ = Server::new("s", "1").tool("book", "Book", book);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolError {
    message: String,
    cause: Option<HiddenCause>,
}

impl ToolError {
    /// An error with that text, which the model is told: a sentence, or an error whose own words are meant for it.
    pub fn new(message: impl Display) -> Self {
        Self {
            message: message.to_string(),
            cause: None,
        }
    }

    fn hiding(cause: HiddenCause) -> Self {
        Self {
            cause: Some(cause),
            ..Self::new(HiddenCause::MESSAGE)
        }
    }
}

impl Display for ToolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// The text of any other error is in the log, and the client is told the id that it has there.
impl<E: std::error::Error> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::hiding(HiddenCause::of(&error))
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        Self {
            message: error.message,
            cause: error.cause,
        }
    }
}

impl From<ToolError> for Error {
    fn from(error: ToolError) -> Self {
        Self {
            cause: error.cause,
            ..Self::internal(error.message)
        }
    }
}

/// The result of a tool call (2025-11-25, Tools, "Tool Result").
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// Content blocks for the model.
    pub content: Vec<Content>,
    /// Structured content for programs; it matches the tool's `outputSchema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Box<RawValue>>,
    /// True if the call failed; the content then says why.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
    /// A protocol error in place of a result.
    #[serde(skip)]
    pub(crate) refusal: Option<Error>,
    /// The cause that the log has in place of the client.
    #[serde(skip)]
    pub(crate) cause: Option<HiddenCause>,
}

impl ToolResult {
    /// Refuses the call with a protocol error, which the client's program is told and not its model. The one that
    /// clients act on is [`Error::url_elicitation_required`].
    #[must_use]
    pub fn refuse(error: Error) -> Self {
        Self {
            refusal: Some(error),
            ..Self::default()
        }
    }

    /// Puts structured content inside an object if it is to be in one, or is none itself.
    pub(crate) fn put_in_an_object(&mut self, always: impl FnOnce() -> bool) {
        let Some(json) = self.structured_content.take() else {
            return;
        };
        let json = if !json.get().starts_with('{') || always() {
            RawValue::from_string(format!(r#"{{"{RESULT}":{json}}}"#)).unwrap_or_default()
        } else {
            json
        };
        self.structured_content = Some(json);
    }

    /// Arguments that do not fit.
    pub(crate) fn invalid_arguments(tool: &str, fault: &str) -> Self {
        Self::error(format!("Invalid arguments for `{tool}`: {fault}."))
    }

    /// A failure that the model is told of.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            content: vec![Content::text(message)],
            is_error: true,
            ..Self::default()
        }
    }
}

/// A type that a tool's handler can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a tool",
    label = "not a tool's result",
    note = "return a `String`, a `Content`, a `Vec<Content>`, a `Json<T>` or a `ToolResult`",
    note = "or a `Result` of one of them whose error is a `ToolError`, or becomes one by `?`"
)]
pub trait IntoToolResult {
    /// The tool's `outputSchema`, if it has structured content.
    #[must_use]
    fn output_schema() -> Option<Schema> {
        None
    }

    /// Converts.
    fn into_tool_result(self) -> ToolResult;
}

impl IntoToolResult for ToolError {
    fn into_tool_result(self) -> ToolResult {
        ToolResult {
            cause: self.cause,
            ..ToolResult::error(self.message)
        }
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> ToolResult {
        self
    }
}

impl IntoToolResult for Vec<Content> {
    fn into_tool_result(self) -> ToolResult {
        ToolResult {
            content: self,
            ..ToolResult::default()
        }
    }
}

impl IntoToolResult for Content {
    fn into_tool_result(self) -> ToolResult {
        vec![self].into_tool_result()
    }
}

impl IntoToolResult for String {
    fn into_tool_result(self) -> ToolResult {
        Content::text(self).into_tool_result()
    }
}

impl IntoToolResult for &'static str {
    fn into_tool_result(self) -> ToolResult {
        Content::text(self).into_tool_result()
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> ToolResult {
        ToolResult::default()
    }
}

impl<T: IntoToolResult, E: Into<ToolError>> IntoToolResult for Result<T, E> {
    fn output_schema() -> Option<Schema> {
        T::output_schema()
    }

    fn into_tool_result(self) -> ToolResult {
        match self {
            Ok(value) => value.into_tool_result(),
            Err(error) => error.into().into_tool_result(),
        }
    }
}

/// Structured output: `T` as JSON for programs, and the same as text for the model. The schema of `T` is the tool's
/// `outputSchema`. Clients of versions before 2026-07-28 take objects alone: for them, what may be something else is the
/// member `result` of one. A number that JSON does not have (NaN, an infinity) is an error of the call.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Serialize, JsonSchema)]
/// struct Weather {
///     /// Degrees Celsius.
///     temperature: f64,
/// }
/// async fn weather() -> Json<Weather> {
///     Json(Weather { temperature: 21.5 })
/// }
/// # let _ = Server::new("s", "1").tool("weather", "The weather", weather);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn output_schema() -> Option<Schema> {
        Some(output_schema::<T>())
    }

    fn into_tool_result(self) -> ToolResult {
        let json = serde_json::value::to_raw_value(&self.0);
        let odd = json
            .as_ref()
            .ok()
            .and_then(|json| not_finite(json.get(), &self.0));
        structured(json, odd)
    }
}

fn structured(json: serde_json::Result<Box<RawValue>>, odd: Option<String>) -> ToolResult {
    match (json, odd) {
        (Ok(json), None) => ToolResult {
            content: vec![Content::text(json.get())],
            structured_content: Some(json),
            ..ToolResult::default()
        },
        (Ok(_), Some(path)) => ToolResult::error(format!(
            "The tool's structured output cannot be sent: {}.",
            odd_number(&path)
        )),
        (Err(_), _) => ToolResult::error("The tool's structured output has no JSON form."),
    }
}

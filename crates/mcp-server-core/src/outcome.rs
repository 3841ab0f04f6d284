//! Results and errors of tools.

use std::fmt::Display;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::value::RawValue;

use super::content::Content;
use super::error::Error;
use super::finite::{not_finite, odd_number};
use super::schema::{RESULT, output_schema};

/// The error of a tool: a text for the model, so that it can try again differently.
///
/// Any error becomes one by `?`. It is told to the model, so a cause that must stay inside is put into other words
/// first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolError(String);

impl ToolError {
    /// An error with that text.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl Display for ToolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        Self(error.message)
    }
}

impl From<ToolError> for Error {
    fn from(error: ToolError) -> Self {
        Self::internal(error.0)
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
    note = "or a `Result` of one of them whose error implements `Display`"
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

impl<T: IntoToolResult, E: Display> IntoToolResult for Result<T, E> {
    fn output_schema() -> Option<Schema> {
        T::output_schema()
    }

    fn into_tool_result(self) -> ToolResult {
        match self {
            Ok(value) => value.into_tool_result(),
            Err(error) => ToolResult::error(error.to_string()),
        }
    }
}

/// Structured output: `T` as JSON for programs, and the same as text for the model. The schema of `T` is the tool's
/// `outputSchema`. Clients of versions before 2026-07-28 take objects alone: for them, what may be something else is the
/// member `result` of one. A number that JSON does not have (NaN, an infinity) is an error of the call.
///
/// ```
/// # use mcp_server_core::prelude::*;
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

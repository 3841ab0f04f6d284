//! Errors of what is missing or has failed, in words of one's own.

use std::fmt::Display;

use crate::error::Error;
use crate::outcome::ToolError;

/// Turns an `Option` or a `Result` into a result whose error says what the model, or the client, has to know.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Deserialize, JsonSchema)]
/// struct Pick { number: usize }
///
/// async fn pick(Args(Pick { number }): Args<Pick>) -> Result<&'static str, ToolError> {
///     let card = ["ace", "king"].get(number).or_err("There are cards 0 and 1.")?;
///     Ok(card)
/// }
///
/// async fn note(Args(Pick { number }): Args<Pick>) -> Result<&'static str, Error> {
///     ["milk", "bread"].get(number).copied().or_not_found(&format!("notes://{number}"))
/// }
/// # let _ = Server::new("s", "1").tool("pick", "Pick", pick).resource_template("note", "notes://{number}", note);
/// ```
pub trait OrErr<T>: Sized {
    /// The value, or an error for the model. The cause of a failed `Result` is not told: what it says may have to stay inside.
    ///
    /// # Errors
    /// With that message, where there is no value.
    fn or_err(self, message: impl Display) -> Result<T, ToolError>;

    /// The value, or the error that there is no resource of that URI: −32002, and −32602 since 2026-07-28.
    ///
    /// # Errors
    /// If there is no value.
    fn or_not_found(self, uri: &str) -> Result<T, Error>;
}

impl<T> OrErr<T> for Option<T> {
    fn or_err(self, message: impl Display) -> Result<T, ToolError> {
        self.ok_or_else(|| ToolError::new(message))
    }

    fn or_not_found(self, uri: &str) -> Result<T, Error> {
        self.ok_or_else(|| Error::resource_not_found(uri))
    }
}

impl<T, E> OrErr<T> for Result<T, E> {
    fn or_err(self, message: impl Display) -> Result<T, ToolError> {
        self.ok().or_err(message)
    }

    fn or_not_found(self, uri: &str) -> Result<T, Error> {
        self.ok().or_not_found(uri)
    }
}

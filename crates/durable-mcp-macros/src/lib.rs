//! Attributes that make an async function a tool, a prompt or a resource of a `durable-mcp` server.
//!
//! `durable_mcp::prelude` has them. The doc comment of the function is the description of the tool, and those of its arguments are
//! theirs:
//!
//! ```
//! use durable_mcp::prelude::*;
//!
//! /// Add two numbers
//! #[tool(read_only, open_world = false)]
//! async fn add(
//!     /// The first number
//!     a: f64,
//!     /// The second number
//!     b: f64,
//! ) -> String {
//!     (a + b).to_string()
//! }
//!
//! let server = Server::new("calculator", "1.0.0").with(add);
//! # assert!(server.problems().is_empty(), "{:?}", server.problems());
//! ```
//!
//! An attribute writes what one would write by hand: a struct of the arguments, which derives `Deserialize` and `JsonSchema`, and a
//! call of `Tool::new` with methods of `Tool`. In place of the function is one that returns the tool, so `.with(add)` registers it, and
//! `.with(add().visible_to(..))` after a change.
//!
//! # Arguments and extractors
//!
//! An argument is an extractor if its type is one of `Args<T>`, `Cancelled`, `Client`, `Clock`, `CompletionInput`, `Context`, `Env`,
//! `Headers`, `Log`, `Notify`, `Progress`, `Session<S>`, `Task` and `User<P>`, or `Option` of one, or if it is marked `#[extract]`.
//! Every other argument is one that clients give. Its doc comment, `#[serde(..)]` and `#[schemars(..)]` are those of a field of the
//! struct, and `Option<T>` is not required. A type of your own that has the name of an extractor is written with its path:
//! `crate::User`.
//!
//! ```
//! use durable_mcp::prelude::*;
//!
//! /// Roll some dice
//! #[tool]
//! async fn roll(
//!     /// How many dice
//!     #[schemars(range(min = 1, max = 10))]
//!     dice: u32,
//!     /// The label of the roll
//!     label: Option<String>,
//!     progress: Progress,
//! ) -> String {
//!     progress.report(dice, dice, "rolled");
//!     format!("{}: {}", label.unwrap_or_default(), dice * 4)
//! }
//! # assert!(Server::new("dice", "1").with(roll).problems().is_empty());
//! ```

#![forbid(unsafe_code)]

mod arguments;
mod attribute;
mod documentation;
mod expansion;
mod feature;
mod function;
mod options;
mod template;

use proc_macro::TokenStream;

use feature::Feature;

/// Makes an async function a tool.
///
/// Options are the methods of `Tool`: `title = ".."`, `icon = ..`, `read_only`, `destructive = false`, `idempotent`,
/// `open_world = false`, `scopes = [..]` or `scope = ".."` for one, `visible_to = ..`, `task_optional`, `task_required`,
/// `task_ttl = ..`, `page = ".."`, `input_schema = ..` and `meta = ..`. `name = ".."` and `description = ".."` replace the function's
/// name and its doc comment.
///
/// ```
/// use durable_mcp::prelude::*;
///
/// /// Delete a note
/// #[tool(title = "Delete", destructive, open_world = false, scope = "notes:write")]
/// async fn delete_note(
///     /// The note's id
///     id: u64,
/// ) -> Result<String, ToolError> {
///     Ok(format!("Note {id} is deleted"))
/// }
/// # let server = Server::new("notes", "1.0.0").with(delete_note);
/// # assert!(server.problems().is_empty() && server.advice().is_empty());
/// # assert_eq!(server.scopes(), ["notes:write"]);
/// ```
#[proc_macro_attribute]
pub fn tool(options: TokenStream, function: TokenStream) -> TokenStream {
    attribute::expand(Feature::Tool, options.into(), &function.into()).into()
}

/// Makes an async function a prompt.
///
/// Options are the methods of `Prompt`: `title = ".."` and `icon = ..`. `name = ".."` and `description = ".."` replace the function's
/// name and its doc comment. `#[complete(..)]` names the completer of an argument.
///
/// ```
/// use durable_mcp::prelude::*;
///
/// /// Review a text
/// #[prompt(title = "Review")]
/// async fn review(
///     /// The text to review
///     text: String,
///     /// In which language
///     #[complete(languages)]
///     language: Option<String>,
/// ) -> String {
///     let language = language.as_deref().unwrap_or("english");
///     format!("Review this text, and answer in {language}:\n\n{text}")
/// }
///
/// async fn languages(input: CompletionInput) -> Vec<String> {
///     input.matching(["english", "french"])
/// }
/// # assert!(Server::new("editor", "1").with(review).problems().is_empty());
/// ```
#[proc_macro_attribute]
pub fn prompt(options: TokenStream, function: TokenStream) -> TokenStream {
    attribute::expand(Feature::Prompt, options.into(), &function.into()).into()
}

/// Makes an async function a resource. The URI comes first.
///
/// Options are the methods of `Resource`: `title = ".."`, `mime_type = ".."`, `annotations = ..`, `icon = ..`, `meta = ..`,
/// `ttl = ..` and `public`. `name = ".."` and `description = ".."` replace the function's name and its doc comment, which a
/// resource may go without.
///
/// ```
/// use durable_mcp::prelude::*;
///
/// /// The rules of the house
/// #[resource("rules://all", mime_type = "text/markdown", public)]
/// async fn rules() -> &'static str {
///     "Be *kind*."
/// }
/// # assert!(Server::new("house", "1").with(rules).problems().is_empty());
/// ```
#[proc_macro_attribute]
pub fn resource(options: TokenStream, function: TokenStream) -> TokenStream {
    attribute::expand(Feature::Resource, options.into(), &function.into()).into()
}

/// Makes an async function a resource template. The URI template comes first; its variables are the arguments.
///
/// Options are those of [`macro@resource`]. `#[complete(..)]` names the completer of an argument.
///
/// ```
/// use durable_mcp::prelude::*;
///
/// /// A note
/// #[resource_template("notes://{id}", ttl = Duration::from_secs(60))]
/// async fn note(id: u64) -> Result<String, Error> {
///     Ok(format!("The note {id}"))
/// }
/// # assert!(Server::new("notes", "1").with(note).problems().is_empty());
/// ```
#[proc_macro_attribute]
pub fn resource_template(options: TokenStream, function: TokenStream) -> TokenStream {
    attribute::expand(Feature::ResourceTemplate, options.into(), &function.into()).into()
}

//! The text that a person typed for an argument.

use std::collections::BTreeMap;

/// The text typed so far; an extractor for the handlers of [`complete`](crate::prompt::Prompt::complete).
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// async fn languages(input: CompletionInput) -> Vec<String> {
///     input.matching(["English", "Español", "中文"])
/// }
/// # #[derive(Deserialize, JsonSchema)]
/// # struct To { language: String }
/// # async fn greet(Args(to): Args<To>) -> String { to.language }
/// # let _ = Prompt::new("greet", "Greet", greet).complete("language", languages);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionInput {
    /// The text typed for this argument.
    pub value: String,
    /// Arguments that are settled already, from clients of 2025-06-18 and newer.
    pub settled: BTreeMap<String, String>,
}

impl CompletionInput {
    /// Returns those of `choices` that begin with the typed text. The case of ASCII letters does not matter.
    pub fn matching<S: AsRef<str>>(&self, choices: impl IntoIterator<Item = S>) -> Vec<String> {
        let typed = self.value.as_bytes();
        let fits = |choice: &S| {
            let head = choice.as_ref().as_bytes().get(..typed.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(typed))
        };
        choices
            .into_iter()
            .filter(fits)
            .map(|choice| choice.as_ref().to_owned())
            .collect()
    }
}

//! A resource template and a prompt, with completion of an argument of theirs.

use durable_mcp::prelude::*;

const GREETINGS: [(&str, &str); 5] =
    [("chinese", "你好"), ("english", "Hello"), ("french", "Bonjour"), ("german", "Hallo"), ("spanish", "Hola")];

#[derive(Deserialize, JsonSchema)]
pub(super) struct Greeting {
    /// Whom to greet
    name: String,
    /// In which language
    language: String,
}

fn greet_in(language: &str) -> Result<&'static str, ToolError> {
    let known = GREETINGS.iter().find(|(name, _)| *name == language).map(|(_, greeting)| *greeting);
    let names = GREETINGS.map(|(name, _)| name).join(", ");
    known.ok_or_else(|| ToolError::new(format!("No greeting in that language is known here. Known are {names}.")))
}

pub(super) async fn greeting(Args(Greeting { name, language }): Args<Greeting>) -> Result<String, ToolError> {
    Ok(format!("{}, {name}!", greet_in(&language)?))
}

pub(super) async fn greet(Args(Greeting { name, language }): Args<Greeting>) -> Result<String, ToolError> {
    Ok(format!("Greet {name} with “{}” and a sentence about the weather.", greet_in(&language)?))
}

pub(super) async fn languages(typed: Typed) -> Vec<String> {
    typed.among(GREETINGS.map(|(language, _)| language))
}

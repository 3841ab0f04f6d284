//! A resource template and a prompt, with completion of an argument of theirs.

use durable_mcp::prelude::*;

const GREETINGS: [(&str, &str); 5] = [
    ("chinese", "你好"),
    ("english", "Hello"),
    ("french", "Bonjour"),
    ("german", "Hallo"),
    ("spanish", "Hola"),
];

#[derive(Deserialize, JsonSchema)]
pub(super) struct Greeting {
    /// Whom to greet
    name: String,
    /// In which language
    language: String,
}

fn greet_in(language: &str) -> Result<&'static str, ToolError> {
    let known = GREETINGS
        .iter()
        .find(|(name, _)| *name == language)
        .map(|(_, greeting)| *greeting);
    let names = GREETINGS.map(|(name, _)| name).join(", ");
    known.or_err(format!(
        "No greeting in that language is known here. Known are {names}."
    ))
}

pub(super) async fn greeting(
    Args(Greeting { name, language }): Args<Greeting>,
) -> Result<String, ToolError> {
    Ok(format!("{}, {name}!", greet_in(&language)?))
}

pub(super) async fn greet(
    Args(Greeting { name, language }): Args<Greeting>,
) -> Result<String, ToolError> {
    Ok(format!(
        "Greet {name} with “{}” and a sentence about the weather.",
        greet_in(&language)?
    ))
}

pub(super) async fn languages(input: CompletionInput) -> Vec<String> {
    input.matching(GREETINGS.map(|(language, _)| language))
}

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    use crate::tools::without_bindings;

    #[test]
    fn a_greeting_is_read_in_its_language() {
        let client = TestClient::new(without_bindings());
        assert_eq!(client.read("greeting://french/Ann").text(), "Bonjour, Ann!");
        assert!(
            client
                .read("greeting://klingon/Ann")
                .text()
                .contains("Known are chinese")
        );
    }

    #[test]
    fn a_prompt_greets_in_its_language() {
        let client = TestClient::new(without_bindings());
        let prompt = client.get_prompt("greet", json!({ "name": "Ann", "language": "german" }));
        assert!(
            prompt.text().starts_with("Greet Ann with “Hallo”"),
            "{prompt:?}"
        );
    }

    #[test]
    fn languages_are_completed_in_prompt_and_template() {
        let client = TestClient::new(without_bindings());
        assert_eq!(
            client.complete_prompt("greet", "language", "fr"),
            ["french"]
        );
        assert_eq!(
            client.complete_template("greeting://{language}/{name}", "language", "ger"),
            ["german"]
        );
    }
}

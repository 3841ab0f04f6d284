//! Tools, prompts and resources that attributes make of functions.

use durable_mcp::mcp::{Context, Extract, Rejection};
use durable_mcp::prelude::*;
use durable_mcp::testing::{TestClient, Value, json};

/// Add two numbers
#[tool]
async fn add(
    /// The first number
    a: f64,
    /// The second number
    b: f64,
) -> String {
    (a + b).to_string()
}

/// The same tool, written by hand.
fn add_by_hand() -> Tool {
    #[derive(Deserialize, JsonSchema)]
    struct Add {
        /// The first number
        a: f64,
        /// The second number
        b: f64,
    }
    async fn add(Args(Add { a, b }): Args<Add>) -> String {
        (a + b).to_string()
    }
    Tool::new("add", "Add two numbers", add)
}

fn client(features: impl FnOnce(Server) -> Server) -> TestClient {
    let server = features(Server::new("attributes", "1"));
    assert_eq!(server.problems(), [""; 0]);
    TestClient::new(server)
}

fn only(tool: impl durable_mcp::mcp::Feature) -> Value {
    client(|server| server.with(tool)).tools().remove(0)
}

#[test]
fn a_function_with_an_attribute_is_a_tool() {
    let client = client(|server| server.with(add));
    assert_eq!(
        client.call("add", json!({ "a": 1, "b": 2.5 })).text(),
        "3.5"
    );
}

#[test]
fn a_tool_by_attribute_is_listed_as_one_by_hand() {
    let listed = only(add);
    assert_eq!(listed, only(add_by_hand));
    assert_eq!(
        listed["inputSchema"]["properties"]["b"]["description"],
        "The second number"
    );
    assert_eq!(listed["inputSchema"]["required"], json!(["a", "b"]));
}

#[test]
fn a_tool_by_attribute_can_be_changed_before_it_is_registered() {
    let listed = only(add().title("Sum"));
    assert_eq!(listed["title"], "Sum");
    assert_eq!(listed["description"], "Add two numbers");
}

/// Take some dice,
/// and roll them.
///
/// Each has six sides.
#[tool]
async fn roll(
    /// The number of dice
    #[schemars(range(min = 1, max = 6))]
    #[serde(rename = "count", default = "one")]
    dice: u32,
    label: Option<String>,
    r#type: Vec<String>,
) -> String {
    format!("{dice} {label:?} {type:?}")
}

fn one() -> u32 {
    1
}

#[test]
fn attributes_of_arguments_are_those_of_fields() {
    let client = client(|server| server.with(roll));
    let schema = client.tools()[0]["inputSchema"].clone();
    assert_eq!(schema["properties"]["count"]["maximum"], 6);
    assert_eq!(schema["required"], json!(["type"]));
    assert_eq!(
        client.call("roll", json!({ "type": ["a"] })).text(),
        r#"1 None ["a"]"#
    );
    let given = json!({ "count": 2, "label": "x", "type": [] });
    assert_eq!(client.call("roll", given).text(), r#"2 Some("x") []"#);
    let refused = client.call("roll", json!({ "count": 7, "type": [] }));
    assert!(
        refused.is_error() && refused.text().contains("count"),
        "{refused:?}"
    );
}

#[test]
fn lines_of_a_doc_comment_stay_lines_of_the_description() {
    assert_eq!(
        only(roll)["description"],
        "Take some dice,\nand roll them.\n\nEach has six sides."
    );
}

#[tool(
    name = "notes.delete",
    description = concat!("Delete ", "a note"),
    title = "Delete",
    destructive,
    idempotent,
    open_world = false,
    scope = "notes:write",
    page = "ui://notes"
)]
async fn delete() {}

#[test]
fn options_of_a_tool_are_the_methods_of_its_builder() {
    async fn delete() {}
    let by_hand = || {
        Tool::new("notes.delete", "Delete a note", delete)
            .title("Delete")
            .destructive(true)
            .idempotent()
            .open_world(false)
            .page("ui://notes")
    };
    let listed = |tool: Tool| {
        let page = UiPage::new("notes", "ui://notes", "");
        client(|server| server.with(page).with(tool))
            .tools()
            .remove(0)
    };
    assert_eq!(listed(self::delete().scopes([""; 0])), listed(by_hand()));
    assert_eq!(
        Server::new("s", "1").with(self::delete).scopes(),
        ["notes:write"]
    );
}

#[derive(Default, Serialize, Deserialize)]
struct Count(u32);

/// A user of the address book, which has the name of an extractor.
#[derive(Deserialize, JsonSchema)]
struct User {
    name: String,
}

/// An extractor of one's own: the name of the client.
struct Name(String);

impl Extract for Name {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let client = Option::<Headers>::extract(context)?;
        Ok(Self(
            if client.is_some() { "headers" } else { "none" }.to_owned(),
        ))
    }
}

/// Greet somebody, and count
#[tool]
async fn greet(
    session: Session<Count>,
    mut user: self::User,
    client: Option<Client>,
    #[extract] Name(name): Name,
    _clock: durable_mcp::prelude::Clock,
    /// The greeting
    greeting: String,
) -> Result<String, ToolError> {
    user.name.push('!');
    let count = session.update(|Count(count)| {
        *count += 1;
        *count
    })?;
    let can_elicit = client.is_some_and(|client| client.can_elicit());
    Ok(format!(
        "{greeting}, {} {count} {can_elicit} {name}",
        user.name
    ))
}

#[test]
fn extractors_stand_between_arguments_and_clients_do_not_see_them() {
    let client = client(|server| server.with(greet));
    let listed = client.tools().remove(0);
    assert_eq!(
        listed["inputSchema"]["required"],
        json!(["user", "greeting"])
    );
    assert_eq!(
        listed["inputSchema"]["properties"]
            .as_object()
            .unwrap()
            .len(),
        2
    );
    let arguments = json!({ "user": { "name": "Ann" }, "greeting": "Hi" });
    assert_eq!(
        client.call("greet", &arguments).text(),
        "Hi, Ann! 1 false headers"
    );
    assert_eq!(
        client.call("greet", &arguments).text(),
        "Hi, Ann! 2 false headers"
    );
}

/// Shout
#[tool]
async fn shout(Args(user): Args<User>, progress: Progress) -> String {
    progress.report(1, 1, "shouted");
    user.name.to_uppercase()
}

#[test]
fn the_arguments_can_be_a_struct_of_ones_own() {
    let client = client(|server| server.with(shout));
    assert_eq!(client.call("shout", json!({ "name": "ann" })).text(), "ANN");
    assert_eq!(client.progress().len(), 1);
}

/// Greet somebody
#[prompt(title = "Greeting")]
async fn greeting(
    /// Whom to greet
    name: String,
    #[serde(rename(deserialize = "in"), default)]
    #[complete(languages)]
    language: Option<String>,
) -> String {
    format!(
        "Greet {name} in {}",
        language.as_deref().unwrap_or("english")
    )
}

async fn languages(input: CompletionInput) -> Vec<String> {
    input.matching(["english", "french"])
}

#[test]
fn a_prompt_by_attribute_completes_its_arguments() {
    let client = client(|server| server.with(greeting));
    let listed = json!({
        "name": "greeting",
        "title": "Greeting",
        "description": "Greet somebody",
        "arguments": [
            { "name": "in", "required": false },
            { "name": "name", "description": "Whom to greet", "required": true },
        ],
    });
    assert_eq!(client.prompts(), [listed]);
    let prompt = client.get_prompt("greeting", json!({ "name": "Ann", "in": "french" }));
    assert_eq!(prompt.text(), "Greet Ann in french");
    assert_eq!(client.complete_prompt("greeting", "in", "fr"), ["french"]);
}

const RULES: &str = "rules://all";

/// The rules
#[resource(RULES, mime_type = "text/markdown")]
async fn rules() -> &'static str {
    "Be *kind*."
}

#[resource_template("notes://{folder}/{+id}", name = "a note")]
async fn note(folder: u32, #[complete(languages)] id: String) -> String {
    format!("{folder} {id}")
}

#[test]
fn resources_by_attribute_are_listed_and_read() {
    let client = client(|server| server.with(rules).with(note));
    let resource = json!({ "name": "rules", "uri": "rules://all", "description": "The rules", "mimeType": "text/markdown" });
    assert_eq!(client.resources(), [resource]);
    let template = json!({ "name": "a note", "uriTemplate": "notes://{folder}/{+id}" });
    assert_eq!(client.resource_templates(), [template]);
    assert_eq!(client.read("rules://all").text(), "Be *kind*.");
    assert_eq!(client.read("notes://7/a/b").text(), "7 a/b");
    assert_eq!(
        client.complete_template("notes://{folder}/{+id}", "id", "eng"),
        ["english"]
    );
}

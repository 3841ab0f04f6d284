//! A remote MCP server. A tool is an async function, and a line in `server`.

use durable_mcp::{App, prelude::*};

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

#[derive(Default, Serialize, Deserialize)]
struct Notes(Vec<String>);

#[derive(Deserialize, JsonSchema)]
struct Note {
    /// What to remember
    text: String,
}

async fn remember(notes: Session<Notes>, Args(note): Args<Note>) -> Result<String, ToolError> {
    let count = notes.update(|Notes(texts)| {
        texts.push(note.text);
        texts.len()
    })?;
    Ok(format!("Remembered note {count}."))
}

fn server() -> Server {
    Server::new("my-mcp-server", env!("CARGO_PKG_VERSION"))
        .tool("add", "Add two numbers", add)
        .tool("remember", "Remember a note", remember)
}

fn app(_env: &worker::Env) -> App {
    App::new(server())
}

worker!(app);

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    #[test]
    fn remembered_notes_are_counted() {
        let client = TestClient::new(super::server());
        client.call("remember", json!({ "text": "milk" }));
        let second = client.call("remember", json!({ "text": "bread" }));
        assert_eq!(second.text(), "Remembered note 2.");
    }
}

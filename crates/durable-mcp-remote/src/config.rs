//! `config URL --client NAME`: the entry of a client's configuration that starts this program.
//!
//! Forms and files are those of the page at `/` and of the playground's copied configurations.

use std::fmt::Write as _;

use reqwest::Url;
use serde_json::{Value, json};

/// Client, its name on the command line, and the form of its configuration.
struct Client {
    name: &'static str,
    title: &'static str,
    file: &'static str,
    form: Form,
}

/// Form of a configuration.
enum Form {
    /// Object of servers in JSON under a key.
    Json { key: &'static str },
    /// The same, each server with its transport as `type`.
    TypedJson { key: &'static str },
    /// Table of a server in TOML.
    Toml,
    /// Command line that adds a server.
    Command { add: &'static str },
}

const CLIENTS: [Client; 9] = [
    Client {
        name: "claude-desktop",
        title: "Claude Desktop",
        file: "claude_desktop_config.json",
        form: Form::Json { key: "mcpServers" },
    },
    Client {
        name: "claude-code",
        title: "Claude Code",
        file: "a terminal",
        form: Form::Command {
            add: "claude mcp add",
        },
    },
    Client {
        name: "cursor",
        title: "Cursor",
        file: "~/.cursor/mcp.json",
        form: Form::Json { key: "mcpServers" },
    },
    Client {
        name: "vscode",
        title: "VS Code",
        file: ".vscode/mcp.json",
        form: Form::TypedJson { key: "servers" },
    },
    Client {
        name: "codex",
        title: "Codex",
        file: "~/.codex/config.toml",
        form: Form::Toml,
    },
    Client {
        name: "gemini",
        title: "Gemini CLI",
        file: "~/.gemini/settings.json",
        form: Form::Json { key: "mcpServers" },
    },
    Client {
        name: "zed",
        title: "Zed",
        file: "the file that `zed: open settings file` opens",
        form: Form::Json {
            key: "context_servers",
        },
    },
    Client {
        name: "devin",
        title: "Devin Desktop",
        file: "~/.config/devin/mcp_config.json",
        form: Form::Json { key: "mcpServers" },
    },
    Client {
        name: "windsurf",
        title: "Windsurf",
        file: "~/.codeium/windsurf/mcp_config.json",
        form: Form::Json { key: "mcpServers" },
    },
];

/// Entry of one client, or of all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Text for stdout.
    pub(crate) text: String,
    /// Place of the text, for stderr.
    pub(crate) place: Option<String>,
}

/// Entry that runs `program` with `arguments`.
///
/// # Errors
///
/// One sentence with the names that are known.
pub(crate) fn entry(
    client: Option<&str>,
    url: &Url,
    program: &str,
    arguments: &[String],
) -> Result<Entry, String> {
    let name = server_name(url);
    let Some(wanted) = client else {
        let mut text = String::new();
        for client in &CLIENTS {
            let rendered = client.form.render(&name, program, arguments);
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "# {} ({}), in {}\n{rendered}\n\n",
                client.title, client.name, client.file
            );
        }
        return Ok(Entry {
            text: text.trim_end().to_owned(),
            place: None,
        });
    };
    let found = CLIENTS
        .iter()
        .find(|client| client.name == wanted.to_lowercase())
        .ok_or_else(|| {
            let known: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
            format!(
                "--client {wanted:?} is unknown; use one of {}",
                known.join(", ")
            )
        })?;
    let text = found.form.render(&name, program, arguments);
    Ok(Entry {
        text,
        place: Some(format!("for {}, in {}:", found.title, found.file)),
    })
}

impl Form {
    fn render(&self, name: &str, program: &str, arguments: &[String]) -> String {
        match self {
            Self::Json { key } => {
                servers(key, name, &json!({ "command": program, "args": arguments }))
            }
            Self::TypedJson { key } => servers(
                key,
                name,
                &json!({ "type": "stdio", "command": program, "args": arguments }),
            ),
            Self::Toml => {
                format!(
                    "[mcp_servers.{name}]\ncommand = {}\nargs = {}",
                    toml(&json!(program)),
                    toml(&json!(arguments))
                )
            }
            Self::Command { add } => {
                let words: Vec<String> = arguments.iter().map(|argument| word(argument)).collect();
                format!("{add} {name} -- {} {}", word(program), words.join(" "))
            }
        }
    }
}

fn servers(key: &str, name: &str, server: &Value) -> String {
    format!("{:#}", json!({ key: { name: server } }))
}

/// TOML's strings are JSON's, but for the one control character that JSON leaves as it is.
fn toml(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007f")
}

/// Name of a server by its host, of letters, digits and hyphens, which every client takes.
fn server_name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let plain: String = host
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    match plain.trim_matches('-') {
        "" => "mcp".to_owned(),
        name => name.to_owned(),
    }
}

/// Word of a POSIX shell.
fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/@%+,=".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CLIENTS, entry};

    const PROGRAM: &str = "/home/me/.cargo/bin/durable-mcp-remote";

    fn text(client: &str, arguments: &[&str]) -> String {
        let url = "https://mcp.example.com/mcp".parse().unwrap();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect();
        entry(Some(client), &url, PROGRAM, &arguments).unwrap().text
    }

    #[test]
    fn json_clients_get_command_and_arguments_under_their_key() {
        for (client, key) in [
            ("claude-desktop", "mcpServers"),
            ("zed", "context_servers"),
            ("Cursor", "mcpServers"),
        ] {
            let entry: Value =
                serde_json::from_str(&text(client, &["https://mcp.example.com/mcp"])).unwrap();
            let server = json!({ "command": PROGRAM, "args": ["https://mcp.example.com/mcp"] });
            assert_eq!(entry, json!({ key: { "mcp-example-com": server } }));
        }
        let entry: Value = serde_json::from_str(&text("vscode", &[])).unwrap();
        assert_eq!(entry["servers"]["mcp-example-com"]["type"], "stdio");
    }

    #[test]
    fn commands_are_quoted_for_a_shell_and_toml_by_its_own_rules() {
        assert_eq!(
            text(
                "claude-code",
                &[
                    "https://a.example/?a=1&b",
                    "--header",
                    "A: it's ${TOKEN}",
                    ""
                ]
            ),
            format!(
                "claude mcp add mcp-example-com -- {PROGRAM} 'https://a.example/?a=1&b' --header 'A: it'\\''s ${{TOKEN}}' ''"
            )
        );
        assert_eq!(
            text("codex", &["a\"b\u{7f}"]),
            format!(
                "[mcp_servers.mcp-example-com]\ncommand = \"{PROGRAM}\"\nargs = [\"a\\\"b\\u007f\"]"
            )
        );
    }

    #[test]
    fn a_missing_client_shows_all_entries_and_an_unknown_one_the_names() {
        let url = "https://[::1]/mcp".parse().unwrap();
        let all = entry(None, &url, PROGRAM, &[]).unwrap().text;
        assert!(
            CLIENTS
                .iter()
                .all(|client| all.contains(&format!("({})", client.name)))
        );
        let refused = entry(Some("emacs"), &url, PROGRAM, &[]).unwrap_err();
        assert!(refused.contains("claude-desktop") && refused.contains("windsurf"));
    }
}

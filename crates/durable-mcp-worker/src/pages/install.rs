//! Links and commands that add a server to a client.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A server, as the configuration of a client has it.
#[derive(Debug)]
pub(super) struct Install {
    title: String,
    name: String,
    url: String,
}

impl Install {
    /// The server of that title, name and URL.
    pub(super) fn new(title: &str, name: &str, url: String) -> Self {
        Self {
            title: title.to_owned(),
            name: plain(name),
            url,
        }
    }

    /// The name, in characters that every client takes.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of Streamable HTTP.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The URL as a JSON string.
    pub(super) fn url_json(&self) -> String {
        Value::from(self.url.as_str()).to_string()
    }

    /// Opens Claude's dialog for a custom connector, filled in.
    pub(super) fn claude(&self) -> String {
        format!(
            "https://claude.ai/customize/connectors?modal=add-custom-connector&connectorName={}&connectorUrl={}",
            component(&self.title),
            component(&self.url)
        )
    }

    /// Adds the server to Claude Code.
    pub(super) fn claude_code(&self) -> String {
        format!(
            "claude mcp add --transport http {} {}",
            self.name,
            word(&self.url)
        )
    }

    /// Adds the server to Codex.
    pub(super) fn codex(&self) -> String {
        format!("codex mcp add {} --url {}", self.name, word(&self.url))
    }

    /// The server in the configuration of Codex, which is TOML. A string of JSON is one of TOML too, but for DEL.
    pub(super) fn codex_toml(&self) -> String {
        format!(
            "[mcp_servers.{}]\nurl = {}",
            self.name,
            self.url_json().replace('\u{7f}', "\\u007f")
        )
    }

    /// Adds the server to Gemini CLI, for the user rather than the folder.
    pub(super) fn gemini(&self) -> String {
        format!(
            "gemini mcp add --scope user --transport http {} {}",
            self.name,
            word(&self.url)
        )
    }

    /// Has Cursor ask whether to add the server.
    pub(super) fn cursor(&self) -> String {
        let config = STANDARD.encode(json!({ "url": self.url }).to_string());
        format!(
            "cursor://anysphere.cursor-deeplink/mcp/install?name={}&config={}",
            self.name,
            component(&config)
        )
    }

    /// Has VS Code ask whether to add the server.
    pub(super) fn vscode(&self) -> String {
        format!("vscode:mcp/install?{}", component(&self.vscode_json()))
    }

    /// Adds the server to VS Code.
    pub(super) fn vscode_command(&self) -> String {
        format!("code --add-mcp {}", quoted(&self.vscode_json()))
    }

    fn vscode_json(&self) -> String {
        json!({ "name": self.name, "type": "http", "url": self.url }).to_string()
    }

    /// Starts the Inspector with the server in it.
    pub(super) fn inspector(&self) -> String {
        format!(
            "npx @modelcontextprotocol/inspector --transport http --server-url {}",
            word(&self.url)
        )
    }
}

/// Replaces characters that Claude Code does not take in a name: all but letters, digits, `-` and `_`. No other client
/// takes fewer.
fn plain(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    match name.trim_matches('-') {
        "" => "mcp".to_owned(),
        name => name.to_owned(),
    }
}

/// Percent-encodes a value for the query of a URL (RFC 3986, section 2.3).
fn component(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
            encoded
        })
}

/// Writes a text as one word of a POSIX shell's command line.
fn word(text: &str) -> String {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/@%+,".contains(&byte));
    if is_plain {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mcp.example.com/mcp?a=1&b='\"<i>ö</i>";

    fn install(url: &str) -> Install {
        Install::new("Ann's <Notes>", "ann's/notes", url.to_owned())
    }

    /// Decodes percent-encoding, as a client's `decodeURIComponent` does.
    fn decoded(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let digits = |rest: &mut std::str::Bytes| String::from_utf8(rest.take(2).collect());
            bytes.push(match byte {
                b'%' => u8::from_str_radix(&digits(&mut rest).unwrap(), 16).unwrap(),
                _ => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    }

    fn query<'a>(link: &'a str, name: &str) -> &'a str {
        let (_, query) = link.split_once('?').unwrap();
        let found = query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.unwrap()
    }

    #[test]
    fn a_name_keeps_only_characters_that_every_client_accepts() {
        for (name, kept) in [
            ("durable-mcp_demo", "durable-mcp_demo"),
            ("Ann's <Notes>", "Ann-s--Notes"),
            ("$(rm)", "rm"),
            ("日本", "mcp"),
            ("", "mcp"),
        ] {
            assert_eq!(plain(name), kept, "{name}");
        }
    }

    #[test]
    fn install_links_carry_the_whole_url() {
        let install = install(URL);
        let claude = install.claude();
        assert_eq!(decoded(query(&claude, "connectorUrl")), URL);
        assert_eq!(decoded(query(&claude, "connectorName")), "Ann's <Notes>");

        let cursor = install.cursor();
        assert_eq!(query(&cursor, "name"), "ann-s-notes");
        let config = STANDARD.decode(decoded(query(&cursor, "config"))).unwrap();
        let config: Value = serde_json::from_slice(&config).unwrap();
        assert_eq!(config, json!({ "url": URL }));

        let vscode = install.vscode();
        let config = vscode.strip_prefix("vscode:mcp/install?").unwrap();
        let config: Value = serde_json::from_str(&decoded(config)).unwrap();
        assert_eq!(
            config,
            json!({ "name": "ann-s-notes", "type": "http", "url": URL })
        );

        for link in [claude, cursor, vscode] {
            assert!(
                link.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._~%:/?=&".contains(c)),
                "{link}"
            );
        }
    }

    #[test]
    fn a_shell_reads_the_url_as_one_word() {
        let simple = install("http://localhost:8787/mcp");
        assert_eq!(
            simple.claude_code(),
            "claude mcp add --transport http ann-s-notes http://localhost:8787/mcp"
        );
        let url = "https://a.example/m'cp;$(x)";
        let install = install(url);
        for command in [
            install.claude_code(),
            install.codex(),
            install.gemini(),
            install.inspector(),
            install.vscode_command(),
        ] {
            let output = std::process::Command::new("sh")
                .args(["-c", &format!("set -- {command}; printf '%s\\n' \"$@\"")])
                .output();
            let words = String::from_utf8(output.unwrap().stdout).unwrap();
            let last = words.lines().last().unwrap();
            let last: Value = serde_json::from_str(last).unwrap_or_else(|_| Value::from(last));
            assert_eq!(last.get("url").unwrap_or(&last), &json!(url), "{command}");
        }
        let install = Install::new("", "", "http://[::1]:1/mcp".to_owned());
        assert_eq!(install.inspector().matches('\'').count(), 2);
    }
}

//! The page at `/`.

use askama::Template;
use durable_mcp_protocol::summary::Summary;
use durable_mcp_protocol::{ProtocolVersion, Server};

use super::install::Install;

/// The page about the server: what it is, how clients connect, what it offers.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct HomePage<'a> {
    server: &'a Server,
    install: Install,
    sse: String,
    is_local: bool,
    signs_in: bool,
    with: Option<String>,
    is_demo: bool,
    trouble: Option<String>,
    problems: Vec<String>,
    /// Address of the page that tries the server.
    playground: Option<String>,
}

impl<'a> HomePage<'a> {
    /// The page of a server at these URLs; `is_local` if only this machine can reach them.
    #[must_use]
    pub fn new(server: &'a Server, mcp: String, sse: String, is_local: bool) -> Self {
        let install = Install::new(server.display_name(), server.name(), mcp);
        Self {
            server,
            install,
            sse,
            is_local,
            signs_in: false,
            with: None,
            is_demo: false,
            trouble: None,
            problems: Vec::new(),
            playground: None,
        }
    }

    /// Sets whether users sign in.
    #[must_use]
    pub fn signs_in(self, signs_in: bool) -> Self {
        Self { signs_in, ..self }
    }

    /// Sets the address of the playground, at which the server can be tried.
    #[must_use]
    pub fn with_playground(self, address: Option<String>) -> Self {
        Self {
            playground: address,
            ..self
        }
    }

    /// Sets the name of the identity provider, as in "GitHub".
    #[must_use]
    pub fn with(self, provider: String) -> Self {
        Self {
            with: Some(provider),
            ..self
        }
    }

    /// Marks a server whose sign-in takes anybody for the person they say they are.
    #[must_use]
    pub fn demo(self) -> Self {
        Self {
            is_demo: true,
            ..self
        }
    }

    /// Marks a server that does not work, with what its operator has to do.
    #[must_use]
    pub fn trouble(self, trouble: String) -> Self {
        Self {
            trouble: Some(trouble),
            ..self
        }
    }

    /// Sets the faults that a developer has to mend.
    #[must_use]
    pub fn problems(self, problems: Vec<String>) -> Self {
        Self { problems, ..self }
    }

    /// True if services that call from elsewhere can reach the server: not on this machine alone, and not without
    /// https.
    fn is_public(&self) -> bool {
        !self.is_local && self.install.url().starts_with("https://")
    }

    /// The reason for which a service that calls from elsewhere has no button.
    fn unreachable(&self) -> &'static str {
        if self.is_local {
            "It calls from elsewhere, and cannot reach this machine: deploy the server, or open a tunnel to it."
        } else {
            "It calls from elsewhere, and only over https: deploy the server, or open a tunnel to it."
        }
    }

    /// Newest first.
    fn versions() -> impl Iterator<Item = ProtocolVersion> {
        ProtocolVersion::ALL.into_iter().rev()
    }

    /// The anchor, the heading and the entries of each list.
    fn lists(&self) -> [(&'static str, &'static str, Vec<Summary<'_>>); 3] {
        [
            ("tools", "Tools", self.server.public_tools().collect()),
            (
                "resources",
                "Resources",
                self.server.all_resources().collect(),
            ),
            ("prompts", "Prompts", self.server.all_prompts().collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use durable_mcp_protocol::prompt::Prompt;
    use durable_mcp_protocol::resource::Resource;
    use durable_mcp_protocol::tool::Tool;
    use serde_json::{Value, json};

    use super::*;

    const MCP: &str = "https://mcp.example.com/mcp";
    const SSE: &str = "https://mcp.example.com/sse";
    const MARKUP: &str = "</code><script src=\"x\">alert('&')</script>";

    async fn hello() -> String {
        "hello".to_owned()
    }

    fn server(text: &str) -> Server {
        Server::new(text, text)
            .title(text)
            .description(text)
            .with(Tool::new("hello", text, hello).title(text))
            .with(Resource::new(text, text, hello).description(text))
            .with(Prompt::new(text, text, hello).title(text))
    }

    fn page(server: &Server, mcp: &str, sse: &str) -> String {
        let home = HomePage::new(server, mcp.to_owned(), sse.to_owned(), false);
        home.render().unwrap()
    }

    /// Decodes escaped text, as a browser does.
    fn shown(html: &str) -> String {
        let mut text = String::new();
        for (i, part) in html.split('&').enumerate() {
            match part.strip_prefix('#').and_then(|part| part.split_once(';')) {
                Some((code, rest)) => {
                    text.push(char::from_u32(code.parse().unwrap()).unwrap());
                    text.push_str(rest);
                }
                None if i == 0 => text.push_str(part),
                None => panic!("not escaped: &{part}"),
            }
        }
        text
    }

    fn between<'a>(html: &'a str, start: &str, end: &str) -> Vec<&'a str> {
        let parts = html.split(start).skip(1);
        parts.map(|part| part.split_once(end).unwrap().0).collect()
    }

    fn snippets(html: &str) -> Vec<String> {
        let found = between(html, "<pre", "</code></pre>").into_iter();
        found
            .map(|part| shown(part.split_once("<code>").unwrap().1))
            .collect()
    }

    #[test]
    fn markup_in_names_and_urls_stays_text_on_the_home_page() {
        let (mcp, sse) = (format!("{MCP}/{MARKUP}"), format!("{SSE}/{MARKUP}"));
        let html = page(&server(MARKUP), &mcp, &sse);
        assert_eq!(
            between(&html, "<script", "</script>"),
            [format!(">{}", crate::pages::SCRIPT)]
        );
        let html = html.replace(crate::pages::SCRIPT, "");
        assert!(!html.contains("alert('"), "{html}");
        assert!(shown(&html).contains(MARKUP));
        for link in between(&html, "href=\"", "\"") {
            assert!(!link.contains(['<', '>', '\'', ' ']), "{link}");
        }
    }

    #[test]
    fn every_snippet_names_this_server_and_json_is_valid() {
        for mcp in [MCP.to_owned(), format!("{MCP}/{MARKUP}")] {
            let snippets = snippets(&page(&server("demo"), &mcp, SSE));
            let (json, other): (Vec<_>, Vec<_>) =
                snippets.iter().partition(|text| text.starts_with('{'));
            let json: Vec<Value> = json
                .iter()
                .map(|text| serde_json::from_str(text).unwrap())
                .collect();
            assert_eq!(
                json,
                [
                    json!({ "mcpServers": { "demo": { "command": "npx", "args": ["-y", "mcp-remote", mcp] } } }),
                    json!({ "mcpServers": { "demo": { "command": "durable-mcp-remote", "args": [mcp] } } }),
                    json!({ "mcpServers": { "demo": { "url": mcp } } }),
                    json!({ "servers": { "demo": { "type": "http", "url": mcp } } }),
                    json!({ "mcpServers": { "demo": { "httpUrl": mcp } } }),
                    json!({ "context_servers": { "demo": { "url": mcp } } }),
                    json!({ "mcpServers": { "demo": { "url": mcp } } }),
                    json!({ "mcpServers": { "demo": { "serverUrl": mcp } } }),
                ]
            );
            assert_eq!(other.len(), 8);
            for text in &other {
                assert!(text.contains(MCP) || *text == SSE, "{text}");
            }
            let toml = other.iter().find(|text| text.starts_with('[')).unwrap();
            let (table, url) = toml.split_once("\nurl = ").unwrap();
            assert_eq!(
                (table, serde_json::from_str::<String>(url).unwrap()),
                ("[mcp_servers.demo]", mcp)
            );
        }
    }

    #[test]
    fn install_links_survive_escaping_as_attributes() {
        let html = page(&server("demo"), MCP, SSE);
        let links: Vec<String> = between(&html, "href=\"", "\"")
            .into_iter()
            .map(shown)
            .collect();
        let install = Install::new("demo", "demo", MCP.to_owned());
        for link in [install.claude(), install.cursor(), install.vscode()] {
            assert!(links.contains(&link), "{link} is not among {links:#?}");
        }
    }

    #[test]
    fn a_service_that_cannot_reach_the_server_shows_the_reason_and_no_button() {
        let server = server("demo");
        for (mcp, is_local, reason) in [
            (
                "http://localhost:8787/mcp",
                true,
                "cannot reach this machine",
            ),
            ("http://box.lan/mcp", false, "only over https"),
        ] {
            let html = HomePage::new(&server, mcp.to_owned(), SSE.to_owned(), is_local)
                .render()
                .unwrap();
            assert!(
                !html.contains("claude.ai") && !html.contains("Add to Claude"),
                "{mcp}"
            );
            assert_eq!(html.matches(reason).count(), 3, "{mcp}");
            // Programs on this machine can.
            assert!(
                html.contains("Add to Cursor") && html.contains("Add to VS Code"),
                "{mcp}"
            );
        }
        let html = page(&server, MCP, SSE);
        assert!(html.contains("Add to Claude") && !html.contains("calls from elsewhere"));
    }

    #[test]
    fn each_copy_button_has_a_name_of_its_own() {
        let html = page(&server("demo"), MCP, SSE);
        let mut named = between(&html, "<pre", "><code>");
        named.sort_unstable();
        let count = named.len();
        assert!(
            named
                .iter()
                .all(|attributes| attributes.contains(" data-what=\"the ")),
            "{named:?}"
        );
        named.dedup();
        assert_eq!(named.len(), count, "two buttons have one name");
    }

    #[test]
    fn commands_for_signing_in_are_shown_only_with_sign_in() {
        let server = server("demo");
        let with = HomePage::new(&server, MCP.to_owned(), SSE.to_owned(), false)
            .signs_in(true)
            .render()
            .unwrap();
        for command in ["codex mcp login demo", "/mcp auth demo"] {
            assert!(
                with.contains(command) && !page(&server, MCP, SSE).contains(command),
                "{command}"
            );
        }
    }

    #[test]
    fn the_home_page_lists_what_is_served() {
        let html = shown(&page(&server("demo"), MCP, SSE));
        for version in ProtocolVersion::ALL {
            assert!(html.contains(version.as_str()), "{version}");
        }
        assert!(html.contains("hello") && html.contains(SSE));
        let bare = page(&Server::new("bare", "1"), MCP, MCP);
        for absent in ["Tools", "Resources", "Prompts", "HTTP+SSE"] {
            assert!(!bare.contains(absent), "{absent}");
        }
    }

    #[test]
    fn the_home_page_hides_tools_that_need_scopes() {
        let server = Server::new("s", "1")
            .with(Tool::new("open", "", hello))
            .with(Tool::new("secret", "", hello).scopes(["admin"]));
        let html = page(&server, MCP, SSE);
        assert!(html.contains("open") && !html.contains("secret"));
    }
}

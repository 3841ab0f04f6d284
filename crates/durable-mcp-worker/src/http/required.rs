//! Bindings that the server needs, and the lines of `wrangler.toml` for those that are missing.

use super::app::{App, MissingBindings, SESSION_KEY};
use super::playground::settings::{AI, ModelSource};

/// A binding of this library's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Binding {
    name: &'static str,
    /// The class of a Durable Object; none for a namespace of KV.
    class: Option<&'static str>,
    /// True if the deployment cannot serve without the binding.
    is_vital: bool,
}

impl Binding {
    /// The lines of `wrangler.toml` for it.
    fn lines(&self) -> String {
        let name = self.name;
        match self.class {
            Some(class) => format!(
                "\n[[durable_objects.bindings]]\nname = \"{name}\"\nclass_name = \"{class}\"\n"
            ),
            None => format!("\n[[kv_namespaces]]\nbinding = \"{name}\"\n"),
        }
    }
}

/// The lines of `wrangler.toml` for Workers AI.
const AI_LINES: &str = "add [ai] with binding = \"AI\" to wrangler.toml.";

const OBJECT: Binding = Binding {
    name: "MCP_OBJECT",
    class: Some("McpObject"),
    is_vital: true,
};
const HUB: Binding = Binding {
    name: "MCP_HUB",
    class: Some("McpHub"),
    is_vital: false,
};
const TASK: Binding = Binding {
    name: "MCP_TASK",
    class: Some("McpTask"),
    is_vital: false,
};
const KEYS: Binding = Binding {
    name: "KEY_RING",
    class: Some("KeyRing"),
    is_vital: true,
};
const GRANTS: Binding = Binding {
    name: "GRANT_AUTHORITY",
    class: Some("GrantAuthority"),
    is_vital: true,
};
const KV: Binding = Binding {
    name: "OAUTH_KV",
    class: None,
    is_vital: true,
};

impl App {
    /// The bindings that this application needs by its features and its variables.
    fn required(&self, has_key: bool) -> Vec<Binding> {
        let of_provider = self.provider.is_some();
        let all = [
            (true, OBJECT),
            (self.server.announces(), HUB),
            (self.server.has_tasks(), TASK),
            (!has_key, KEYS),
            (of_provider, GRANTS),
            (of_provider, KV),
        ];
        all.into_iter()
            .filter(|(needed, _)| *needed)
            .map(|(_, binding)| binding)
            .collect()
    }

    /// Looks for the bindings that the application needs. All that are missing are one problem of the deployment.
    #[must_use]
    pub fn with_bindings(mut self, has: &dyn Fn(&str) -> bool) -> Self {
        if self
            .chat
            .as_ref()
            .is_some_and(|chat| matches!(chat.source, ModelSource::WorkersAi))
            && !has(AI)
        {
            self.chat = None;
            self.add_problem(format!(
                "PLAYGROUND_CHAT is workers-ai, and the binding {AI} is missing: {AI_LINES}"
            ));
        }
        let mut missing = self.required(has(SESSION_KEY));
        missing.retain(|binding| !has(binding.name));
        if !missing.is_empty() {
            let text = message(&missing);
            self.add_problem(text.clone());
            self.missing = Some(MissingBindings {
                text,
                is_vital: missing.iter().any(|binding| binding.is_vital),
            });
        }
        self
    }
}

fn message(missing: &[Binding]) -> String {
    let names: Vec<_> = missing.iter().map(|binding| binding.name).collect();
    let head = format!(
        "Bindings are missing: {}. Add to wrangler.toml:\n",
        names.join(", ")
    );
    let classes: Vec<_> = missing.iter().filter_map(|binding| binding.class).collect();
    let migration = (!classes.is_empty()).then(|| {
        let (tag, classes) = (classes.join("-").to_lowercase(), classes.join("\", \""));
        format!(
            "\n# For classes that no migration names yet, with a tag that is new.\n\
             [[migrations]]\ntag = \"{tag}\"\nnew_sqlite_classes = [\"{classes}\"]\n"
        )
    });
    let lines = missing.iter().map(Binding::lines);
    [head].into_iter().chain(lines).chain(migration).collect()
}

//! Requirements of the directories of Claude and ChatGPT on a server's tools, beyond those of the protocol.
//!
//! Sources: Anthropic's "Connector-directory submission checklist" (a title, the hints that apply, names of at most 64
//! characters) and OpenAI's app review, which wants `readOnlyHint`, `destructiveHint` and `openWorldHint` on every tool.

use crate::server::Server;
use crate::tool::Tool;

/// The longest name of a tool in Claude's directory.
const MAX_NAME_CHARS: usize = 64;

/// A requirement, in words for a tool that lacks it, and its check.
type Wish = (&'static str, fn(&Tool) -> bool);

const WISHES: [Wish; 5] = [
    ("have no title (`Tool::title`)", |tool| {
        tool.definition.title.is_some()
    }),
    (
        "do not say whether they only read (`Tool::read_only`, or `Tool::destructive`)",
        Tool::says_what_it_changes,
    ),
    (
        "do not say whether they reach beyond this server (`Tool::open_world`)",
        Tool::says_its_world,
    ),
    ("have a name of more than 64 characters", |tool| {
        tool.definition.name.len() <= MAX_NAME_CHARS
    }),
    (
        "have a schema with a choice at its root, which model providers refuse",
        Tool::has_a_plain_root,
    ),
];

impl Server {
    /// The reasons for which the directories of Claude and ChatGPT would refuse this server, each with the tools it is about:
    /// "tools that lack a title: add, echo". Clients do not mind, so nothing is left out; a running server logs them in one line.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        let reason = |(fault, is_met): &Wish| {
            let names: Vec<_> = self
                .served_tools()
                .filter(|tool| !is_met(tool))
                .map(|tool| tool.definition.name.as_str())
                .collect();
            (!names.is_empty()).then(|| format!("tools that {fault}: {}", names.join(", ")))
        };
        WISHES.iter().filter_map(reason).collect()
    }
}

//! What a server offers, for a page about it.

use super::server::Server;
use super::user::Caller;

/// What people are told of a tool, a resource or a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary<'a> {
    /// What clients know it by: the name of a tool or prompt, the URI or URI template of a resource.
    pub id: &'a str,
    /// A name for people.
    pub title: Option<&'a str>,
    /// What it is for.
    pub description: Option<&'a str>,
}

impl Server {
    /// The tools that anybody may call.
    pub fn public_tools(&self) -> impl Iterator<Item = Summary<'_>> {
        let nobody = Caller::default();
        let shown = self.served_tools().filter(move |tool| tool.is_visible_to(&nobody));
        shown.map(|tool| Summary {
            id: &tool.definition.name,
            title: tool.definition.title.as_deref(),
            description: text(&tool.definition.description),
        })
    }

    /// The resources, then the resource templates.
    pub fn all_resources(&self) -> impl Iterator<Item = Summary<'_>> {
        let resources = self.resources.iter().map(|resource| &resource.definition);
        let templates = self.served_templates().map(|template| &template.definition);
        resources.chain(templates).map(|definition| Summary {
            id: definition.address(),
            title: definition.title.as_deref().or(text(&definition.name)),
            description: definition.description.as_deref(),
        })
    }

    /// The prompts.
    pub fn all_prompts(&self) -> impl Iterator<Item = Summary<'_>> {
        self.served_prompts().map(|prompt| Summary {
            id: &prompt.definition.name,
            title: prompt.definition.title.as_deref(),
            description: text(&prompt.definition.description),
        })
    }
}

fn text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

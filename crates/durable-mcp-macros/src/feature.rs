//! The features that attributes make.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;

use crate::options::{Form, Known};

/// A feature of a server, with an attribute of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    Tool,
    Prompt,
    Resource,
    ResourceTemplate,
}

impl Feature {
    /// The name in sentences.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::ResourceTemplate => "resource template",
        }
    }

    /// The attribute as it stands in a user's code.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Tool => "#[tool]",
            Self::Prompt => "#[prompt]",
            Self::Resource => "#[resource(\"..\")]",
            Self::ResourceTemplate => "#[resource_template(\"..\")]",
        }
    }

    /// The type that the attribute makes a value of, as code at that place.
    pub(crate) fn made(self, span: Span) -> TokenStream {
        let name = match self {
            Self::Tool => "Tool",
            Self::Prompt => "Prompt",
            Self::Resource => "Resource",
            Self::ResourceTemplate => "ResourceTemplate",
        };
        let name = Ident::new(name, span);
        quote_spanned!(span=> ::durable_mcp::prelude::#name)
    }

    /// True if a URI or a URI template is the attribute's first option.
    pub(crate) fn has_address(self) -> bool {
        matches!(self, Self::Resource | Self::ResourceTemplate)
    }

    /// True if its arguments can have completers.
    pub(crate) fn completes(self) -> bool {
        matches!(self, Self::Prompt | Self::ResourceTemplate)
    }

    /// The options of the attribute.
    pub(crate) fn options(self) -> &'static [Known] {
        match self {
            Self::Tool => TOOL,
            Self::Prompt => PROMPT,
            Self::Resource | Self::ResourceTemplate => RESOURCE,
        }
    }

    /// Refuses a feature without a description, if it needs one.
    pub(crate) fn check_without_description(self, name: &Ident) -> syn::Result<()> {
        let reader = match self {
            Self::Tool => "the model chooses it by its description",
            Self::Prompt => "a person chooses it by its description",
            Self::Resource | Self::ResourceTemplate => return Ok(()),
        };
        let noun = self.noun();
        Err(syn::Error::new(
            name.span(),
            format!(
                "the {noun} `{name}` has no description, and {reader}: write a doc comment above it (`/// ..`), or \
                 `description = \"..\"` in its attribute"
            ),
        ))
    }
}

const TOOL: &[Known] = &[
    Known::new("name", Form::Name),
    Known::new("description", Form::Description),
    Known::new("title", Form::Value),
    Known::new("icon", Form::Value),
    Known::new("read_only", Form::Flag),
    Known::new("destructive", Form::Bool),
    Known::new("idempotent", Form::Flag),
    Known::new("open_world", Form::Bool),
    Known::new("scope", Form::Single("scopes")).instead_of("scopes"),
    Known::new("scopes", Form::Value),
    Known::new("visible_to", Form::Value),
    Known::new("task_optional", Form::Flag),
    Known::new("task_required", Form::Flag).instead_of("task_optional"),
    Known::new("task_ttl", Form::Value),
    Known::new("page", Form::Value),
    Known::new("input_schema", Form::Value),
    Known::new("meta", Form::Value),
];

const PROMPT: &[Known] = &[
    Known::new("name", Form::Name),
    Known::new("description", Form::Description),
    Known::new("title", Form::Value),
    Known::new("icon", Form::Value),
];

const RESOURCE: &[Known] = &[
    Known::new("name", Form::Name),
    Known::new("description", Form::Description),
    Known::new("title", Form::Value),
    Known::new("mime_type", Form::Value),
    Known::new("annotations", Form::Value),
    Known::new("icon", Form::Value),
    Known::new("meta", Form::Value),
    Known::new("ttl", Form::Value),
    Known::new("public", Form::Flag),
];

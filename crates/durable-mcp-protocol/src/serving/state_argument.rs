//! The argument by which a client that has neither a session nor a user names the state that it goes on with.
//!
//! Tools and prompts that keep state have it beside their own arguments, and a resource's URI has it as a query. What it
//! holds is made and read by the transport; here it is a text.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::change::{Change, Reach};
use crate::context::Context;
use crate::extract::Signature;
use crate::fields::Fields;
use crate::jsonrpc::object_json;
use crate::server::Server;
use crate::state_name::STATE_ARGUMENT;
use crate::{prompt, resource, tool};

const DESCRIPTION: &str =
    "Which session this goes on with. Leave it out to begin one: the answer then names it.";

/// Description of the argument for a prompt, whose answer has no place to name a new session.
const PROMPT_DESCRIPTION: &str =
    "Which session this goes on with, as a tool named it. Leave it out for a new one.";

/// Separator of a resource's own URI and the name of its state.
const QUERY: &str = "?session=";

/// The state that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateOf {
    /// No state: the handler keeps nothing.
    Nobody,
    /// The state of the signed-in user; for a caller without one, the state that the text names, or a new one.
    Caller(Option<String>),
}

/// Name of the state that a call began, for its caller.
pub struct BegunState(pub String);

impl Server {
    /// True if the handler of the resource of that URI keeps state.
    #[must_use]
    pub fn is_stateful_resource(&self, uri: &str) -> bool {
        self.resource_at(uri)
            .is_some_and(|target| target.signature().needs_session)
    }

    /// The clients that a change concerns: of a resource that shows a state, those who share it; of anything else, all.
    #[must_use]
    pub fn reach(&self, change: &Change) -> Reach {
        match change {
            Change::Resource(uri) if self.is_stateful_resource(uri) => Reach::Own,
            _ => Reach::Everyone,
        }
    }
}

/// True if a handler of that signature has its state named by the argument, in this call.
pub(crate) fn is_named(context: &Context, signature: &Signature) -> bool {
    signature.needs_session && is_for(context)
}

/// True if the caller names states by the argument: the version is stateless, and nobody is signed in.
pub(crate) fn is_for(context: &Context) -> bool {
    context.client().version.is_stateless() && context.caller().subject.is_none()
}

/// A resource's own URI, and the state that is named behind it.
#[must_use]
pub fn split(uri: &str) -> (&str, Option<&str>) {
    uri.rsplit_once(QUERY)
        .map_or((uri, None), |(own, state)| (own, Some(state)))
}

/// The URI under which a caller knows a resource that shows the state of that name.
#[must_use]
pub fn join(uri: &str, state: &str) -> String {
    format!("{uri}{QUERY}{state}")
}

/// A tool as it is listed for callers who name its state.
pub(crate) fn of_tool(mut listed: tool::Listed<'_>) -> tool::Listed<'_> {
    let schema = listed.input_schema.to_mut().ensure_object();
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert(
            STATE_ARGUMENT.to_owned(),
            json!({ "type": "string", "description": DESCRIPTION }),
        );
    }
    listed
}

/// A prompt as it is listed for callers who name its state.
pub(crate) fn of_prompt(mut listed: prompt::Listed<'_>) -> prompt::Listed<'_> {
    listed.arguments.push(prompt::PromptArgument {
        name: STATE_ARGUMENT.to_owned(),
        title: None,
        description: Some(PROMPT_DESCRIPTION.to_owned()),
        required: false,
    });
    listed
}

/// A resource as it is listed for callers who name its state.
pub(crate) fn of_resource(definition: &resource::Definition) -> resource::Definition {
    let mut shown = definition.clone();
    let own = shown
        .description
        .take()
        .map(|text| format!("{text} "))
        .unwrap_or_default();
    shown.description = Some(format!(
        "{own}Read it with {QUERY}<session> behind the URI, as a tool named the session."
    ));
    shown
}

/// The arguments without this one.
pub(crate) fn without(arguments: &RawValue) -> Option<Box<RawValue>> {
    let fields = Fields::parse(arguments.get()).ok()?;
    let rest = fields.iter().filter(|(name, _)| *name != STATE_ARGUMENT);
    RawValue::from_string(object_json(rest.map(|(name, value)| (name, value.get())))).ok()
}

/// Sentence by which an answer names the state that it began.
pub(crate) fn told(state: &BegunState) -> String {
    format!(
        "This began a session. To go on with it, pass {STATE_ARGUMENT} = {:?}",
        state.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_of_a_uri_is_its_last_query_parameter() {
        assert_eq!(split("mcp://a"), ("mcp://a", None));
        assert_eq!(split("mcp://a?session=x"), ("mcp://a", Some("x")));
        assert_eq!(split(&join("mcp://a?b=c", "x")), ("mcp://a?b=c", Some("x")));
    }

    #[test]
    fn the_session_argument_is_removed_and_others_stay_unchanged() {
        let arguments =
            RawValue::from_string(r#"{"a": 1.50, "session":"x","b":"\u00e9"}"#.to_owned()).unwrap();
        assert_eq!(
            without(&arguments).unwrap().get(),
            r#"{"a":1.50,"b":"\u00e9"}"#
        );
    }
}

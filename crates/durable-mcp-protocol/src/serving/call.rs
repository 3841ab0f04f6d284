//! A client's request, resolved: its method, and the tool, prompt or resource that it names.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::caller::Caller;
use crate::extract::Signature;
use crate::header_params::HeaderParam;
use crate::jsonrpc::Request;
use crate::method::Method;
use crate::own_method::OwnMethod;
use crate::prompt::Prompt;
use crate::resource::{Resource, ResourceTemplate};
use crate::server::Server;
use crate::state_argument::{self, StateOf};
use crate::state_name::STATE_ARGUMENT;
use crate::task::TaskSupport;
use crate::tool::Tool;
use crate::version::ProtocolVersion;

/// A request with its method and its target, which [`Server::resolve`] looks up once for everything that follows.
#[derive(Debug)]
pub struct Call {
    /// The request.
    pub request: Request,
    /// The method; `None` if no server has it.
    pub method: Option<Method>,
    /// The name or URI of the target, as the request has it.
    pub target_name: Option<String>,
    pub(crate) target: Option<Target>,
    /// The target of a URI with the name of a state behind it.
    pub(crate) in_state: Option<InState>,
}

/// The part of a server that a request names.
#[derive(Debug)]
pub(crate) enum Target {
    /// A tool, by its name.
    Tool(Rc<Tool>),
    /// A prompt, by its name.
    Prompt(Rc<Prompt>),
    /// A resource, by its URI.
    Resource(Rc<Resource>),
    /// A resource template, and the variables' values in the URI.
    Template(Rc<ResourceTemplate>, BTreeMap<String, String>),
    /// A method of one's own, by its name.
    Own(Rc<OwnMethod>),
}

/// A resource of which one state is asked for.
#[derive(Debug)]
pub(crate) struct InState {
    pub(crate) target: Target,
    /// The resource's own URI.
    pub(crate) uri: String,
    /// The name of the state.
    state: String,
}

impl Target {
    pub(crate) fn signature(&self) -> &Signature {
        match self {
            Self::Tool(tool) => &tool.signature,
            Self::Prompt(prompt) => &prompt.signature,
            Self::Resource(resource) => &resource.signature,
            Self::Template(template, _) => &template.signature,
            Self::Own(own) => &own.signature,
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Tool(tool) => Some(&tool.definition.name),
            Self::Prompt(prompt) => Some(&prompt.definition.name),
            Self::Resource(resource) => resource.definition.uri.as_deref(),
            Self::Template(..) | Self::Own(_) => None,
        }
    }
}

impl Server {
    /// Looks up the method of a request, and the tool, prompt or resource that it names.
    #[must_use]
    pub fn resolve(&self, request: Request) -> Call {
        let own = || self.own_method(&request.method).map(|_| Method::Own);
        let method = Method::parse(&request.method).or_else(own);
        let target_name = method
            .and_then(Method::target_parameter)
            .and_then(|parameter| request.params.fields().text(parameter).ok());
        let (target, in_state) = match (method, target_name.as_deref()) {
            (Some(Method::CallTool), Some(name)) => {
                (self.tool_named(name).cloned().map(Target::Tool), None)
            }
            (Some(Method::GetPrompt), Some(name)) => {
                (self.prompt_named(name).cloned().map(Target::Prompt), None)
            }
            (Some(Method::ReadResource), Some(uri)) => {
                (self.resource_at(uri), self.resource_in_state(uri))
            }
            (Some(Method::Own), _) => {
                let own = self.own_method(&request.method).cloned();
                (own.map(Target::Own), None)
            }
            _ => (None, None),
        };
        Call {
            request,
            method,
            target_name,
            target,
            in_state,
        }
    }

    /// The resource of that URI, or the first template that it fits.
    pub(crate) fn resource_at(&self, uri: &str) -> Option<Target> {
        let plain = self
            .resources
            .iter()
            .find(|resource| resource.definition.uri.as_deref() == Some(uri));
        if let Some(resource) = plain {
            return Some(Target::Resource(Rc::clone(resource)));
        }
        // The schema of a template, by which it may have a problem, is not made before the template is used.
        self.templates.iter().find_map(|template| {
            let values = template.template.as_ref().ok()?.matches(uri)?;
            let is_served = template.shape.problem().is_none();
            is_served.then(|| Target::Template(Rc::clone(template), values))
        })
    }

    /// The resource of a URI with the name of a state behind it, if its handler keeps state.
    fn resource_in_state(&self, uri: &str) -> Option<InState> {
        let (own, Some(state)) = state_argument::split(uri) else {
            return None;
        };
        let target = self.resource_at(own)?;
        target.signature().needs_session.then(|| InState {
            target,
            uri: own.to_owned(),
            state: state.to_owned(),
        })
    }

    /// True if the server answers requests of that method from clients of that version.
    pub(crate) fn serves(&self, method: Method, version: ProtocolVersion) -> bool {
        match method {
            Method::Discover => version.is_stateless(),
            Method::Ping => !version.is_stateless(),
            Method::ListTools | Method::CallTool => self.has_tools(),
            Method::ListResources | Method::ListResourceTemplates | Method::ReadResource => {
                self.has_resources()
            }
            Method::ListPrompts | Method::GetPrompt => self.has_prompts(),
            Method::Complete => self.completes(),
            Method::Subscribe | Method::Unsubscribe => !version.is_stateless() && self.subscribes(),
            Method::SetLogLevel => !version.is_stateless() && self.logs(),
            Method::Own => true,
            // Answered by the transport, which has what they are about.
            Method::Listen | Method::GetTask | Method::UpdateTask | Method::CancelTask => false,
        }
    }
}

impl Call {
    /// The name of the tool or prompt, or the URI of the resource, if this server has it: the log does not show what a client
    /// makes up.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.target().and_then(Target::name)
    }

    /// True if the handler finishes by itself when the client cancels the request.
    #[must_use]
    pub fn heeds_cancellation(&self) -> bool {
        self.target()
            .is_some_and(|target| target.signature().heeds_cancellation)
    }

    /// The scopes that the request needs, all of them, if its caller lacks one.
    #[must_use]
    pub fn missing_scopes(&self, caller: &Caller) -> Option<&[String]> {
        let scopes = match &self.target {
            Some(Target::Tool(tool)) if tool.exists_for(caller) => &tool.scopes,
            Some(Target::Own(own)) => &own.scopes,
            _ => return None,
        };
        (!caller.has_scopes(scopes)).then_some(scopes)
    }

    /// The tool, if the call can be a task of the caller's.
    #[must_use]
    pub fn task_tool(&self, caller: &Caller) -> Option<&Tool> {
        self.tool()
            .filter(|tool| tool.is_visible_to(caller) && tool.task != TaskSupport::Forbidden)
    }

    /// True if a call that was cut off may run again: its tool is read-only or idempotent.
    pub fn may_run_again(&self) -> bool {
        self.tool().is_some_and(Tool::may_run_again)
    }

    /// The arguments that the client repeats in headers.
    pub(crate) fn header_params(&self) -> &[HeaderParam] {
        self.tool().map(Tool::header_params).unwrap_or_default()
    }

    /// The state that the request is about.
    #[must_use]
    pub fn state(&self) -> StateOf {
        if let Some(InState { state, .. }) = &self.in_state {
            return StateOf::Caller(Some(state.clone()));
        }
        match &self.target {
            Some(target) if !target.signature().needs_session => StateOf::Nobody,
            Some(Target::Tool(_) | Target::Prompt(_)) => StateOf::Caller(self.state_argument()),
            Some(Target::Resource(_) | Target::Template(..)) => StateOf::Caller(None),
            Some(Target::Own(_)) | None => StateOf::Nobody,
        }
    }

    /// The value of the argument that names a state. A value that is no text names no state; it does not begin one.
    fn state_argument(&self) -> Option<String> {
        let arguments = self.request.params.fields().object("arguments").ok()?;
        arguments
            .optional_text(STATE_ARGUMENT)
            .unwrap_or_else(|_| Some(String::new()))
    }

    fn target(&self) -> Option<&Target> {
        self.target
            .as_ref()
            .or_else(|| self.in_state.as_ref().map(|named| &named.target))
    }

    fn tool(&self) -> Option<&Tool> {
        match &self.target {
            Some(Target::Tool(tool)) => Some(tool),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};
    use serde::Deserialize;

    use super::*;
    use crate::extract::Args;
    use crate::jsonrpc::{self, Body, Message};

    /// Arguments whose schema cannot be made.
    #[derive(Deserialize)]
    struct Unmakeable {}

    impl JsonSchema for Unmakeable {
        fn schema_name() -> Cow<'static, str> {
            "Unmakeable".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            panic!("the schema is made");
        }
    }

    fn read(uri: &str) -> Request {
        let json = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#
        );
        match jsonrpc::parse(&json) {
            Ok(Body::Single(Message::Request(request))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_schema_is_made_of_a_template_that_does_not_fit() {
        let server = Server::new("s", "1")
            .resource_template("a", "a://{id}", async |_: Args<Unmakeable>| "")
            .resource_template("b", "b://{id}", async || "");
        let target = server.resolve(read("b://1")).target;
        assert!(matches!(target, Some(Target::Template(..))), "{target:?}");
        assert!(server.resolve(read("c://1")).target.is_none());
    }
}

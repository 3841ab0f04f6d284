//! Telling the client of changes.

use crate::change::Change;
use crate::context::Context;
use crate::extract::{Extract, Rejection, Signature};
use crate::jsonrpc::to_json;
use crate::peer::About;

/// Tells clients that a list or a resource changed: every client that listens, wherever it is connected. A resource whose
/// handler takes a `Session` of `durable-mcp` is the exception. It shows somebody's state, so only those hear of
/// it who share that: the session, or the user.
///
/// Clients listen by the GET stream of a session, or by `subscriptions/listen`. Outside of a call,
/// `Listeners` of `durable-mcp` does the same.
///
/// A server with a handler that takes `Notify` declares `listChanged` for what it has, and `resources.subscribe`.
#[derive(Debug)]
pub struct Notify(Context);

impl Notify {
    /// The list of tools changed.
    pub fn tools_changed(&self) {
        self.0.peer().announce(&Change::Tools);
    }

    /// The list of prompts changed.
    pub fn prompts_changed(&self) {
        self.0.peer().announce(&Change::Prompts);
    }

    /// The list of resources changed.
    pub fn resources_changed(&self) {
        self.0.peer().announce(&Change::Resources);
    }

    /// The resource at `uri` changed. Only clients that subscribed to it are told.
    pub fn resource_updated(&self, uri: &str) {
        self.0.peer().announce(&Change::Resource(uri.to_owned()));
    }

    /// The user is through with the page that [`Client::elicit_url`](crate::client::Client::elicit_url) sent them to under
    /// `id`. Clients without a session learn it by calling again, and are not told.
    pub fn elicitation_complete(&self, id: &str) {
        if !self.0.client().version.is_stateless() {
            let params = format!(r#"{{"elicitationId":{}}}"#, to_json(&id));
            self.0
                .peer()
                .notify(About::Session, "notifications/elicitation/complete", params);
        }
    }
}

impl Extract for Notify {
    fn describe(signature: &mut Signature) {
        signature.announces = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        Ok(Self(context.clone()))
    }
}

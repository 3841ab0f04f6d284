//! Telling the client of changes.

use super::context::Context;
use super::extract::{Extract, Rejection, Signature};
use super::jsonrpc::to_json;
use super::peer::About;

/// Tells the client that a list or a resource changed. It goes out on the session's GET stream.
///
/// A server with a handler that takes `Notify` declares `listChanged` for what it has, and `resources.subscribe`.
#[derive(Debug)]
pub struct Notify(Context);

impl Notify {
    /// The list of tools changed.
    pub fn tools_changed(&self) {
        self.send("notifications/tools/list_changed", "{}".to_owned());
    }

    /// The list of prompts changed.
    pub fn prompts_changed(&self) {
        self.send("notifications/prompts/list_changed", "{}".to_owned());
    }

    /// The list of resources changed.
    pub fn resources_changed(&self) {
        self.send("notifications/resources/list_changed", "{}".to_owned());
    }

    /// The resource at `uri` changed. Only a client that subscribed to it is told.
    pub fn resource_updated(&self, uri: &str) {
        if self.0.peer().is_subscribed(uri) {
            self.send("notifications/resources/updated", format!(r#"{{"uri":{}}}"#, to_json(&uri)));
        }
    }

    /// The user is through with the page that [`Client::elicit_url`](super::client::Client::elicit_url) sent them to under `id`.
    pub fn elicitation_complete(&self, id: &str) {
        self.send("notifications/elicitation/complete", format!(r#"{{"elicitationId":{}}}"#, to_json(&id)));
    }

    fn send(&self, method: &'static str, params: String) {
        self.0.peer().notify(About::Session, method, params);
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

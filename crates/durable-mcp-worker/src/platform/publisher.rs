//! Publishing of changes to listeners from code outside of a call.

use durable_mcp_protocol::change::Change;
use worker::Env;

use super::hub;
use crate::session::publication::Publication;

/// Tells clients of changes from outside of a call: a cron trigger, a queue's consumer, a webhook.
///
/// The notification reaches every client that listens, wherever it is connected, as one of
/// [`Notify`](durable_mcp_protocol::notify::Notify) that is for everybody does.
///
/// ```ignore
/// async fn hourly(env: worker::Env) -> Result<(), worker::Error> {
///     Listeners::new(&env).resource_updated("weather://today").await
/// }
/// # let _ = App::new(Server::new("s", "1")).on_schedule(hourly);
/// ```
#[derive(Debug, Clone)]
pub struct Listeners(Env);

impl Listeners {
    /// The listeners of the deployment that has these bindings.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        Self(env.clone())
    }

    /// The list of tools changed.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub async fn tools_changed(&self) -> worker::Result<()> {
        self.publish(&Change::Tools).await
    }

    /// The list of prompts changed.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub async fn prompts_changed(&self) -> worker::Result<()> {
        self.publish(&Change::Prompts).await
    }

    /// The list of resources changed.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub async fn resources_changed(&self) -> worker::Result<()> {
        self.publish(&Change::Resources).await
    }

    /// The resource at `uri` changed. Clients that subscribed to it are told.
    ///
    /// # Errors
    /// When the hub cannot be reached.
    pub async fn resource_updated(&self, uri: &str) -> worker::Result<()> {
        self.publish(&Change::Resource(uri.to_owned())).await
    }

    async fn publish(&self, change: &Change) -> worker::Result<()> {
        hub::publish(&self.0, &Publication::of(change)).await
    }
}

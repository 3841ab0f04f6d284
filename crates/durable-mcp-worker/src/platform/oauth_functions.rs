//! A provider's needs of the runtime. Only [`App::oauth`] names this module, so it is in the upload only of a server that
//! has a provider.

use std::cell::RefCell;
use std::rc::Rc;

use durable_core::keys::Keys;
use durable_core::runtime::Runtime;
use durable_core::wire::{Head, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::auth_server::{BodyError, OAuthRuntime};
use oauth_server::authority::GrantCommand;
use oauth_server::event::Event;
use oauth_server::metadata_document::Fetch;
use oauth_server::port::Kv;
use oauth_server::provider::OAuth;
use oauth_server::rates::Rates;
use oauth_server::token::UserHandle;
use worker::Env;
use worker::wasm_bindgen::JsValue;

use super::grant_commands::{self, log_event};
use super::grant_host::GrantHost;
use super::web::{NOT_PUBLIC, Web};
use super::worker_runtime::WorkerRuntime;
use super::{remote_holdings, socket_tag};
use crate::http::App;
use crate::http::app::Placement;
use crate::http::provider::UserGrants;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::ObjectId;

type GrantsOf = fn(&JsValue, &Env, &App, &UserHandle) -> Option<Rc<dyn UserGrants>>;

#[derive(Clone, Copy)]
struct OAuthFunctions {
    oauth_runtime: fn(&WorkerRuntime) -> &dyn OAuthRuntime,
    grants: GrantsOf,
    socket_tag_of: for<'a> fn(&'a Env, &'a Head) -> LocalBoxFuture<'a, Option<String>>,
    socket_tag_closed: fn(&Env, &Placement, &str),
    web: fn() -> Option<&'static dyn Fetch>,
    note_task: fn(&WorkerRuntime, &Keys, &Caller, ObjectId, u64),
}

/// Named by [`App::oauth`] alone, so that a module without sign-in has none of the code behind it.
static OAUTH_FUNCTIONS: OAuthFunctions = OAuthFunctions {
    oauth_runtime: |runtime| runtime,
    grants: GrantHost::grants,
    socket_tag_of: |env, head| socket_tag::tag(env, head).boxed_local(),
    socket_tag_closed: socket_tag::closed,
    web: Web::of_strangers,
    note_task: send_task_note,
};

thread_local! {
    /// As long as the isolate.
    static RATES: &'static RefCell<Rates> = Box::leak(Box::default());
}

impl App {
    /// Has users sign in, and clients show their tokens.
    #[must_use]
    pub fn oauth(mut self, oauth: OAuth) -> Self {
        self.oauth_functions = Some(&OAUTH_FUNCTIONS);
        self.with_provider(oauth)
    }
}

/// Functions of an application with sign-in.
fn functions(app: &App) -> Option<&'static OAuthFunctions> {
    app.oauth_functions?.downcast_ref()
}

/// Warning where client metadata documents are asked for and cannot be fetched.
pub(super) fn problem(app: &App) -> Option<&'static str> {
    let reads = app.provider.as_ref()?.reads_documents();
    ((functions(app)?.web)().is_none() && reads).then_some(NOT_PUBLIC)
}

/// Has a task noted with the grant that it was begun by, until it expires, in milliseconds since 1970.
pub(super) fn note_task(
    runtime: &WorkerRuntime,
    keys: &Keys,
    caller: &Caller,
    object: ObjectId,
    expires: u64,
) {
    if let Some(functions) = functions(&runtime.app) {
        (functions.note_task)(runtime, keys, caller, object, expires);
    }
}

fn send_task_note(
    runtime: &WorkerRuntime,
    keys: &Keys,
    caller: &Caller,
    object: ObjectId,
    expires: u64,
) {
    let (Some(subject), Some(grant)) = (&caller.subject, &caller.grant) else {
        return;
    };
    let command = GrantCommand::NoteTask {
        grant: grant.clone(),
        key: object.to_hex(),
        expires,
    };
    match serde_json::to_string(&command) {
        Ok(json) => runtime.command_later(&UserHandle::of(keys, subject), json),
        Err(error) => runtime.warn(&format!("a task is not noted with its grant: {error}")),
    }
}

/// The provider's surroundings in the Worker.
pub(super) fn oauth_runtime(runtime: &WorkerRuntime) -> Option<&dyn OAuthRuntime> {
    functions(&runtime.app).map(|functions| (functions.oauth_runtime)(runtime))
}

/// The grants of a user, for the object that holds them; `None` on a server without sign-in.
pub(super) fn grants(
    state: &JsValue,
    env: &Env,
    app: &App,
    handle: &UserHandle,
) -> Option<Rc<dyn UserGrants>> {
    (functions(app)?.grants)(state, env, app, handle)
}

/// The tag of a socket whose session is in its user's list; `None` if it is in no list.
pub(super) async fn socket_tag_of(app: &App, env: &Env, head: &Head) -> Option<String> {
    (functions(app)?.socket_tag_of)(env, head).await
}

/// A socket with such a tag was closed, and with it its session ended.
pub(super) fn socket_tag_closed(app: &App, env: &Env, tag: &str) {
    if let Some(functions) = functions(app) {
        (functions.socket_tag_closed)(env, &app.placement, tag);
    }
}

impl OAuthRuntime for WorkerRuntime {
    fn kv(&self) -> &dyn Kv {
        self
    }

    fn web(&self) -> Option<&dyn Fetch> {
        Web::of_strangers()
    }

    fn rates(&self) -> &RefCell<Rates> {
        RATES.with(|rates| *rates)
    }

    fn command<'a>(
        &'a self,
        handle: &'a UserHandle,
        command: String,
    ) -> LocalBoxFuture<'a, Result<String, RuntimeError>> {
        async move { grant_commands::command(&self.env, &self.app.placement, handle, &command).await }
            .boxed_local()
    }

    fn command_later(&self, handle: &UserHandle, command: String) {
        let told = grant_commands::command_later(
            Some(&self.context),
            &self.env,
            &self.app.placement,
            handle,
            &command,
        );
        if let Err(fault) = told {
            self.warn(&fault.0);
        }
    }

    fn end_session<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        remote_holdings::end_session(&self.env, key).boxed_local()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        async move {
            match self.body.text().await {
                Ok(text) if text.len() <= limit => Ok(text),
                Ok(_) | Err(Refusal::TooLarge) => Err(BodyError::TooLarge),
                Err(_) => Err(BodyError::Unreadable),
            }
        }
        .boxed_local()
    }

    fn event(&self, event: &Event) {
        log_event(event);
    }
}

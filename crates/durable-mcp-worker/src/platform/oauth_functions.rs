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
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::web_sys;

use super::grant_authority::{self, GrantHost};
use super::key_ring;
use super::kv::{fault, settled};
use super::request_runtime::{MCP_OBJECT, MCP_TASK, WorkerRuntime};
use super::socket_tag;
use super::web::{NOT_PUBLIC, Web};
use crate::http::App;
use crate::http::app::Placement;
use crate::http::provider::UserGrants;
use crate::task::command::Command;
use crate::transport::internal_headers::SESSION;
use crate::transport::refusal::Refusal;
use crate::transport::session_id::{ObjectId, SessionClaims};

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
        async move { grant_authority::command(&self.env, &self.app.placement, handle, &command).await }
            .boxed_local()
    }

    fn command_later(&self, handle: &UserHandle, command: String) {
        let told = grant_authority::command_later(
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
        end_session(&self.env, key).boxed_local()
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
        grant_authority::log_event(event);
    }
}

/// Asks a session's object to end, as its client can by `DELETE`. A key that names no session counts as ended.
pub(super) async fn end_session(env: &Env, key: &str) -> Result<(), RuntimeError> {
    let Some(claims) = SessionClaims::of_key(key) else {
        return Ok(());
    };
    let keys = key_ring::keys(env, false).await?;
    let headers = web_sys::Headers::new().map_err(fault)?;
    headers.set(SESSION, &claims.sign(&keys)).map_err(fault)?;
    let init = web_sys::RequestInit::new();
    init.set_method("DELETE");
    init.set_headers(&headers);
    let request =
        web_sys::Request::new_with_str_and_init("https://session/", &init).map_err(fault)?;
    match ask(env, MCP_OBJECT, claims.object, &request).await? {
        // With 404 the session had ended already.
        204 | 404 => Ok(()),
        status => Err(RuntimeError(format!("a session's object answers {status}"))),
    }
}

/// Stops a task and deletes all of its data.
pub(super) async fn end_task(env: &Env, key: &str) -> Result<(), RuntimeError> {
    let Some(object) = ObjectId::from_hex(key) else {
        return Ok(());
    };
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&JsValue::from_str(&Command::End.to_text()));
    let request = web_sys::Request::new_with_str_and_init("https://task/", &init).map_err(fault)?;
    match ask(env, MCP_TASK, object, &request).await? {
        200 => Ok(()),
        status => Err(RuntimeError(format!("a task's object answers {status}"))),
    }
}

/// Status of an object's answer.
async fn ask(
    env: &Env,
    class: &str,
    object: ObjectId,
    request: &web_sys::Request,
) -> Result<u16, RuntimeError> {
    let failed = |error: worker::Error| RuntimeError(error.to_string());
    let namespace = env.durable_object(class).map_err(failed)?;
    let id = namespace.id_from_string(&object.to_hex()).map_err(failed)?;
    let stub = id
        .get_stub()
        .map_err(failed)?
        .into_rpc::<worker::worker_sys::DurableObject>();
    let answer = settled(stub.fetch_with_request(request)).await?;
    Ok(answer.unchecked_into::<web_sys::Response>().status())
}

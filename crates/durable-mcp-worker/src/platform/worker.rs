//! Requests at the Worker, and the application that answers them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use durable_core::wire::Reply;
use durable_mcp_protocol::pattern::compile_with;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use sign_in::{DynIdentityProvider, IdentityError, IdentityProvider, settings};
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen::{JsError, JsValue};
use worker::worker_sys::web_sys;
use worker::{Delay, Env};

use super::body::answered;
use super::promise::{pass_on, prefer_promises, promised};
use super::upstream::PublicWeb;
use super::variables::variable;
use super::worker_runtime::WorkerRuntime;
use super::{convert, oauth_functions, pattern, placement, relay};
use crate::http::sign_in::IdentitySignIn;
use crate::http::{App, router};
use crate::session::host::CallRuntime;

thread_local! {
    static SERVER_IS_CHECKED: Cell<bool> = const { Cell::new(false) };
}

/// Answers a request to the Worker.
///
/// A request that goes to a session's object is decided without waiting for anything, so the object's own promise is
/// given, and no task is made for it.
pub fn fetch(request: web_sys::Request, env: Env, context: JsValue, app: &Rc<App>) -> Promise {
    let app = Rc::clone(app);
    let head = convert::read_head(&request);
    let runtime = WorkerRuntime::new(
        request,
        env,
        context,
        Rc::clone(&app),
        head.declared_length(),
    );
    let body = Rc::clone(&runtime.body);
    let work = async move {
        let reply = router::handle(&app, &head, &runtime).await;
        if !SERVER_IS_CHECKED.replace(true) {
            runtime.spawn(check_server(Rc::clone(&app)).boxed_local());
        }
        answer(reply)
    };
    answered(&body, work.boxed_local())
}

type OnSchedule = Box<dyn Fn(Env) -> LocalBoxFuture<'static, worker::Result<()>>>;

impl App {
    /// Runs `handler` at the times that the cron triggers of `wrangler.toml` set: to look for what changed, and tell
    /// [`Listeners`](super::Listeners) of it, for one.
    #[must_use]
    pub fn on_schedule<F: Future<Output = worker::Result<()>> + 'static>(
        mut self,
        handler: impl Fn(Env) -> F + 'static,
    ) -> Self {
        let handler: OnSchedule = Box::new(move |env| handler(env).boxed_local());
        self.on_schedule = Some(Rc::new(handler));
        self
    }
}

/// The time that `wrangler.toml` sets: collects what storage cannot expire by itself, then does what the application has
/// to do.
pub fn scheduled(env: Env, context: JsValue, app: &Rc<App>) -> Promise {
    let app = Rc::clone(app);
    promised(Box::pin(async move {
        let on_schedule = app.on_schedule.as_ref();
        let on_schedule = on_schedule.and_then(|handler| handler.downcast_ref::<OnSchedule>());
        let on_schedule = on_schedule.map(|handler| handler(env.clone()));
        if let Some(provider) = &app.provider {
            let request = web_sys::Request::new_with_str("https://scheduled/")?;
            let runtime = WorkerRuntime::new(request, env, context, Rc::clone(&app), None);
            provider
                .purge(&runtime)
                .await
                .map_err(|fault| JsError::new(&fault.0))?;
        }
        if let Some(handled) = on_schedule {
            handled.await?;
        }
        Ok(JsValue::UNDEFINED)
    }))
}

/// The runtime's answer, or the promise of one that an object has yet to give.
fn answer(reply: Reply) -> Result<JsValue, JsValue> {
    match convert::take_pending(reply) {
        Ok(promise) => Ok(pass_on(&promise)),
        Err(reply) => Ok(convert::response(reply)?.into()),
    }
}

/// Sign-in with the identity provider that the variable `IDENTITY_PROVIDER` names; none where it names none.
#[must_use]
pub fn identity(env: &Env) -> Option<IdentitySignIn> {
    let provider = settings::provider(&|name| variable(env, name)).transpose()?;
    Some(IdentitySignIn::over(provider, Rc::new(PublicWeb)))
}

impl IdentitySignIn {
    /// Sign-in with a provider of one's own.
    #[must_use]
    pub fn new(provider: impl IdentityProvider + 'static) -> Self {
        Self::try_new(Ok(provider))
    }

    /// Sign-in with a provider that was set up from variables. With an error nobody signs in, and the pages, the log and `/` say
    /// what is missing.
    #[must_use]
    pub fn try_new(provider: Result<impl IdentityProvider + 'static, IdentityError>) -> Self {
        let provider = provider.map(|provider| Rc::new(provider) as Rc<dyn DynIdentityProvider>);
        Self::over(provider, Rc::new(PublicWeb))
    }
}

/// Prepares the runtime for an application that is about to be built, which compiles its patterns.
pub fn prepare() {
    std::panic::set_hook(Box::new(|panic| {
        console_error_panic_hook::hook(panic);
        // Repeated below the stack, which is some hundred lines long: place and message are what is looked for.
        worker::console_error!("{panic}");
    }));
    compile_with(pattern::compile);
}

/// Tells operators of the server's problems, and of the reasons for which a directory would refuse it. Both need every
/// schema, so the first answer of an isolate goes out before.
async fn check_server(app: Rc<App>) {
    Delay::from(Duration::ZERO).await;
    app.server
        .problems()
        .iter()
        .for_each(|problem| worker::console_error!("{problem}"));
    let advice = app.server.advice();
    if !advice.is_empty() {
        let reasons = advice.join("; ");
        worker::console_log!("Directories would refuse this server: {reasons}.");
    }
}

/// Makes an application ready: takes the deployment's variables, and tells operators what is wrong with them.
#[must_use]
pub fn start(app: App, env: &Env) -> Rc<App> {
    prefer_promises();
    let has = |name: &str| {
        Reflect::get(env.as_ref(), &name.into()).is_ok_and(|binding| !binding.is_falsy())
    };
    let app = app
        .with_variables(&|name| variable(env, name))
        .with_bindings(&has);
    let app = if relay::is_strictly_public() {
        app
    } else {
        app.without_relay()
    };
    placement::set(&app.placement);
    app.problems()
        .iter()
        .for_each(|problem| worker::console_error!("{problem}"));
    if let Some(problem) = oauth_functions::problem(&app) {
        worker::console_error!("{problem}");
    }
    Rc::new(app)
}

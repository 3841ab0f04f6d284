//! What a provider needs of the runtime. Nothing but [`App::oauth`] names it, so it is in the upload only of a server
//! that has one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::Env;
use worker::wasm_bindgen::JsValue;

use super::edge::{WorkerEdge, read_text};
use super::grant_authority::{self, GrantHost};
use super::random::SystemRandom;
use super::web::Web;
use crate::http::App;
use crate::http::provider::{Grants, Provider};
use crate::oauth::event::Event;
use crate::oauth::metadata_document::Fetch;
use crate::oauth::port::{Kv, Random};
use crate::oauth::provider::OAuth;
use crate::oauth::rates::Rates;
use crate::oauth::site::{BodyError, Surroundings};
use crate::oauth::token::Handle;
use crate::transport::refusal::Refusal;
use crate::wire::Fault;

type SurroundingsOf = fn(&WorkerEdge) -> &dyn Surroundings;
type GrantsOf = fn(JsValue, Env, &Rc<dyn Provider>) -> Rc<dyn Grants>;

thread_local! {
    static LINKED: Cell<Option<(SurroundingsOf, GrantsOf)>> = const { Cell::new(None) };

    /// As long as the isolate.
    static RATES: &'static RefCell<Rates> = Box::leak(Box::default());
}

impl App {
    /// Has users sign in, and clients show their tokens.
    #[must_use]
    pub fn oauth(self, oauth: OAuth) -> Self {
        LINKED.set(Some((|edge| edge, GrantHost::grants)));
        self.with_provider(oauth)
    }
}

/// What the provider needs at the Worker.
pub(super) fn surroundings(edge: &WorkerEdge) -> Option<&dyn Surroundings> {
    LINKED.get().map(|(surroundings, _)| surroundings(edge))
}

/// The grants of the user whose object has just woken.
pub(super) fn grants(state: JsValue, env: Env, provider: &Rc<dyn Provider>) -> Option<Rc<dyn Grants>> {
    LINKED.get().map(|(_, grants)| grants(state, env, provider))
}

impl Surroundings for WorkerEdge {
    fn random(&self) -> &dyn Random {
        &SystemRandom
    }

    fn kv(&self) -> &dyn Kv {
        &self.env
    }

    fn web(&self) -> &dyn Fetch {
        &Web
    }

    fn rates(&self) -> &RefCell<Rates> {
        RATES.with(|rates| *rates)
    }

    fn command<'a>(&'a self, handle: &'a Handle, command: String) -> LocalBoxFuture<'a, Result<String, Fault>> {
        async move { grant_authority::command(&self.env, &self.placement, handle, &command).await }.boxed_local()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<String, BodyError>> {
        async move {
            match read_text(&self.request).await {
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

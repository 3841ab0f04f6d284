//! The runtime around one user's grants.

use std::rc::Rc;
use std::time::Duration;

use durable_core::wire::RuntimeError;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use oauth_server::authority::AuthorityHost;
use oauth_server::event::Event;
use oauth_server::grant::RemoteHolding;
use oauth_server::grant_store::GrantStore;
use oauth_server::port::Kv;
use oauth_server::token::UserHandle;
use worker::wasm_bindgen::JsValue;
use worker::{Delay, Env};

use super::grant_commands::log_event;
use super::grant_rows::SqlGrantStore;
use super::has_env::{HasEnv, runtime_of_env};
use super::{hub, remote_holdings};
use crate::http::App;
use crate::http::provider::{Provider, UserGrants};

/// The runtime around one user's grants.
pub(super) struct GrantHost {
    env: Env,
    rows: SqlGrantStore,
    handle: UserHandle,
    provider: Rc<dyn Provider>,
}

impl GrantHost {
    /// The grants of a user.
    pub(super) fn grants(
        state: &JsValue,
        env: &Env,
        app: &App,
        handle: &UserHandle,
    ) -> Option<Rc<dyn UserGrants>> {
        let provider = app.provider.as_ref()?;
        let rows = SqlGrantStore::new(state.clone(), handle);
        let host = Self {
            env: env.clone(),
            rows,
            handle: handle.clone(),
            provider: Rc::clone(provider),
        };
        Some(provider.grants(app.protected(), Rc::new(host)))
    }
}

impl HasEnv for GrantHost {
    fn env(&self) -> &Env {
        &self.env
    }
}

impl AuthorityHost for GrantHost {
    fn kv(&self) -> &dyn Kv {
        self
    }

    fn store(&self) -> &dyn GrantStore {
        &self.rows
    }

    fn user(&self) -> &UserHandle {
        &self.handle
    }

    fn end<'a>(
        &'a self,
        remote: RemoteHolding<'a>,
    ) -> LocalBoxFuture<'a, Result<(), RuntimeError>> {
        async move {
            match remote {
                RemoteHolding::Session(key) => remote_holdings::end_session(&self.env, key).await,
                RemoteHolding::Task(key) => remote_holdings::end_task(&self.env, key).await,
                RemoteHolding::Listeners { grant, until } => {
                    hub::end_grant(&self.env, grant, until).await
                }
            }
        }
        .boxed_local()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        Delay::from(Duration::from_millis(milliseconds.into())).boxed_local()
    }

    fn event(&self, event: &Event) {
        log_event(event);
        self.provider.report(event);
    }
}

runtime_of_env!(GrantHost);

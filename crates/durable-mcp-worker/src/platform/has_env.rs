//! The part of the runtime that is the same in the Worker and in each object.

use std::rc::Rc;
use std::time::Duration;

use durable_core::keys::{KeyId, Keys};
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;
use durable_mcp_protocol::context::Extensions;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::{Delay, Env, State};

use super::grant_authority::GrantHost;
use super::host::ObjectHost;
use super::hub::{self, HubObjectHost};
use super::key_ring;
use super::random::SystemRandom;
use super::request_runtime::WorkerRuntime;
use super::task::TaskObjectHost;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::session::publication::Publication;

/// A holder of the Worker's bindings.
pub(super) trait HasEnv {
    fn env(&self) -> &Env;
}

// By a macro, since a foreign trait cannot be implemented for every holder at once.
macro_rules! runtime_of_env {
    ($($holder:ty),* $(,)?) => {
        $(impl Runtime for $holder {
            fn now(&self) -> u64 {
                super::request_runtime::now()
            }

            fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, RuntimeError>> {
                key_ring::keys(self.env(), fresh).boxed_local()
            }

            fn awaits_key(&self, id: KeyId) -> bool {
                key_ring::awaits(self.env(), id)
            }

            fn random(&self) -> &dyn Random {
                &SystemRandom
            }

            fn warn(&self, message: &str) {
                worker::console_error!("{message}");
            }
        })*
    };
}

runtime_of_env!(
    GrantHost,
    HubObjectHost,
    ObjectHost,
    TaskObjectHost,
    WorkerRuntime,
);

/// A host of calls in an object.
pub(super) trait InObject: HasEnv + Runtime {
    fn state(&self) -> &State;

    /// Values for extractors.
    fn extend(&self, extensions: &mut Extensions);
}

impl<T: InObject> CallRuntime for T {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.state().wait_until(task);
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        Delay::from(Duration::from_millis(milliseconds.into())).boxed_local()
    }

    fn extend(&self, extensions: &mut Extensions) {
        InObject::extend(self, extensions);
    }

    fn publish(&self, publication: Publication) {
        hub::publish_later(None, self.env(), &publication);
    }

    fn log(&self, line: &LogLine) {
        worker::console_log!("{}", line.to_json());
    }
}

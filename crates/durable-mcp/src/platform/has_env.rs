//! The part of the runtime that is the same in the Worker and in each object.

use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::{Delay, Env, State};

use super::hub;
use super::key_ring;
use super::random::SystemRandom;
use crate::keys::{KeyId, Keys};
use crate::mcp::context::Extensions;
use crate::runtime::{Random, Runtime};
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::session::notice::Notice;
use crate::wire::RuntimeError;

/// A holder of the Worker's bindings.
pub(super) trait HasEnv {
    fn env(&self) -> &Env;
}

impl<T: HasEnv> Runtime for T {
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
}

/// A host of calls in an object.
pub(super) trait InObject: HasEnv {
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

    fn publish(&self, notice: Notice) {
        hub::publish_later(None, self.env(), &notice);
    }

    fn log(&self, line: &LogLine) {
        worker::console_log!("{}", line.to_json());
    }
}

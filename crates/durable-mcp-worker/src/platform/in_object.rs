//! The part of the runtime that is the same in each object that runs calls.

use std::time::Duration;

use durable_core::runtime::Runtime;
use durable_mcp_protocol::context::Extensions;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::{Delay, State};

use super::has_env::HasEnv;
use super::hub;
use crate::session::host::CallRuntime;
use crate::session::log_line::LogLine;
use crate::session::publication::Publication;

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

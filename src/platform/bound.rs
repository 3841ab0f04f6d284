//! The part of the runtime that is the same in the Worker and in each object.

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use worker::Env;

use super::key_ring;
use super::random::SystemRandom;
use crate::keys::Keys;
use crate::runtime::{Random, Runtime};
use crate::wire::Fault;

/// What has the Worker's bindings.
pub(super) trait Bound {
    fn env(&self) -> &Env;
}

impl<T: Bound> Runtime for T {
    fn now(&self) -> u64 {
        super::edge::now()
    }

    fn keys(&self, fresh: bool) -> LocalBoxFuture<'_, Result<Rc<Keys>, Fault>> {
        key_ring::keys(self.env(), fresh).boxed_local()
    }

    fn random(&self) -> &dyn Random {
        &SystemRandom
    }

    fn warn(&self, message: &str) {
        worker::console_error!("{message}");
    }
}

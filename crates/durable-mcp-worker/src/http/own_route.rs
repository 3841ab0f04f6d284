//! A route of the user's own.

use std::any::Any;
use std::rc::Rc;

/// A path and its handler, which only the runtime knows how to call: see [`RequestRuntime::own_route`](super::request_runtime::RequestRuntime::own_route).
#[derive(Clone)]
pub(super) struct OwnRoute {
    pub(super) path: String,
    pub(super) handler: Rc<dyn Any>,
}

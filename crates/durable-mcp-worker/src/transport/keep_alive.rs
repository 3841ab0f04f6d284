//! Comments on event streams that are quiet for long, so that no proxy closes them.

use std::rc::Rc;

use futures_util::future::{Either, select};
use futures_util::stream::{LocalBoxStream, unfold};
use futures_util::{Stream, StreamExt};

use super::sse::{KEEP_ALIVE, KEEP_ALIVE_MS};
use crate::session::host::CallRuntime;

/// The body with a comment wherever it is quiet for long.
pub(super) fn kept_alive(
    body: impl Stream<Item = String> + Unpin + 'static,
    runtime: Rc<dyn CallRuntime>,
) -> LocalBoxStream<'static, String> {
    unfold((body, runtime), |(mut body, runtime)| async move {
        let frame = match select(body.next(), runtime.sleep(KEEP_ALIVE_MS)).await {
            Either::Left((frame, _)) => frame?,
            Either::Right(_) => KEEP_ALIVE.to_owned(),
        };
        Some((frame, (body, runtime)))
    })
    .boxed_local()
}

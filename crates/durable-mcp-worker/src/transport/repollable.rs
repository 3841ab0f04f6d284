//! Futures that are polled by one task first and by another one later.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::future::{FutureExt, LocalBoxFuture, ready};
use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::task::AtomicWaker;

/// The same work, which may be polled by one task first and by another one later.
///
/// A timer of the runtime's remembers the waker of its first poll alone. Here it gets a waker that stays, and that wakes
/// whichever task polls now.
#[must_use]
pub fn repollable<T: 'static>(work: LocalBoxFuture<'static, T>) -> LocalBoxFuture<'static, T> {
    let task = Arc::new(LastTask(AtomicWaker::new()));
    Repollable {
        work,
        waker: Arc::clone(&task).into(),
        task,
    }
    .boxed_local()
}

/// The calls as one piece of such work.
pub(super) fn all_repollable(
    mut calls: Vec<LocalBoxFuture<'static, ()>>,
) -> LocalBoxFuture<'static, ()> {
    match calls.pop() {
        // Most have one, for which a queue would be made in vain.
        Some(call) if calls.is_empty() => repollable(call),
        last => {
            let calls: FuturesUnordered<_> = calls.into_iter().chain(last).collect();
            calls.for_each(|()| ready(())).boxed_local()
        }
    }
}

struct Repollable<T> {
    work: LocalBoxFuture<'static, T>,
    task: Arc<LastTask>,
    waker: Waker,
}

impl<T> Future for Repollable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let own = &mut *self;
        own.task.0.register(context.waker());
        own.work.as_mut().poll(&mut Context::from_waker(&own.waker))
    }
}

/// The task that polled last.
struct LastTask(AtomicWaker);

impl Wake for LastTask {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_channel::oneshot;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Work whose timer knows the waker of its first poll alone.
    fn waiting(count: usize) -> (Vec<oneshot::Sender<()>>, LocalBoxFuture<'static, ()>) {
        let (timers, calls): (Vec<_>, Vec<_>) = (0..count)
            .map(|_| {
                let (timer, rings) = oneshot::channel::<()>();
                let mut rings = Some(rings);
                let mut polled = false;
                let call = std::future::poll_fn(move |context| {
                    if !std::mem::replace(&mut polled, true) {
                        return rings.as_mut().unwrap().poll_unpin(context).map(drop);
                    }
                    // Looks, and leaves no waker.
                    rings
                        .as_mut()
                        .unwrap()
                        .try_recv()
                        .map_or(Poll::Ready(()), |rung| match rung {
                            Some(()) => Poll::Ready(()),
                            None => Poll::Pending,
                        })
                });
                (timer, call.boxed_local())
            })
            .unzip();
        (timers, all_repollable(calls))
    }

    #[test]
    fn the_task_that_polled_last_is_woken() {
        for count in [1, 3] {
            let (timers, mut work) = waiting(count);
            let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
            for task in [&first, &second] {
                assert!(
                    work.poll_unpin(&mut Context::from_waker(&Arc::clone(task).into()))
                        .is_pending()
                );
            }
            // A queue wakes its own task once it has polled all there is.
            for task in [&first, &second] {
                task.0.store(0, Ordering::Relaxed);
            }
            for timer in timers {
                timer.send(()).unwrap();
            }
            assert_eq!(first.0.load(Ordering::Relaxed), 0, "of {count}");
            assert!(second.0.load(Ordering::Relaxed) > 0, "of {count}");
            assert!(
                work.poll_unpin(&mut Context::from_waker(&second.into()))
                    .is_ready()
            );
        }
    }
}

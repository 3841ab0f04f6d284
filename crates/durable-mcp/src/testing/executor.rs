//! A small executor, so that a test needs none of its own.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

/// Runs a future to its end on this thread, which sleeps while the future waits.
///
/// ```
/// use durable_mcp::testing::block_on;
///
/// async fn double(number: i32) -> i32 {
///     number * 2
/// }
/// assert_eq!(block_on(double(21)), 42);
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Tasks of one thread, which run when they are told to.
#[derive(Default)]
pub(super) struct Pool {
    spawned: Spawner,
    running: FuturesUnordered<LocalBoxFuture<'static, ()>>,
}

/// The way to a pool while it runs.
#[derive(Clone, Default)]
pub(super) struct Spawner(Rc<RefCell<Vec<LocalBoxFuture<'static, ()>>>>);

impl Spawner {
    pub(super) fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.0.borrow_mut().push(task);
    }
}

impl Pool {
    pub(super) fn spawner(&self) -> Spawner {
        self.spawned.clone()
    }

    /// Runs every task until each has ended or waits.
    pub(super) fn run_until_stalled(&mut self) {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            self.running.extend(self.spawned.0.take());
            let polled = self.running.poll_next_unpin(&mut context);
            let is_stalled = match polled {
                Poll::Ready(Some(())) => false,
                Poll::Ready(None) => true,
                Poll::Pending => !woken.0.swap(false, Ordering::SeqCst),
            };
            if is_stalled && self.spawned.0.borrow().is_empty() {
                return;
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_channel::oneshot;
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_future_that_another_thread_wakes_is_run_to_its_end() {
        let (sender, receiver) = oneshot::channel();
        let other = thread::spawn(move || sender.send(42));
        assert_eq!(block_on(receiver), Ok(42));
        assert_eq!(other.join().unwrap(), Ok(()));
    }

    #[test]
    fn tasks_that_tasks_spawn_and_wake_are_run_too() {
        let mut pool = Pool::default();
        let (spawner, done) = (pool.spawner(), Rc::new(Cell::new(0)));
        let (sender, receiver) = oneshot::channel();
        let waits = Rc::clone(&done);
        spawner.spawn(receiver.map(move |given: Result<i32, _>| waits.set(given.unwrap())).boxed_local());
        pool.run_until_stalled();
        assert_eq!(done.get(), 0);
        let inner = spawner.clone();
        spawner.spawn(async move { inner.spawn(async move { sender.send(7).unwrap() }.boxed_local()) }.boxed_local());
        pool.run_until_stalled();
        assert_eq!(done.get(), 7);
    }
}

//! A small executor, so that a test needs none of its own.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

/// Runs a future to its end on this thread, which sleeps while the future waits.
///
/// ```
/// use durable_mcp_worker::testing::block_on;
///
/// async fn double(number: i32) -> i32 {
///     number * 2
/// }
/// assert_eq!(block_on(double(21)), 42);
/// ```
///
/// # Panics
/// When it would wait for ever: when nothing has woken it for a minute, or when it wakes itself again and again.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut busy = 0;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        busy = if bell.has_rung() { busy + 1 } else { 0 };
        assert!(
            busy < MAX_POLLS,
            "The future has woken itself {MAX_POLLS} times. {IN_A_LOOP}"
        );
        // One is here, and one in `waker`.
        let can_ring = Arc::strong_count(&bell) > 2;
        assert!(
            bell.has_rung() || (can_ring && bell.wait()) || bell.has_rung(),
            "The future waits for something that does not come: {}. A double of what it waits for has to answer",
            if can_ring {
                "nothing has woken it for a minute"
            } else {
                "nothing is left that could wake it"
            }
        );
        bell.reset();
    }
}

/// Polls that may follow one another while nothing is waited for: far more than work needs that lets others run between its parts,
/// and few enough that a test does not seem to hang.
const MAX_POLLS: u32 = 100_000;

/// Advice to the author of a handler that only polls.
const IN_A_LOOP: &str = "Does it look again and again for something that does not come? Give the loop an end, and sleep in it, by \
     `clock.sleep(..)` in a handler";

/// Timeout of a future that waits for another thread. No test's own work takes longer, and cargo warns of one that does.
const WOKEN_WITHIN: Duration = Duration::from_mins(1);

/// Wakes the thread that waits.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_rung(&self) -> bool {
        *self.rung()
    }

    fn reset(&self) {
        *self.rung() = false;
    }

    /// Waits until it rings: false if it does not in time.
    fn wait(&self) -> bool {
        let waited = self
            .ringing
            .wait_timeout_while(self.rung(), WOKEN_WITHIN, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung() = true;
        self.ringing.notify_one();
    }
}

/// Tasks of one thread, which run when the test runs them.
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
    ///
    /// # Panics
    /// When that does not come to pass.
    pub(super) fn run_until_stalled(&mut self) {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for _ in 0..MAX_POLLS {
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
        panic!("A handler has run on {MAX_POLLS} times while no time passed. {IN_A_LOOP}");
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
    use std::future::{pending, poll_fn};
    use std::thread;

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
    fn a_future_that_wakes_itself_is_run_to_its_end() {
        let mut left = 1000;
        let counts = poll_fn(|cx| {
            left -= 1;
            cx.waker().wake_by_ref();
            if left == 0 {
                Poll::Ready("done")
            } else {
                Poll::Pending
            }
        });
        assert_eq!(block_on(counts), "done");
    }

    #[test]
    #[should_panic(expected = "nothing is left that could wake it")]
    fn a_future_that_nothing_can_wake_fails_its_test() {
        block_on(pending::<()>());
    }

    #[test]
    #[should_panic(expected = "woken itself 100000 times")]
    fn a_future_that_wakes_itself_for_ever_fails_its_test() {
        block_on(poll_fn(|cx| -> Poll<()> {
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
    }

    #[test]
    fn tasks_that_other_tasks_spawn_and_wake_are_run() {
        let mut pool = Pool::default();
        let (spawner, done) = (pool.spawner(), Rc::new(Cell::new(0)));
        let (sender, receiver) = oneshot::channel();
        let waits = Rc::clone(&done);
        spawner.spawn(
            receiver
                .map(move |given: Result<i32, _>| waits.set(given.unwrap()))
                .boxed_local(),
        );
        pool.run_until_stalled();
        assert_eq!(done.get(), 0);
        let inner = spawner.clone();
        spawner.spawn(
            async move { inner.spawn(async move { sender.send(7).unwrap() }.boxed_local()) }
                .boxed_local(),
        );
        pool.run_until_stalled();
        assert_eq!(done.get(), 7);
    }
}

//! Time limits in which the time of a sign-in is not counted: a person may take minutes for it.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Shortest time between two looks at a limit, for sign-ins that begin just before it.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);

/// Time that requests have waited for sign-ins.
#[derive(Default)]
pub(crate) struct Patience {
    waiting: Cell<usize>,
    /// Beginning of the present wait.
    since: Cell<Option<Instant>>,
    /// Time of the waits before it.
    before: Cell<Duration>,
}

impl Patience {
    /// Begins a wait for a sign-in, which ends when the result is dropped.
    pub(crate) fn sign_in(&self) -> impl Drop + use<'_> {
        struct Waiting<'a>(&'a Patience);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                let left = self.0.waiting.get() - 1;
                self.0.waiting.set(left);
                if left == 0 {
                    self.0.before.set(self.0.waited());
                    self.0.since.set(None);
                }
            }
        }
        self.waiting.set(self.waiting.get() + 1);
        if self.since.get().is_none() {
            self.since.set(Some(Instant::now()));
        }
        Waiting(self)
    }

    /// Waits for `future`, but not longer than `time` without sign-ins; `None` if it takes longer.
    pub(crate) async fn within<T>(
        &self,
        time: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        let (began, before) = (Instant::now(), self.waited());
        let mut left = time;
        loop {
            tokio::select! {
                biased;
                outcome = &mut future => return Some(outcome),
                () = sleep(left) => {}
            }
            let counted = began
                .elapsed()
                .saturating_sub(self.waited().saturating_sub(before));
            left = time
                .checked_sub(counted)
                .filter(|left| !left.is_zero())?
                .max(SHORTEST_LOOK);
        }
    }

    fn waited(&self) -> Duration {
        self.before.get()
            + self
                .since
                .get()
                .map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    #[tokio::test(flavor = "current_thread")]
    async fn a_sign_in_does_not_count_for_the_time_limit() {
        let patience = Patience::default();
        let signing_in = async {
            let _waiting = patience.sign_in();
            sleep(10 * SHORT).await;
        };
        assert_eq!(patience.within(SHORT, signing_in).await, Some(()));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn time_before_and_after_a_sign_in_counts_for_the_limit() {
        let patience = Patience::default();
        assert_eq!(patience.within(SHORT, pending::<()>()).await, None);
        let silent = async {
            let waiting = patience.sign_in();
            sleep(3 * SHORT).await;
            drop(waiting);
            pending::<()>().await;
        };
        assert_eq!(patience.within(SHORT, silent).await, None);
    }
}

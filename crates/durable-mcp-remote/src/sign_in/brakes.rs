//! Limits that end a loop of sign-ins: what is issued and refused at once would be so again.

use std::collections::VecDeque;

use super::error::SignInError;

const WINDOW_MS: u64 = 30_000;
/// Tokens, of which a working server needs one.
const MAX_TOKENS: usize = 20;
/// Windows of the browser.
const MAX_WINDOWS: usize = 5;
/// Time for step-ups, and how many it has.
const STEP_UP_MS: u64 = 60_000;
const MAX_STEP_UPS: usize = 3;

/// Counters of one process.
#[derive(Debug, Default)]
pub(crate) struct Brakes {
    tokens: VecDeque<u64>,
    windows: VecDeque<u64>,
    step_ups: VecDeque<u64>,
}

impl Brakes {
    /// Counts a token that is about to be asked for.
    pub(crate) fn token(&mut self, now_ms: u64) -> Result<(), SignInError> {
        if count(&mut self.tokens, now_ms, WINDOW_MS, MAX_TOKENS) {
            return Ok(());
        }
        Err(SignInError::impossible(format!(
            "stopped after {MAX_TOKENS} tokens in {} s: the server refuses those that its authorization server issues; check its audience and scopes",
            WINDOW_MS / 1_000
        )))
    }

    /// Counts a window that is about to be opened.
    pub(crate) fn window(&mut self, now_ms: u64) -> Result<(), SignInError> {
        if count(&mut self.windows, now_ms, WINDOW_MS, MAX_WINDOWS) {
            return Ok(());
        }
        Err(SignInError::impossible(format!(
            "stopped after {MAX_WINDOWS} sign-ins in {} s, none of which worked; sign in with: durable-mcp-remote login URL",
            WINDOW_MS / 1_000
        )))
    }

    /// Counts a sign-in for more scopes; `false` if there were too many.
    pub(crate) fn step_up(&mut self, now_ms: u64) -> bool {
        count(&mut self.step_ups, now_ms, STEP_UP_MS, MAX_STEP_UPS)
    }
}

fn count(times: &mut VecDeque<u64>, now_ms: u64, window_ms: u64, limit: usize) -> bool {
    // A time ahead is of a clock that was set back.
    times.retain(|time| now_ms.checked_sub(*time).is_some_and(|age| age < window_ms));
    if times.len() >= limit {
        return false;
    }
    times.push_back(now_ms);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_windows_and_token_requests_are_limited_for_a_while() {
        let mut brakes = Brakes::default();
        for _ in 0..MAX_WINDOWS {
            brakes.window(1_000).unwrap();
        }
        assert!(brakes.window(30_999).is_err());
        assert!(brakes.window(31_000).is_ok());
        for _ in 0..MAX_TOKENS {
            brakes.token(1_000).unwrap();
        }
        assert!(
            brakes
                .token(1_000)
                .unwrap_err()
                .to_string()
                .contains("20 tokens in 30 s")
        );
        assert!(brakes.token(31_000).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_lifts_the_limits() {
        let mut brakes = Brakes::default();
        for _ in 0..MAX_WINDOWS {
            brakes.window(7_200_000).unwrap();
        }
        assert!(brakes.window(7_200_000).is_err());
        assert!(brakes.window(0).is_ok());
    }

    #[test]
    fn three_step_ups_a_minute_are_allowed() {
        let mut brakes = Brakes::default();
        assert!((0..3).all(|_| brakes.step_up(0)));
        assert!(!brakes.step_up(59_999));
        assert!(brakes.step_up(60_000));
    }
}

//! Calls whose questions are with the client, by the state that it brings along with the answers.

use std::collections::VecDeque;

use super::server_call::Question;
use super::server_calls::OwnedCall;
use crate::calls::Open;
use crate::message::Id;

/// Most calls whose questions are with the client. Each has a connection; a client that has more has forgotten some, and the oldest is
/// cancelled.
const MAX_SUSPENDED: usize = 256;

/// Calls whose questions are with the client, oldest first.
pub(super) struct SuspendedCalls<C = OwnedCall>(VecDeque<(String, Suspended<C>)>);

/// Call whose questions are with the client.
pub(super) struct Suspended<C = OwnedCall> {
    /// Cancelled when it is dropped.
    pub(super) call: C,
    pub(super) questions: Vec<Question>,
    /// Dropped with it, which ends the wait for its answers.
    #[expect(dead_code, reason = "only its end is looked at")]
    pub(super) open: Open,
}

impl<C> Default for SuspendedCalls<C> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<C> SuspendedCalls<C> {
    /// Stores a call; gives back the one that has no more room.
    pub(super) fn insert(
        &mut self,
        state: String,
        suspended: Suspended<C>,
    ) -> Option<Suspended<C>> {
        let oldest = if self.0.len() < MAX_SUSPENDED {
            None
        } else {
            self.0.pop_front()
        };
        self.0.push_back((state, suspended));
        oldest.map(|(_, suspended)| suspended)
    }

    /// Takes a call out. A state is good for one answer.
    pub(super) fn take(&mut self, state: &str) -> Option<Suspended<C>> {
        let index = self.0.iter().position(|(own, _)| own == state)?;
        self.0.remove(index).map(|(_, suspended)| suspended)
    }

    /// Takes back a question for which the server no longer waits.
    pub(super) fn withdraw(&mut self, id: &Id) {
        for (_, suspended) in &mut self.0 {
            suspended
                .questions
                .retain(|question| question.id.as_ref() != Some(id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Done;

    fn suspended(number: usize) -> Suspended<usize> {
        Suspended {
            call: number,
            questions: Vec::new(),
            open: Done::pair().0,
        }
    }

    #[test]
    fn a_request_state_can_be_used_once() {
        let mut calls = SuspendedCalls::default();
        calls.insert("a".to_owned(), suspended(1));
        calls.insert("b".to_owned(), suspended(2));
        assert_eq!(calls.take("a").map(|one| one.call), Some(1));
        assert!(calls.take("a").is_none());
        assert!(calls.take("c").is_none());
        assert_eq!(calls.take("b").map(|one| one.call), Some(2));
    }

    #[test]
    fn the_oldest_suspended_call_gives_way() {
        let mut calls = SuspendedCalls::default();
        for number in 0..MAX_SUSPENDED {
            assert!(
                calls
                    .insert(number.to_string(), suspended(number))
                    .is_none()
            );
        }
        assert_eq!(
            calls
                .insert("more".to_owned(), suspended(1000))
                .map(|one| one.call),
            Some(0)
        );
        assert!(calls.take("0").is_none());
        assert!(calls.take("1").is_some());
    }
}

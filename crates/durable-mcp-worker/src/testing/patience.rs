//! Bounds of waiting. A tool that would wait or ask for ever fails its test, and says how.

use durable_core::runtime::Runtime;

use super::doubles::deployment::{Deployment, MAX_STEPS};

/// Timeout of a call by the test's clock, in milliseconds: a day, which is longer than any client waits.
const WITHIN_MS: u64 = 24 * 3600 * 1000;

/// Rounds of questions after which a call without a session, or a task, is taken for one that asks for ever: each round begins
/// the handler anew, or is a question to a person.
const MAX_ROUNDS: u32 = 100;

/// Questions after which a call in a session is taken for one that asks for ever. There it asks one at a time, and may have asked a
/// model about each of many documents.
const MAX_QUESTIONS: u32 = 1000;

/// Text for a call that has waited until the test's clock can go no further.
const FOR_A_DAY: &str =
    "waits for something that does not come, and has waited for a day by the test's clock";

/// The waiting that is left to one call.
pub(super) struct Patience {
    method: String,
    began: u64,
    steps: u32,
    asked: u32,
}

impl Patience {
    pub(super) fn new(method: &str, deployment: &Deployment) -> Self {
        Self {
            method: method.to_owned(),
            began: deployment.host.now(),
            steps: 0,
            asked: 0,
        }
    }

    /// Moves the clock to the next timer or alarm, and by `most` milliseconds at the longest: false if none is due by then.
    ///
    /// # Panics
    /// When the call has waited for too long, or too often.
    pub(super) fn step(&mut self, deployment: &Deployment, most: u64) -> bool {
        let (now, ends, method) = (deployment.host.now(), self.began + WITHIN_MS, &self.method);
        assert!(now < ends, "{method} {FOR_A_DAY}");
        self.steps += 1;
        assert!(
            self.steps <= MAX_STEPS,
            "{method} has waited {MAX_STEPS} times, together {} ms by the test's clock, and is not done. Does it wait in a loop for \
             something that does not come? Give the loop an end, or sleep for longer in it",
            now - self.began
        );
        deployment.step(now.saturating_add(most).min(ends))
    }

    /// Moves the clock to the next timer or alarm.
    ///
    /// # Panics
    /// When there is none.
    pub(super) fn wait(&mut self, deployment: &Deployment) {
        let more = self.step(deployment, WITHIN_MS);
        assert!(more, "{} {FOR_A_DAY}", self.method);
    }

    /// Counts a round of questions.
    ///
    /// # Panics
    /// When there were too many.
    pub(super) fn count_round(&mut self) {
        self.count(MAX_ROUNDS);
    }

    /// Counts one question of a call in a session.
    ///
    /// # Panics
    /// When there were too many.
    pub(super) fn count_question(&mut self) {
        self.count(MAX_QUESTIONS);
    }

    fn count(&mut self, most: u32) {
        let method = &self.method;
        assert!(
            self.asked < most,
            "{method} has asked {most} times, and is not done. Give the handler a way out: an answer that it takes, or a number of tries"
        );
        self.asked += 1;
    }
}

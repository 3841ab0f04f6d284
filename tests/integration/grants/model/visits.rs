//! Access tokens that clients show to isolates of the Worker.

use super::{Asked, Case, Running};
use crate::support::grants::MOST_STALE_SECONDS;

/// An isolate that reads a record so long before its end mostly knows it at its end.
const BEFORE_THE_END_MS: u64 = 20_000;

impl Case {
    /// A client shows an access token to some isolate; at times just before its end and again at its end, when the isolate may
    /// still know its record.
    pub(super) fn visit(&mut self, at: usize) {
        let count = self.families[at].access.len();
        if count == 0 {
            return;
        }
        let which = self.world.dice(count);
        let isolate = self.world.dice(self.isolates.len());
        let left = self.families[at].access[which]
            .ends
            .saturating_sub(self.now());
        if left > BEFORE_THE_END_MS && self.world.dice(8) == 0 {
            self.pass(left - BEFORE_THE_END_MS);
            self.show(at, which, isolate);
            self.pass(BEFORE_THE_END_MS);
        }
        self.show(at, which, isolate);
    }

    fn show(&mut self, at: usize, which: usize, isolate: usize) {
        let isolate = &self.isolates[isolate];
        let token = self.families[at].access[which].text.clone();
        let works = isolate.access(&mut self.world, &token).is_some();
        let (now, family) = (self.world.outside.kv.now(), &self.families[at]);
        let token = &family.access[which];
        if works {
            self.counts.accepted += 1;
            let late = family.dead && now > family.died + MOST_STALE_SECONDS * 1000;
            assert!(
                !late && now < token.ends,
                "an isolate takes a token whose grant ended long ago"
            );
        } else {
            let by_hook = self.ended_by_hook.borrow().contains(&family.grant);
            // A command that is under way may be ending the grant.
            let is_asked = |running: &Running| match &running.asked {
                Asked::Refresh(of, _) | Asked::Redeem(of) => *of == at,
                _ => false,
            };
            let may_end = family.maybe_dead || by_hook || self.running.values().any(is_asked);
            let may_be_gone = may_end || token.maybe_revoked || token.expires <= now;
            assert!(may_be_gone, "an isolate refuses a token that is good");
        }
    }
}

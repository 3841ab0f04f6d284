//! Checks at the end of a case: on grants that live, on those that have ended, and on the storage.

use futures_executor::block_on;
use oauth_server::authority::{GrantCommand, GrantRefusal};
use oauth_server::port::Kv;

use super::{Case, Counts};
use crate::grants::DAY_MS;

impl Case {
    pub(super) fn end(mut self) -> Counts {
        // Failures that were planned for later happen now.
        for _ in 0..4 {
            let _ = block_on(self.world.outside.kv.get("x"));
            let _ = block_on(self.world.outside.kv.put("x", "", u64::MAX, None));
            let _ = block_on(self.world.outside.kv.delete("x"));
        }
        for done in self.world.drain() {
            self.finished(&done);
        }
        for at in 0..self.families.len() {
            self.check_at_the_end(at);
        }
        self.world.pass_with_alarms(800 * DAY_MS);
        assert_eq!(self.world.outside.rows.count(), 0, "an orphan row");
        assert!(
            self.world.outside.kv.keys("").is_empty(),
            "{:?}",
            self.world.outside.kv.keys("")
        );
        self.counts
    }

    fn check_at_the_end(&mut self, at: usize) {
        let now = self.now();
        let family = &self.families[at];
        if family.dead {
            let (client, newest) = (family.client, family.newest());
            assert!(
                family
                    .access
                    .iter()
                    .all(|token| self.world.access(&token.text).is_none())
            );
            if let Some(token) = newest {
                assert!(
                    self.world
                        .issued(GrantCommand::Refresh(client.refresh(&token)))
                        .is_err()
                );
            }
            return;
        }
        let by_hook = self.ended_by_hook.borrow().contains(&family.grant);
        if family.maybe_dead
            || by_hook
            || family.issued.is_none()
            || now > family.used + 29 * DAY_MS
        {
            return;
        }
        self.counts.alive_at_the_end += 1;
        for token in &family.access {
            let works = self.world.access(&token.text).is_some();
            assert!(
                works || token.maybe_revoked || token.expires <= now,
                "an access token does not work: {}",
                token.text
            );
        }
        let Some(newest) = family.newest() else {
            return;
        };
        let grace = self.world.grace_ms();
        if family.refresh[&newest]
            .earliest()
            .is_some_and(|earliest| now >= earliest + grace)
        {
            // The token may have been exchanged when everything was lost, and its client came back too late.
            return;
        }
        let client = family.client;
        let next = loop {
            match self
                .world
                .issued(GrantCommand::Refresh(client.refresh(&newest)))
            {
                Ok(next) => break next,
                // The hook may fail.
                Err(GrantRefusal::Unavailable { .. }) => {}
                Err(refused)
                    if self
                        .ended_by_hook
                        .borrow()
                        .contains(&self.families[at].grant) =>
                {
                    return drop(refused);
                }
                Err(refused) => panic!("the newest refresh token does not work: {refused:?}"),
            }
        };
        assert!(
            self.world.access(&next.access_token).is_some(),
            "a new access token does not work"
        );
    }
}

//! Rows that a newer version wrote: they grant nothing, and nothing is lost until their version is back.

use std::collections::BTreeMap;

use oauth_server::authority::{GrantCommand, GrantRefusal};

use super::{Case, Family};

impl Case {
    /// The object restarts with rows of a newer version, is asked for tokens, and restarts with its own rows.
    pub(super) fn meet_newer_version(&mut self) {
        self.crash();
        let before = self.world.outside.rows.all_rows();
        let newer: BTreeMap<_, _> = before
            .iter()
            .map(|(id, row)| (id.clone(), format!("newer{row}")))
            .collect();
        self.set_rows(&newer);
        let working = self.working();
        for at in 0..self.families.len() {
            self.is_refused(at, before.contains_key(&self.families[at].grant));
        }
        self.world.ring();
        self.world.drain();
        assert_eq!(
            self.world.outside.rows.all_rows(),
            newer,
            "rows of a newer version change"
        );
        let now = self.now();
        for (token, expires) in working {
            assert!(
                expires <= now || self.world.access(&token).is_some(),
                "an older version signs out"
            );
        }
        self.set_rows(&before);
        self.crash();
    }

    fn set_rows(&self, rows: &BTreeMap<String, String>) {
        for (id, row) in rows {
            self.world.outside.rows.set(id, row);
        }
    }

    /// Access tokens that work and that nothing may have ended, with their last second.
    fn working(&self) -> Vec<(String, u64)> {
        let by_hook = self.ended_by_hook.borrow();
        let may_live = |family: &&Family| !family.maybe_dead && !by_hook.contains(&family.grant);
        let tokens = self
            .families
            .iter()
            .filter(may_live)
            .flat_map(|family| &family.access);
        let working =
            tokens.filter(|token| !token.maybe_revoked && self.world.access(&token.text).is_some());
        working
            .map(|token| (token.text.clone(), token.expires))
            .collect()
    }

    fn is_refused(&mut self, at: usize, is_stored: bool) {
        let family = &self.families[at];
        let command = match family.newest() {
            Some(token) => GrantCommand::Refresh(family.client.refresh(&token)),
            None => GrantCommand::Redeem(family.client.redeem(&family.code)),
        };
        let outcome = self.world.run(command);
        let is_unavailable = matches!(outcome, Err(GrantRefusal::Unavailable { .. }));
        assert!(
            if is_stored {
                is_unavailable
            } else {
                outcome.is_err()
            },
            "a newer grant is served: {outcome:?}"
        );
        self.counts.newer += u64::from(is_stored);
    }
}

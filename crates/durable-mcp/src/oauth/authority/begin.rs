//! A code for a client that a user has agreed to.

use super::exchange::SealedIdentity;
use super::settings::after;
use super::{Authority, Begin, Code, Refused};
use crate::oauth::grant::{Grant, GrantInfo, Pending};
use crate::oauth::token::{GrantId, Kind, Token};
use crate::wire::RuntimeError;

impl Authority {
    pub(super) async fn begin(&self, begin: Begin) -> Result<Code, Refused> {
        let withdrawn = self
            .consents_since(&begin.client_id)
            .map_err(|fault| self.failed(&fault))?;
        if begin.agreed.is_some_and(|agreed| agreed <= withdrawn) {
            return Err(Refused::ConsentWithdrawn);
        }
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        // There is no await between this and the row, so two requests cannot both pass.
        self.check_sign_in(&begin.sign_in)?;
        let made = GrantId::random(self.host.random()).and_then(|id| {
            let now = self.host.now();
            let facts = GrantInfo {
                handle: begin.handle,
                id,
                client_id: begin.client_id,
                client_name: begin.client_name,
                public: begin.client_is_public,
                refreshable: begin.refreshable,
                scopes: begin.scopes,
                audience: begin.audience,
                root: begin.root,
                created: now,
                ends: after(now, self.lifetimes.longest),
                adopted: false,
                // Told when the code is redeemed: until then the user may disconnect the client.
                sessions_since: 0,
                sign_in: begin.sign_in,
            };
            let code = Token::issue(
                Kind::Code,
                &facts.handle,
                &facts.id,
                &keys,
                self.host.random(),
            )?;
            let inside = SealedIdentity {
                subject: begin.subject,
                props: begin.props,
            };
            let sealed = self.seal(&keys, code.text(), &facts, &inside)?;
            self.make_place(&facts.client_id)?;
            let expires = after(now, self.lifetimes.code);
            let (redirect_uri, challenge) = (begin.redirect_uri, begin.challenge);
            Ok::<_, RuntimeError>((
                Pending {
                    facts,
                    code: code.hash(),
                    expires,
                    redirect_uri,
                    challenge,
                    misses: 0,
                    sealed,
                },
                code,
            ))
        });
        let (pending, code) = made.map_err(|fault| self.failed(&fault))?;
        let grant = code.grant.as_str().to_owned();
        self.commit(&code.grant, Grant::Pending(pending))?;
        Ok(Code {
            code: code.text().to_owned(),
            grant,
        })
    }

    /// Checks that the sign-in has given no grant yet: its `state` is good once, whichever cookies come with it.
    fn check_sign_in(&self, sign_in: &str) -> Result<(), Refused> {
        if sign_in.is_empty() {
            return Ok(());
        }
        let came = |_: &str, grant: &Grant| {
            grant
                .facts()
                .filter(|facts| facts.sign_in == sign_in)
                .map(|_| ())
        };
        let rows = self
            .rows
            .pick(self.host.store(), came)
            .map_err(|fault| self.failed(&fault))?;
        if rows.is_empty() {
            Ok(())
        } else {
            Err(Refused::InvalidRequest(
                "The sign-in was used already.".into(),
            ))
        }
    }
}

//! A code for a client that a user has agreed to.

use durable_core::keys::Keys;
use durable_core::wire::RuntimeError;

use super::exchange::SealedIdentity;
use super::settings::after;
use super::{Authority, GrantRefusal, IssueCode, IssuedCode};
use crate::grant::{Grant, GrantInfo, PendingGrant};
use crate::token::{GrantId, Token, TokenKind};

impl Authority {
    pub(super) async fn issue_code(&self, begin: IssueCode) -> Result<IssuedCode, GrantRefusal> {
        let withdrawn = self
            .consents_since(&begin.client_id)
            .map_err(|fault| self.failed(&fault))?;
        if begin.agreed.is_some_and(|agreed| agreed <= withdrawn) {
            return Err(GrantRefusal::ConsentWithdrawn);
        }
        let keys = self
            .host
            .keys(false)
            .await
            .map_err(|fault| self.failed(&fault))?;
        // There is no await between this and the row, so two requests cannot both pass.
        self.check_sign_in(&begin.sign_in)?;
        let (pending, code) = self
            .pending_grant(&keys, begin)
            .map_err(|fault| self.failed(&fault))?;
        let grant = code.grant.as_str().to_owned();
        self.commit(&code.grant, Grant::Pending(pending))?;
        Ok(IssuedCode {
            code: code.text().to_owned(),
            grant,
        })
    }

    /// A new grant that waits for its code to be redeemed, and the code. Makes a place for it in the user's rows.
    fn pending_grant(
        &self,
        keys: &Keys,
        begin: IssueCode,
    ) -> Result<(PendingGrant, Token), RuntimeError> {
        let id = GrantId::random(self.host.random())?;
        let now = self.host.now();
        let info = GrantInfo {
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
        let code = self.new_token(TokenKind::Code, keys, &info)?;
        let (subject, props) = (begin.subject, begin.props);
        let sealed = self.seal(keys, code.text(), &info, &SealedIdentity { subject, props })?;
        self.make_place(&info.client_id)?;
        let pending = PendingGrant {
            info,
            code: code.hash(),
            expires: after(now, self.lifetimes.code),
            redirect_uri: begin.redirect_uri,
            challenge: begin.challenge,
            misses: 0,
            sealed,
        };
        Ok((pending, code))
    }

    /// Checks that the sign-in has given no grant yet: its `state` is good once, whichever cookies come with it.
    fn check_sign_in(&self, sign_in: &str) -> Result<(), GrantRefusal> {
        if sign_in.is_empty() {
            return Ok(());
        }
        let rows = self
            .rows
            .pick(self.host.store(), |_, grant| {
                grant
                    .info()
                    .filter(|info| info.sign_in == sign_in)
                    .map(|_| ())
            })
            .map_err(|fault| self.failed(&fault))?;
        if rows.is_empty() {
            Ok(())
        } else {
            Err(GrantRefusal::InvalidRequest(
                "The sign-in was used already.".into(),
            ))
        }
    }
}

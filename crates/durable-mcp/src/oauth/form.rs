//! A form that a client posts, with its authenticated client.

use super::auth_server::AuthServer;
use super::client::Client;
use super::client_auth::{Proof, authenticate, credentials};
use super::params::Params;
use super::refusal::Refusal;
use super::registry::RegistryError;
use super::resource::Resource;
use super::scope::Scopes;
use crate::wire::{Head, RuntimeError};

/// Bytes of a form: a few tokens, a verifier, and the application's own.
const MAX_FORM_BYTES: usize = 32 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Maximum time between the head of a form and its last byte if the form counts as received with the head, in
/// milliseconds.
const BODY_MS: u64 = 1_000;

/// A form and the client that sent it.
pub(super) struct Form {
    pub(super) params: Params,
    pub(super) client: Client,
    /// Time at which the form was received, in milliseconds since 1970.
    pub(super) received: u64,
}

impl Form {
    /// Reads the form of a request and authenticates its client (RFC 6749 section 2.3).
    pub(super) async fn read(site: &AuthServer<'_>, head: &Head) -> Result<Self, Refusal> {
        if !head.has_type(FORM) {
            return Err(Refusal::request(
                "Send the parameters as application/x-www-form-urlencoded.",
            ));
        }
        let began = site.runtime.now();
        let params = Params::parse(&site.runtime.body(MAX_FORM_BYTES).await?)?;
        let received = received(began, site.runtime.now());
        let credentials = credentials(head.header("authorization").as_deref(), &params)?;
        let keys = site
            .runtime
            .keys(false)
            .await
            .map_err(|fault| failed(site, &fault))?;
        let found = site
            .registry(&keys)
            .returning_client(&credentials.client_id)
            .await;
        let found = found.inspect_err(|error| tell(site, error))?;
        let by_header = matches!(credentials.proof, Proof::Basic(_));
        let client = found.ok_or_else(|| Refusal::unknown_client(by_header))?;
        authenticate(&client, &credentials)?;
        Ok(Self {
            params,
            client,
            received,
        })
    }

    /// The scopes that the form asks for; none if it leaves that to the server.
    pub(super) fn scopes(&self, site: &AuthServer<'_>) -> Result<Option<Scopes>, Refusal> {
        let scopes = site.asked_scopes(&self.params);
        scopes.map_err(|_| {
            Refusal::bad(
                "invalid_scope",
                "scope must be names separated by one space each.",
            )
        })
    }

    /// The resources that the form asks for; none if it leaves that to the grant.
    pub(super) fn resources(&self, site: &AuthServer<'_>) -> Result<Vec<Resource>, Refusal> {
        if self.params.all("resource").next().is_none() {
            return Ok(Vec::new());
        }
        let resolved = site.resources().resolve(self.params.all("resource"));
        resolved.map_err(|bad| Refusal::bad("invalid_target", bad.0))
    }

    /// A parameter that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.params
            .get(name)
            .ok_or_else(|| Refusal::request(format!("{name} is missing.")))
    }
}

/// Time at which a form was received, by the times of its head and of its last byte. A body that was held back counts from
/// its end, since its sender may have learnt what it says after the head.
fn received(head: u64, body: u64) -> u64 {
    if body.saturating_sub(head) <= BODY_MS {
        head
    } else {
        body
    }
}

/// Warns operators of a client's record that cannot be loaded or read. Trouble with a document is the client's.
fn tell(site: &AuthServer<'_>, error: &RegistryError) {
    if matches!(error, RegistryError::Unavailable(_)) {
        site.runtime.warn(&error.cause());
    }
}

/// Logs a failure of this server, and makes the refusal for it.
pub(super) fn failed(site: &AuthServer<'_>, fault: &RuntimeError) -> Refusal {
    site.runtime.warn(&fault.0);
    Refusal::fault()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_counts_as_received_at_its_head_unless_its_body_is_late() {
        assert_eq!(received(5_000, 5_000), 5_000);
        assert_eq!(received(5_000, 5_000 + BODY_MS), 5_000);
        assert_eq!(received(5_000, 5_001 + BODY_MS), 5_001 + BODY_MS);
    }
}

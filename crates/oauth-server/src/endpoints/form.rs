//! A form that a client posts, with its authenticated client.

use durable_core::wire::{Head, RuntimeError};

use crate::auth_server::AuthServer;
use crate::client::Client;
use crate::client_auth::{ClientProof, authenticate, credentials};
use crate::endpoint_error::EndpointError;
use crate::params::RequestParams;
use crate::registry_error::RegistryError;
use crate::resource::Resource;
use crate::scope::Scopes;

/// Bytes of a form: a few tokens, a verifier, and the application's own.
const MAX_FORM_BYTES: usize = 32 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Maximum time between the head of a form and its last byte if the form counts as received with the head, in
/// milliseconds.
const BODY_MS: u64 = 1_000;

/// A form and the client that sent it.
pub(crate) struct AuthenticatedForm {
    pub(crate) params: RequestParams,
    pub(crate) client: Client,
    /// Time at which the form was received, in milliseconds since 1970.
    pub(crate) received: u64,
}

impl AuthenticatedForm {
    /// Reads the form of a request and authenticates its client (RFC 6749 section 2.3).
    pub(crate) async fn from_request(
        auth_server: &AuthServer<'_>,
        head: &Head,
    ) -> Result<Self, EndpointError> {
        if !head.has_type(FORM) {
            return Err(EndpointError::request(
                "Send the parameters as application/x-www-form-urlencoded.",
            ));
        }
        let began = auth_server.runtime.now();
        let params = RequestParams::parse(&auth_server.runtime.body(MAX_FORM_BYTES).await?)?;
        let received = received(began, auth_server.runtime.now());
        let credentials = credentials(head.header("authorization").as_deref(), &params)?;
        let keys = auth_server
            .runtime
            .keys(false)
            .await
            .map_err(|fault| failed(auth_server, &fault))?;
        let found = auth_server
            .registry(&keys)
            .returning_client(&credentials.client_id)
            .await;
        let found = found.inspect_err(|error| warn(auth_server, error))?;
        let by_header = matches!(credentials.proof, ClientProof::Basic(_));
        let client = found.ok_or_else(|| EndpointError::unknown_client(by_header))?;
        authenticate(&client, &credentials)?;
        Ok(Self {
            params,
            client,
            received,
        })
    }

    /// The scopes that the form asks for; none if it leaves that to the server.
    pub(crate) fn scopes(
        &self,
        auth_server: &AuthServer<'_>,
    ) -> Result<Option<Scopes>, EndpointError> {
        let scopes = auth_server.asked_scopes(&self.params);
        scopes.map_err(|_| {
            EndpointError::bad(
                "invalid_scope",
                "scope must be names separated by one space each.",
            )
        })
    }

    /// The resources that the form asks for; none if it leaves that to the grant.
    pub(crate) fn resources(
        &self,
        auth_server: &AuthServer<'_>,
    ) -> Result<Vec<Resource>, EndpointError> {
        if self.params.all("resource").next().is_none() {
            return Ok(Vec::new());
        }
        let resolved = auth_server.resources().resolve(self.params.all("resource"));
        resolved.map_err(|bad| EndpointError::bad("invalid_target", bad.0))
    }

    /// A parameter that has to be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, EndpointError> {
        self.params
            .get(name)
            .ok_or_else(|| EndpointError::request(format!("{name} is missing.")))
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
fn warn(auth_server: &AuthServer<'_>, error: &RegistryError) {
    if matches!(error, RegistryError::Unavailable(_)) {
        auth_server.runtime.warn(&error.cause());
    }
}

/// Logs a failure of this server, and makes the refusal for it.
pub(crate) fn failed(auth_server: &AuthServer<'_>, fault: &RuntimeError) -> EndpointError {
    auth_server.runtime.warn(&fault.0);
    EndpointError::fault()
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

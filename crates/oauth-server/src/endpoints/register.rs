//! The registration endpoint (RFC 7591 section 3).

use durable_core::wire::Reply;
use http::StatusCode;

use crate::auth_server::{AuthServer, BodyError};
use crate::endpoint_error::EndpointError;
use crate::event::Event;
use crate::form::failed;
use crate::registration::{MAX_REGISTRATION_BYTES, RegistrationError};

/// Answers a request.
pub async fn handle(auth_server: &AuthServer<'_>) -> Reply {
    match answer(auth_server).await {
        Ok(reply) => reply,
        Err(refusal) => refusal.into(),
    }
}

async fn answer(auth_server: &AuthServer<'_>) -> Result<Reply, EndpointError> {
    // The content type does not matter: a body that is a JSON object is meant as one, and this endpoint takes no cookies.
    let json = auth_server
        .runtime
        .body(MAX_REGISTRATION_BYTES)
        .await
        .map_err(|error| match error {
            BodyError::TooLarge => RegistrationError::TooLarge.into(),
            BodyError::Unreadable => {
                EndpointError::bad("invalid_client_metadata", "The body is not UTF-8 text.")
            }
        })?;
    let keys = auth_server
        .runtime
        .keys(false)
        .await
        .map_err(|fault| failed(auth_server, &fault))?;
    let registered = auth_server.registry(&keys).register(&json).await?;
    if registered.is_new {
        let event = Event::Registered {
            client: registered.client.id.clone(),
        };
        auth_server.runtime.event(&event);
        auth_server.oauth.report(&event);
    }
    let status = StatusCode::from_u16(registered.status).unwrap_or(StatusCode::CREATED);
    Ok(Reply::json(status, registered.body.secret().to_owned()).header("pragma", "no-cache"))
}

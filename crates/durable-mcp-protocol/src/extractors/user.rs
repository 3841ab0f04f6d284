//! [`User`], the extractor of the signed-in person.

use std::any::type_name;

use serde::de::DeserializeOwned;

use crate::caller::Caller;
use crate::context::Context;
use crate::error::{Error, ErrorCode};
use crate::extract::{Extract, Rejection};
use crate::json_path::path_at;

/// The signed-in person, with `P` read from what sign-in left.
///
/// `Option<User<P>>` is `None` on a public server; a plain `User<P>` there refuses the call.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Deserialize)]
/// struct Profile {
///     name: String,
/// }
/// async fn whoami(user: Option<User<Profile>>) -> String {
///     user.map_or("nobody in particular".into(), |user| user.props.name)
/// }
/// # let _ = Server::new("s", "1").tool("whoami", "Who am I?", whoami);
/// ```
#[derive(Debug, Clone)]
pub struct User<P> {
    /// The person's id.
    pub id: String,
    /// The OAuth client that calls for them.
    pub client_id: Option<String>,
    /// The grant by which it does.
    pub grant: Option<String>,
    /// The URL of the resource that was called.
    pub resource: Option<String>,
    /// Expiry of the access token, in seconds since 1970.
    pub expires: Option<u64>,
    /// Scopes that the person granted the client.
    pub scopes: Vec<String>,
    /// Props that sign-in left for the tools.
    pub props: P,
}

impl<P: DeserializeOwned + 'static> Extract for User<P> {
    fn extract(context: &Context) -> Result<Self, Rejection> {
        let caller = context.caller();
        let Some(id) = caller.subject.clone() else {
            return Err(refused(
                "This needs a signed-in user, and this server is public.",
            ));
        };
        // Read as text, since the errors of a `Value` have no place.
        let json = caller.props.to_string();
        let props = serde_json::from_str(&json)
            .map_err(|error| unfit(context, &json, &error, type_name::<P>()))?;
        let Caller {
            client_id,
            grant,
            resource,
            expires,
            scopes,
            ..
        } = Caller::clone(caller);
        Ok(Self {
            id,
            client_id,
            grant,
            resource,
            expires,
            scopes,
            props,
        })
    }
}

fn refused(message: &str) -> Rejection {
    Rejection::Error(Error::new(ErrorCode::REFUSED, message))
}

/// Refuses a user whose props are not of the type that the handler reads, and tells operators the field.
fn unfit(context: &Context, json: &str, error: &serde_json::Error, wanted: &str) -> Rejection {
    let path = path_at(json, error.line(), error.column());
    let path = if path.is_empty() {
        path
    } else {
        format!("`{path}`: ")
    };
    context.peer().warn(&format!(
        "The props of sign-in do not fit `{wanted}`: {path}{}",
        fault(&error.to_string())
    ));
    refused(if context.caller().props.is_null() {
        "Your sign-in lacks what this needs. Sign in again."
    } else {
        "This server cannot use what your sign-in gave, and to sign in again does not change that. Its log has the cause."
    })
}

/// The fault that an error of `serde_json` tells, without the value in which it was met: that is the user's, and may be a token.
fn fault(error: &str) -> String {
    let text = error
        .rsplit_once(" at line ")
        .map_or(error, |(text, _)| text);
    if text.starts_with("missing field `") {
        return text.to_owned();
    }
    let kinds = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
        "unknown field ",
    ];
    match text
        .rsplit_once(", expected ")
        .filter(|_| kinds.iter().any(|kind| text.starts_with(kind)))
    {
        Some((found, expected)) => {
            let found = found
                .split(['`', '"'])
                .next()
                .unwrap_or_default()
                .trim_end();
            format!("{found}, expected {expected}")
        }
        None => "it cannot be read".to_owned(),
    }
}

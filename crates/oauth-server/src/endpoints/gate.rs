//! Check of bearer tokens (RFC 6750) at a protected resource.

use std::rc::Rc;

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::wire::{Head, Reply, RuntimeError};
use http::StatusCode;
use serde_json::json;

use crate::auth_server::AuthServer;
use crate::challenge::{BearerChallenge, BearerError};
use crate::legacy;
use crate::metadata::{PROTECTED_RESOURCE, well_known_url};
use crate::record::{self, AccessRecord, RecordError};
use crate::resource::{Resource, Resources};
use crate::scope::Scopes;
use crate::secret::sha256_hex;
use crate::token::{PresentedToken, TokenKind};

/// Response to a caller whose bearer token was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRefusal {
    /// The status of the answer.
    pub status: u16,
    /// Value of the `WWW-Authenticate` header.
    pub challenge: String,
    /// Error code (RFC 6750 section 3.1); none where no token was sent.
    pub error: Option<&'static str>,
    /// Advice for the caller.
    pub description: &'static str,
}

impl From<TokenRefusal> for Reply {
    fn from(refused: TokenRefusal) -> Self {
        let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::UNAUTHORIZED);
        let reply = match refused.error {
            // RFC 6750 section 3.1: who sent no token is told where to get one, and of no error.
            None => Self::empty(status).header("cache-control", "no-store"),
            Some(error) => {
                let body = json!({ "error": error, "error_description": refused.description });
                Self::json(status, body.to_string())
            }
        };
        reply.header("www-authenticate", refused.challenge)
    }
}

/// Reason for which a request has no access.
enum Denied {
    /// No bearer token.
    Missing,
    /// `Bearer` without a well-formed token.
    Malformed,
    /// Token that is unknown, has ended, or is for another resource.
    Invalid(&'static str),
}

/// Checks the bearer token of a request to the resource at `path`, and returns its access.
///
/// # Errors
/// The outer one when storage fails, the inner one when the caller is not let in.
pub async fn check(
    auth_server: &AuthServer<'_>,
    head: &Head,
    path: &str,
) -> Result<Result<AccessRecord, TokenRefusal>, RuntimeError> {
    let access = match bearer(head.header("authorization").as_deref()) {
        Ok(token) => access(auth_server, token, path).await?,
        Err(denied) => Err(denied),
    };
    // The challenge leads to the metadata of the URL that the client knows.
    let challenged_path = if head.path.strip_suffix('/') == Some(path) {
        &head.path
    } else {
        path
    };
    Ok(access.map_err(|denied| refused(auth_server, challenged_path, &denied)))
}

/// The challenge for a caller whose token lacks scopes: it names all that the operation needs.
#[must_use]
pub fn insufficient_scope(origin: &str, path: &str, needed: &Scopes) -> String {
    let url = well_known_url(&format!("{origin}{path}"), PROTECTED_RESOURCE);
    BearerChallenge {
        error: Some(BearerError::InsufficientScope),
        description: Some("Ask the user for these scopes as well."),
        scopes: Some(needed),
        resource_metadata: &url,
    }
    .to_string()
}

/// Hash of the bearer token of a request, if there is one.
#[must_use]
pub fn bearer_hash(head: &Head) -> Option<String> {
    bearer(head.header("authorization").as_deref())
        .ok()
        .map(sha256_hex)
}

/// The token of an `Authorization` header (RFC 6750 section 2.1).
fn bearer(header: Option<&str>) -> Result<&str, Denied> {
    let header = header
        .map(str::trim)
        .filter(|header| !header.is_empty())
        .ok_or(Denied::Missing)?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denied::Missing);
    }
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(is_token_byte) {
        Err(Denied::Malformed)
    } else {
        Ok(token)
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\')
}

/// The user of a token that is none of ours. Whose it is, if anybody's, is for the application to say. A token of ours
/// never leaves.
async fn resolved(
    auth_server: &AuthServer<'_>,
    text: &str,
    wanted: &Resource,
) -> Option<AccessRecord> {
    let resolve = auth_server.oauth.resolve.as_ref()?;
    let resolved = resolve(text.to_owned(), wanted.as_str().to_owned()).await;
    resolved.map(AccessRecord::from)
}

async fn access(
    auth_server: &AuthServer<'_>,
    text: &str,
    path: &str,
) -> Result<Result<AccessRecord, Denied>, RuntimeError> {
    let root = auth_server.resources().root().clone();
    let wanted =
        Resource::parse(&format!("{}{path}", auth_server.origin)).unwrap_or_else(|_| root.clone());
    let ended = Denied::Invalid("The token is unknown or has ended. Refresh it, or sign in again.");
    let (keys, presented) = auth_server
        .verify_any_token(text, TokenKind::Access)
        .await?;
    let is_costly = auth_server.costly(path).is_some();
    if !is_token(&presented) {
        let resolved = if is_costly {
            None
        } else {
            resolved(auth_server, text, &wanted).await
        };
        if resolved.is_none() {
            auth_server.check_key(&presented)?;
        }
        return Ok(resolved.ok_or(ended));
    }
    // A token of client credentials has the client as its subject.
    let is_known = |access: &AccessRecord| {
        access.subject == access.client_id || auth_server.oauth.sign_in.knows(&access.subject)
    };
    let access = load_record(auth_server, &presented, keys, text).await?;
    let Some(access) = access.filter(is_known) else {
        return Ok(Err(ended));
    };
    let is_valid = is_for(&access.audience, &wanted, &root, is_costly);
    Ok(is_valid.then_some(access).ok_or(Denied::Invalid(
        "The token is for another resource. Ask for one with resource set to this URL.",
    )))
}

/// True if a token with that audience is for the resource.
fn is_for(audience: &[Resource], wanted: &Resource, root: &Resource, is_costly: bool) -> bool {
    if is_costly {
        // Not even a token for all of this server may cost without naming it.
        return audience.contains(wanted);
    }
    // A token of workers-oauth-provider may be bound to no resource.
    audience.is_empty() || Resources::covers(audience, wanted, root)
}

/// True for a token that may have a record.
fn is_token(presented: &PresentedToken) -> bool {
    matches!(
        presented,
        PresentedToken::Ours(_) | PresentedToken::Legacy(_)
    )
}

/// Reads the record of a token. A record of ours that cannot be read is an error, and not a token that has ended.
async fn load_record(
    auth_server: &AuthServer<'_>,
    token: &PresentedToken,
    keys: Rc<Keys>,
    text: &str,
) -> Result<Option<AccessRecord>, RuntimeError> {
    let now = auth_server.runtime.now() / 1000;
    let json = match token {
        PresentedToken::Ours(token) => AccessRecord::find(auth_server.runtime.kv(), token).await?,
        PresentedToken::Legacy(token) => {
            auth_server.may_look_for_legacy()?;
            let key = record::old_key(&token.user, &token.grant, &token.hash());
            let json = auth_server.runtime.kv().get(&key).await?;
            if json.is_none() {
                auth_server.legacy_missed();
            }
            return match json.map(|json| AccessRecord::from_legacy_json(&json, text, now)) {
                Some(Ok(access)) => Ok(Some(access)),
                None | Some(Err(RecordError::Expired)) => Ok(None),
                // Its key is the hash of the token, so it is that token's.
                Some(Err(_)) => Err(legacy::unreadable("token")),
            };
        }
        PresentedToken::UnknownKey(_) | PresentedToken::Unknown => None,
    };
    let Some(json) = json else {
        return Ok(None);
    };
    let mut read = AccessRecord::from_json(&json, &keys, text, now);
    if matches!(read, Err(RecordError::UnknownKey(_))) {
        read = AccessRecord::from_json(&json, &*auth_server.runtime.keys(true).await?, text, now);
    }
    match read {
        Ok(access) => Ok(Some(access)),
        Err(RecordError::Expired) => Ok(None),
        Err(RecordError::UnknownKey(_) | RecordError::NotOne | RecordError::Unreadable) => {
            Err(Format::AccessRecord.unreadable())
        }
    }
}

/// Reads an access token's record, whichever resource the token is for: for introspection and revocation.
pub(crate) async fn look_up(
    auth_server: &AuthServer<'_>,
    text: &str,
) -> Result<Option<AccessRecord>, RuntimeError> {
    let (keys, presented) = auth_server.verify_token(text, TokenKind::Access).await?;
    load_record(auth_server, &presented, keys, text).await
}

fn refused(auth_server: &AuthServer<'_>, path: &str, denied: &Denied) -> TokenRefusal {
    let (error, description) = match denied {
        Denied::Missing => (
            None,
            "Sign in first: send an access token of this server as Authorization: Bearer.",
        ),
        Denied::Malformed => (
            Some(BearerError::InvalidRequest),
            "The Authorization header is not Bearer and a token.",
        ),
        Denied::Invalid(reason) => (Some(BearerError::InvalidToken), *reason),
    };
    let url = well_known_url(&format!("{}{path}", auth_server.origin), PROTECTED_RESOURCE);
    let scopes = auth_server.scopes_at(path.strip_suffix('/').unwrap_or(path));
    let challenge = BearerChallenge {
        error,
        description: error.map(|_| description),
        scopes: Some(&scopes),
        resource_metadata: &url,
    };
    TokenRefusal {
        status: error.map_or(401, BearerError::status),
        challenge: challenge.to_string(),
        error: error.map(BearerError::code),
        description,
    }
}

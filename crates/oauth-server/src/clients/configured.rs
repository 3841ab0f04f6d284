//! Clients that a deployment lists itself, rather than have them register.

use serde_json::{Map, Value};

use crate::client::{AUTHORIZATION_CODE, AuthMethod, Client, ClientSource, REFRESH_TOKEN};
use crate::redirect_policy::RedirectPolicy;
use crate::registration::{self, CLIENT_CREDENTIALS, RegistrationOffer};
use crate::registry::MAX_ID_CHARS;
use crate::scope::Scopes;
use crate::secret::sha256_hex;

/// Member for the authentication method of a client.
const METHOD: &str = "token_endpoint_auth_method";

/// Reads the clients of a configuration: a JSON list of client metadata (RFC 7591 section 2), each with its `client_id`,
/// and its `client_secret` or the SHA-256 of that in hex as `client_secret_sha256` if it is to have one. Without
/// `grant_types` it may use codes and refresh tokens. `also` are the grant types that this server has besides.
///
/// # Errors
/// With the first error and the client that has it, for the operator.
pub fn parse(json: &str, also: &[&str]) -> Result<Vec<Client>, String> {
    let own = [AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS];
    let mut grant_types: Vec<_> = own
        .into_iter()
        .chain(also.iter().copied())
        .map(str::to_owned)
        .collect();
    grant_types.dedup();
    let offer = RegistrationOffer {
        grant_types,
        redirects: RedirectPolicy::any(),
        ..RegistrationOffer::default()
    };
    let list: Vec<Map<String, Value>> = serde_json::from_str(json)
        .map_err(|_| "The clients must be a JSON list of objects.".to_owned())?;
    let mut clients: Vec<Client> = Vec::new();
    for (at, members) in list.into_iter().enumerate() {
        let client = one(members, &offer)
            .map_err(|reason| format!("Client {at} of the configuration: {reason}"))?;
        if clients.iter().any(|other| other.id == client.id) {
            return Err(format!(
                "Client {at} of the configuration: its client_id is taken by another."
            ));
        }
        clients.push(client);
    }
    Ok(clients)
}

fn one(mut members: Map<String, Value>, offer: &RegistrationOffer) -> Result<Client, String> {
    let id = take_text(&mut members, "client_id")?.ok_or("client_id is missing.")?;
    if id.len() > MAX_ID_CHARS || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "client_id may have up to {MAX_ID_CHARS} printable ASCII characters."
        ));
    }
    let secret_hash = take_secret_hash(&mut members)?;
    check_scope(&members)?;
    if !members.contains_key("grant_types") {
        members.insert(
            "grant_types".to_owned(),
            Value::from(vec![AUTHORIZATION_CODE, REFRESH_TOKEN]),
        );
    }
    if !members.contains_key(METHOD) && secret_hash.is_none() {
        members.insert(METHOD.to_owned(), Value::from(AuthMethod::None.as_str()));
    }
    let client = registration::parse(&Value::Object(members).to_string(), offer)
        .map_err(|error| error.description())?;
    if client.is_public() == secret_hash.is_some() {
        return Err(
            "It needs a secret if, and only if, its token_endpoint_auth_method is not none."
                .to_owned(),
        );
    }
    Ok(Client {
        id,
        secret_hash,
        from: ClientSource::Configured,
        ..client
    })
}

/// The scopes limit a client of the configuration, so one that cannot be read must not be left out silently.
fn check_scope(members: &Map<String, Value>) -> Result<(), String> {
    let scope = members.get("scope").filter(|scope| !scope.is_null());
    let is_wrong = scope.is_some_and(|scope| {
        scope
            .as_str()
            .is_none_or(|scope| Scopes::parse(scope).is_err())
    });
    if is_wrong {
        return Err("scope must be a string of scope-tokens (RFC 6749 section 3.3).".to_owned());
    }
    Ok(())
}

/// The hash of the client's secret, which is given as it is or as that hash; none for a client without one.
fn take_secret_hash(members: &mut Map<String, Value>) -> Result<Option<String>, String> {
    let secret = take_text(members, "client_secret")?;
    let hash = match (secret, take_text(members, "client_secret_sha256")?) {
        (Some(_), Some(_)) => {
            return Err("Give client_secret or client_secret_sha256, not both.".to_owned());
        }
        (Some(secret), None) => Some(sha256_hex(&secret)),
        (None, hash) => hash.map(|hash| hash.to_ascii_lowercase()),
    };
    let is_hash =
        |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hash.as_ref().is_some_and(|hash| !is_hash(hash)) {
        return Err("client_secret_sha256 must be 64 hexadecimal digits.".to_owned());
    }
    Ok(hash)
}

fn take_text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a string that is not empty.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_with_a_secret_is_confidential_and_one_without_is_public() {
        let json = r#"[
            { "client_id": "desk", "redirect_uris": ["https://a.example/cb"], "client_name": "Desk" },
            { "client_id": "job", "client_secret": "s3cret", "grant_types": ["client_credentials"] },
            { "client_id": "post", "client_secret_sha256":
                "AE448AC86C4E8E4DEC645729708EF41873AE79C6DFF84EFF73360989487F08E5",
              "token_endpoint_auth_method": "client_secret_post", "redirect_uris": ["https://b.example/cb"] }
        ]"#;
        let clients = parse(json, &[]).unwrap();
        let [desk, job, post] = clients.as_slice() else {
            panic!("{clients:?}")
        };
        assert!(
            desk.is_public()
                && desk.may_refresh()
                && desk.from == ClientSource::Configured
                && desk.expires.is_none()
        );
        assert_eq!(
            (job.id.as_str(), job.auth_method),
            ("job", AuthMethod::Basic)
        );
        assert_eq!(
            job.secret_hash.as_deref(),
            Some(sha256_hex("s3cret").as_str())
        );
        assert!(job.may(CLIENT_CREDENTIALS) && !job.may_refresh() && job.response_types.is_empty());
        assert_eq!(post.auth_method, AuthMethod::Post);
        assert!(post.secret_hash.as_ref().unwrap().starts_with("ae448ac8"));
    }

    #[test]
    fn a_wrong_configured_client_is_named_with_its_fault() {
        for (json, expected) in [
            ("{}", "The clients must be a JSON list of objects."),
            ("[5]", "The clients must be a JSON list of objects."),
            (
                "[{}]",
                "Client 0 of the configuration: client_id is missing.",
            ),
            (
                r#"[{"client_id":"a b","redirect_uris":["https://a.example/cb"]}]"#,
                "Client 0 of the configuration: client_id may have up to 256 printable ASCII characters.",
            ),
            (
                r#"[{"client_id":"a","redirect_uris":["javascript:x"]}]"#,
                "Client 0 of the configuration: redirect_uris[0] is refused",
            ),
            (
                r#"[{"client_id":"a","redirect_uris":["https://a.example/cb"],
                    "token_endpoint_auth_method":"client_secret_basic"}]"#,
                "Client 0 of the configuration: It needs a secret if",
            ),
            (
                r#"[{"client_id":"a","client_secret":"s","redirect_uris":["https://a.example/cb"],
                    "token_endpoint_auth_method":"none"}]"#,
                "Client 0 of the configuration: It needs a secret if",
            ),
            (
                r#"[{"client_id":"a","client_secret_sha256":"s3cret","redirect_uris":["https://a.example/cb"]}]"#,
                "Client 0 of the configuration: client_secret_sha256 must be 64 hexadecimal digits.",
            ),
            (
                r#"[{"client_id":"a","redirect_uris":["https://a.example/cb"],"scope":"a\\\\b"}]"#,
                "Client 0 of the configuration: scope must be",
            ),
            (
                r#"[{"client_id":"a","redirect_uris":["https://a.example/cb"]},
                    {"client_id":"a","redirect_uris":["https://b.example/cb"]}]"#,
                "Client 1 of the configuration: its client_id is taken by another.",
            ),
        ] {
            let error = parse(json, &[]).unwrap_err();
            assert!(error.starts_with(expected), "{json}: {error}");
            assert!(!error.contains("s3cret"));
        }
    }

    #[test]
    fn the_grant_type_of_a_configured_client_must_be_supported() {
        let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
        let json =
            format!(r#"[{{"client_id":"a","client_secret":"s","grant_types":["{exchange}"]}}]"#);
        assert!(parse(&json, &[]).is_err());
        assert!(parse(&json, &[exchange]).unwrap()[0].may(exchange));
    }
}

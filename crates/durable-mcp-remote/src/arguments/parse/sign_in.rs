//! Flags of sign-in.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};

use super::{Environment, Given, UsageError, json_object, leading_integer};
use crate::arguments::values::{is_loopback_host, is_safe_destination, read};
use crate::arguments::{Grant, Resource, SignInArguments, StoreKind};
use crate::sign_in::ClientKey;

/// Object of JSON, as a flag gives it.
type Object = Map<String, Value>;

/// Ten times as long as `mcp-remote` waits: a password, a second factor and a consent take minutes.
const SIGN_IN_TIMEOUT: Duration = Duration::from_mins(5);

const CALLBACK_PATH: &str = "/oauth/callback";

/// Paths by which instances on this machine find one another.
const RESERVED_PATHS: [&str; 2] = ["/wait-for-auth", "/.mcp-remote/id"];

/// Browsers on Windows may resolve `localhost` to `[::1]` alone, where nothing listens.
const CALLBACK_HOST: &str = if cfg!(windows) {
    "127.0.0.1"
} else {
    "localhost"
};

/// Parameters that each authorization request has a value of its own of.
const DERIVED_PARAMS: [&str; 6] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "response_type",
    "state",
];

impl Given {
    pub(super) fn sign_in(
        &mut self,
        environment: Environment<'_>,
    ) -> Result<SignInArguments, UsageError> {
        let client_metadata = self.object("static-oauth-client-metadata", environment)?;
        let client_info = self.client_info(environment)?;
        let client_key = self.client_key()?;
        let client_metadata_url = self.client_metadata_url();
        if client_key.is_some() && client_info.is_none() && client_metadata_url.is_none() {
            return Err(UsageError::new(
                "--client-key is of a registered client; add --static-oauth-client-info with its client_id, or --client-metadata-url",
            ));
        }
        Ok(SignInArguments {
            grant: self.grant()?,
            callback_host: self.callback_host()?,
            callback_path: self.callback_path(),
            success_url: self.success_url()?,
            timeout: self.sign_in_timeout(),
            client_metadata,
            client_info,
            client_key,
            client_metadata_url,
            use_id_token: self.has("use-id-token"),
            resource: self.resource()?,
            authorize_params: self.authorize_params()?,
            scope: self.take("scope").filter(|scope| !scope.trim().is_empty()),
            open_browser: !self.has("no-browser"),
            paste: self.has("paste"),
            store: self.store()?,
            allow_missing_pkce: self.has("allow-missing-pkce"),
        })
    }

    fn client_info(&mut self, environment: Environment<'_>) -> Result<Option<Object>, UsageError> {
        let client = self.object("static-oauth-client-info", environment)?;
        let lacks_id = |client: &Object| !client.get("client_id").is_some_and(Value::is_string);
        if client.as_ref().is_some_and(lacks_id) {
            return Err(UsageError::new(
                "--static-oauth-client-info lacks client_id; add the id that you registered",
            ));
        }
        Ok(client)
    }

    fn object(
        &mut self,
        flag: &str,
        environment: Environment<'_>,
    ) -> Result<Option<Object>, UsageError> {
        let Some(value) = self.take(flag) else {
            return Ok(None);
        };
        json_object(
            &format!("--{flag}"),
            &value,
            environment,
            &mut self.warnings,
        )
        .map(Some)
    }

    fn client_key(&mut self) -> Result<Option<ClientKey>, UsageError> {
        let Some(path) = self.take("client-key") else {
            return Ok(None);
        };
        let pem = read("--client-key", Path::new(&path))?;
        ClientKey::from_pem(pem.as_bytes()).map(Some).ok_or_else(|| {
            UsageError::new(format!(
                "--client-key: {path} has no private key; give one of EC, RSA or Ed25519 in PEM, without a password"
            ))
        })
    }

    fn grant(&mut self) -> Result<Grant, UsageError> {
        let token_endpoint = self.token_endpoint()?;
        match (self.has("device-code"), self.has("client-credentials")) {
            (true, true) => Err(UsageError::new(
                "--device-code and --client-credentials exclude each other; leave one",
            )),
            (_, false) if token_endpoint.is_some() => Err(UsageError::new(
                "--token-endpoint needs --client-credentials; add it, or leave the endpoint out",
            )),
            (true, false) => Ok(Grant::DeviceCode),
            (false, true) => Ok(Grant::ClientCredentials { token_endpoint }),
            (false, false) => Ok(Grant::AuthorizationCode),
        }
    }

    fn token_endpoint(&mut self) -> Result<Option<Url>, UsageError> {
        let Some(value) = self.take("token-endpoint") else {
            return Ok(None);
        };
        let url = Url::parse(value.trim())
            .ok()
            .filter(|url| is_safe_destination(url, false));
        url.map(Some).ok_or_else(|| {
            UsageError::new(
                "--token-endpoint takes an https:// URL (http:// on this machine only) without user, password or fragment",
            )
        })
    }

    fn callback_host(&mut self) -> Result<String, UsageError> {
        let Some(host) = self.take("host") else {
            return Ok(CALLBACK_HOST.to_owned());
        };
        if is_loopback_host(&host) {
            Ok(host)
        } else {
            Err(UsageError::new(format!(
                "--host {host:?} is not this machine, and codes of a sign-in must not leave it; use localhost, 127.0.0.1 or [::1]"
            )))
        }
    }

    fn callback_path(&mut self) -> String {
        let Some(path) = self.take("callback-path") else {
            return CALLBACK_PATH.to_owned();
        };
        if path.starts_with('/') && !RESERVED_PATHS.contains(&path.as_str()) {
            return path;
        }
        self.warnings.push(format!(
            "--callback-path {path:?} is ignored; it must begin with / and be none of {}",
            RESERVED_PATHS.join(" and ")
        ));
        CALLBACK_PATH.to_owned()
    }

    fn success_url(&mut self) -> Result<Option<Url>, UsageError> {
        let Some(value) = self.take("auth-success-url") else {
            return Ok(None);
        };
        let allow_http = self.has("allow-http");
        let url = Url::parse(&value)
            .ok()
            .filter(|url| is_safe_destination(url, allow_http) && !value.contains(['?', '#']));
        url.map(Some).ok_or_else(|| {
            UsageError::new(
                "--auth-success-url takes an https:// URL (http:// on this machine or with --allow-http) without user, query or fragment",
            )
        })
    }

    fn sign_in_timeout(&mut self) -> Duration {
        let Some(value) = self.take("auth-timeout") else {
            return SIGN_IN_TIMEOUT;
        };
        if let Some(seconds) = leading_integer(&value).filter(|seconds| *seconds > 0) {
            return Duration::from_secs(seconds);
        }
        self.warnings.push(format!(
            "--auth-timeout {value:?} is ignored; give a number of seconds above 0"
        ));
        SIGN_IN_TIMEOUT
    }

    fn client_metadata_url(&mut self) -> Option<String> {
        let value = self.take("client-metadata-url")?.trim().to_owned();
        if Url::parse(&value).is_ok_and(|url| url.scheme() == "https" && url.path() != "/") {
            return Some(value);
        }
        self.warnings.push(format!(
            "--client-metadata-url {value:?} is ignored; give an https:// URL with a path"
        ));
        None
    }

    fn resource(&mut self) -> Result<Resource, UsageError> {
        let given = self.take("resource").map(|value| value.trim().to_owned());
        if self.has("disable-resource-parameter") {
            if given.is_some_and(|value| !value.is_empty()) {
                self.warnings
                    .push("--disable-resource-parameter overrides --resource".to_owned());
            }
            return Ok(Resource::Omitted);
        }
        match given {
            None => Ok(Resource::Derived),
            Some(value) if value.is_empty() => Ok(Resource::Omitted),
            Some(value) if Url::parse(&value).is_ok() => Ok(Resource::Given(value)),
            Some(value) => Err(UsageError::new(format!(
                "--resource {value:?} is no absolute URI (RFC 8707); write it whole, such as https://example.com/mcp"
            ))),
        }
    }

    fn authorize_params(&mut self) -> Result<Vec<(String, String)>, UsageError> {
        let mut params: Vec<(String, String)> = Vec::new();
        for given in self.list("authorize-param") {
            let (key, value) = given
                .split_once('=')
                .map(|(key, value)| (key.trim(), value))
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| {
                    UsageError::new("--authorize-param takes key=value, such as audience=https://api.example.com")
                })?;
            if DERIVED_PARAMS.contains(&key) {
                return Err(UsageError::new(format!(
                    "--authorize-param cannot set {key}, which each sign-in derives; leave it out"
                )));
            }
            if key == "resource" {
                let reason =
                    "--authorize-param resource=... is not in token requests; use --resource";
                self.warnings.push(reason.to_owned());
            }
            match params.iter_mut().find(|(known, _)| known == key) {
                Some(known) => value.clone_into(&mut known.1),
                None => params.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(params)
    }

    fn store(&mut self) -> Result<StoreKind, UsageError> {
        match self.take("store").as_deref() {
            None | Some("file") => Ok(StoreKind::File),
            Some("keychain") => Ok(StoreKind::Keychain),
            Some(other) => Err(UsageError::new(format!(
                "--store {other:?} is unknown; use file or keychain"
            ))),
        }
    }
}

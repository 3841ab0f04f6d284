//! Device authorization grant (RFC 8628): the person signs in on another device.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::context::{Context, GrantedScopes, Need, Progress, issued, publish_link};
use super::error::{SignInError, printable};
use super::http::Answer;
use super::token::{TokenEndpoint, TokenError};
use crate::store::now_ms;

/// Grant type of the device code.
pub(crate) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Pause between two requests if the server names none, and by how much `slow_down` lengthens it.
const DEFAULT_INTERVAL: u64 = 5;
const SLOW_DOWN: u64 = 5;
/// Life of a code if the server names none, and the longest that is waited for.
const DEFAULT_LIFE: u64 = 1_800;

/// Shows a code, and waits until a person has typed it elsewhere.
pub(crate) async fn run(
    context: &Context,
    need: &Need,
    progress: &watch::Sender<Progress>,
) -> Result<(), SignInError> {
    let discovered = context.discover(&need.challenge).await?;
    let Some(device_endpoint) = &discovered.server.device_authorization_endpoint else {
        return Err(SignInError::impossible(
            "the authorization server has no device codes: leave --device-code out to sign in with a browser",
        ));
    };
    let scopes = context.scopes(&discovered, need);
    let asked = scopes.asked();
    let client = context
        .client_without_redirects(&discovered.server, asked.as_deref())
        .await?;
    let endpoint = context.token_endpoint(&discovered.server, &client)?;
    let resource = context.resource(&discovered);
    let grant = Grant {
        context,
        endpoint: &endpoint,
        scope: asked.as_deref(),
        resource: resource.as_deref(),
    };
    let code = grant.code(device_endpoint).await?;
    let shown = code.shown();
    publish_link(progress, &shown);
    context.show_link("sign in at:", &shown);

    let answer = grant.tokens(&code).await?;
    let base = scopes.base();
    let granted = GrantedScopes {
        asked: asked.as_deref(),
        requested: base.as_deref(),
    };
    context
        .save(&issued(answer, None, &discovered.server.issuer, granted)?)
        .await
}

/// Grant by a code that a person types elsewhere.
struct Grant<'a> {
    context: &'a Context,
    endpoint: &'a TokenEndpoint<'a>,
    scope: Option<&'a str>,
    resource: Option<&'a str>,
}

impl Grant<'_> {
    /// Asks for a code (RFC 8628, section 3.1).
    async fn code(&self, device_endpoint: &Url) -> Result<DeviceCode, SignInError> {
        let mut form = Vec::new();
        form.extend(self.scope.map(|scope| ("scope", scope)));
        form.extend(self.resource.map(|resource| ("resource", resource)));
        self.context.brakes().window(now_ms())?;
        let answer = self
            .endpoint
            .post(&self.context.http, device_endpoint, &form)
            .await?;
        DeviceCode::parse(&answer)
    }

    /// Asks for tokens until the person has typed the code (RFC 8628, section 3.4).
    async fn tokens(&self, code: &DeviceCode) -> Result<Map<String, Value>, SignInError> {
        let mut pause = code.interval;
        let until = Instant::now() + Duration::from_secs(code.life);
        let mut form = vec![
            ("grant_type", GRANT_TYPE),
            ("device_code", code.code.as_str()),
        ];
        form.extend(self.resource.map(|resource| ("resource", resource)));
        while Instant::now() < until {
            sleep(Duration::from_secs(pause)).await;
            match self.endpoint.request(&self.context.http, &form).await {
                Ok(answer) => return Ok(answer),
                Err(TokenError::Refused { code, .. }) if code == "authorization_pending" => {}
                Err(TokenError::Refused { code, .. }) if code == "slow_down" => pause += SLOW_DOWN,
                Err(TokenError::Refused { code, words }) if code == "access_denied" => {
                    return Err(SignInError::Denied(words));
                }
                // Section 3.5: a connection that fails is tried less often.
                Err(TokenError::Lost(_) | TokenError::Failed(SignInError::Unreachable(_))) => {
                    pause = pause.saturating_mul(2);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(SignInError::impossible(
            "the code was not used in time: try again for another",
        ))
    }
}

struct DeviceCode {
    code: String,
    user_code: String,
    uri: Url,
    complete_uri: Option<Url>,
    interval: u64,
    life: u64,
}

impl DeviceCode {
    fn parse(answer: &Answer) -> Result<Self, SignInError> {
        let object = answer
            .object()
            .filter(|_| answer.status.is_success())
            .unwrap_or_default();
        Self::of(&object).ok_or_else(|| {
            SignInError::impossible(format!(
                "the authorization server gave no device code: {}",
                answer.words()
            ))
        })
    }

    fn of(object: &Map<String, Value>) -> Option<Self> {
        let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name| object.get(name).and_then(Value::as_u64);
        let link = |name| {
            text(name)
                .and_then(|link| Url::parse(&link).ok())
                .filter(super::browser::is_web)
        };
        Some(Self {
            code: text("device_code")?,
            user_code: printable(&text("user_code")?),
            uri: link("verification_uri").or_else(|| link("verification_url"))?,
            complete_uri: link("verification_uri_complete"),
            interval: number("interval").unwrap_or(DEFAULT_INTERVAL),
            life: number("expires_in")
                .unwrap_or(DEFAULT_LIFE)
                .min(DEFAULT_LIFE),
        })
    }

    /// Link and code: the code is to be compared also where the link has it (RFC 8628, section 3.3.1).
    fn shown(&self) -> String {
        let uri = self.complete_uri.as_ref().unwrap_or(&self.uri);
        format!("{uri} (code {})", self.user_code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: Value) -> Option<DeviceCode> {
        DeviceCode::of(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_device_code_has_defaults_and_needs_a_web_link() {
        let code = parse(
            json!({ "device_code": "d", "user_code": "AB\u{7}CD", "verification_uri": "https://as.example/device" }),
        )
        .unwrap();
        assert_eq!((code.interval, code.life), (5, 1_800));
        assert_eq!(code.shown(), "https://as.example/device (code AB\\u{7}CD)");
        assert!(
            parse(json!({ "device_code": "d", "user_code": "A", "verification_uri": "javascript:alert(1)" })).is_none()
        );
    }
}

//! Identity provider for trying a server out: accepts any name without a check.

use serde_json::json;

use super::{Callback, Identity, IdentityError, IdentityProvider, LoginRequest, Redirect};
use crate::subjects::{DEMO_SUBJECTS, begins_with};

/// The name of people who enter none.
const ANONYMOUS: &str = "demo";

/// Characters of a name.
const MAX_NAME_CHARS: usize = 64;

/// Accepts any name without a check.
#[derive(Debug, Clone, Copy)]
pub struct Demo;

impl IdentityProvider for Demo {
    async fn start(&self, request: LoginRequest<'_>) -> Result<Redirect, IdentityError> {
        let name: String = request
            .name
            .unwrap_or_default()
            .trim()
            .chars()
            .take(MAX_NAME_CHARS)
            .collect();
        let name = if name.is_empty() {
            ANONYMOUS.to_owned()
        } else {
            name
        };
        let redirect = Redirect::to_callback(&request, json!({ "name": name }));
        Ok(redirect)
    }

    async fn finish(&self, callback: Callback<'_>) -> Result<Identity, IdentityError> {
        let name = callback
            .flow_state
            .get("name")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned);
        let name =
            name.ok_or_else(|| IdentityError::Refused("the flow began elsewhere".to_owned()))?;
        let props = json!({ "name": name });
        Ok(Identity {
            subject: format!("{DEMO_SUBJECTS}{name}"),
            name: Some(name),
            props,
        })
    }

    fn knows(&self, subject: &str) -> bool {
        begins_with(subject, DEMO_SUBJECTS)
    }

    fn title(&self) -> &'static str {
        "the demo sign-in"
    }

    fn is_demo(&self) -> bool {
        true
    }

    fn asks_name(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeUpstream, finish_with, head, start};

    fn signed_in(name: Option<&str>) -> Identity {
        let redirect = start(&Demo, name).unwrap();
        assert_eq!(redirect.url, "https://mcp.example/callback?state=state");
        finish_with(
            &Demo,
            &head("state=state&name=mallory", &[]),
            &redirect.flow_state,
            &FakeUpstream::default(),
        )
        .unwrap()
    }

    #[test]
    fn the_demo_provider_signs_in_any_name_without_a_check() {
        let identity = signed_in(Some(" Ann "));
        assert_eq!(
            (identity.subject.as_str(), identity.name.as_deref()),
            ("demo:Ann", Some("Ann"))
        );
        assert_eq!(identity.props, json!({ "name": "Ann" }));
        for nobody in [None, Some(""), Some("  ")] {
            assert_eq!(signed_in(nobody).subject, "demo:demo");
        }
        assert_eq!(
            signed_in(Some(&"x".repeat(500))).subject.len(),
            "demo:".len() + MAX_NAME_CHARS
        );
    }

    #[test]
    fn a_flow_of_another_provider_is_not_finished() {
        let web = FakeUpstream::default();
        let finished = finish_with(
            &Demo,
            &head("state=state", &[]),
            &json!({ "verifier": "v" }),
            &web,
        );
        assert!(matches!(finished, Err(IdentityError::Refused(_))));
    }
}

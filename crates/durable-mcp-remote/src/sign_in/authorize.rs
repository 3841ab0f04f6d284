//! Authorization request with PKCE (RFC 7636), and the check of what comes back (RFC 9207).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use sha2::{Digest as _, Sha256};

use super::error::{SignInError, printable};
use super::scope::asks_for_offline_access;

/// Parameters of one authorization request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) endpoint: &'a Url,
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) state: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) scope: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    /// `--authorize-param`.
    pub(crate) extra: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// Link that a person opens. Parameters of the endpoint stay; further ones cannot replace what the flow derives.
    pub(crate) fn link(&self) -> Url {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri),
            ("state", self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let derived: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
        let extra = |name: &str| self.extra.iter().any(|(other, _)| other == name);
        if let Some(scope) = self.scope.filter(|_| !extra("scope")) {
            pairs.push(("scope", scope));
            if asks_for_offline_access(scope) && !extra("prompt") {
                pairs.push(("prompt", "consent"));
            }
        }
        if let Some(resource) = self.resource.filter(|_| !extra("resource")) {
            pairs.push(("resource", resource));
        }
        let known = self
            .extra
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.extend(known.filter(|(name, _)| !derived.contains(name)));

        let mut link = self.endpoint.clone();
        let own: Vec<(String, String)> = link.query_pairs().into_owned().collect();
        link.set_query(None);
        link.set_fragment(None);
        let is_set = |name: &str| pairs.iter().any(|(other, _)| *other == name);
        link.query_pairs_mut()
            .extend_pairs(own.iter().filter(|(name, _)| !is_set(name)))
            .extend_pairs(&pairs);
        link
    }
}

/// Random text that is a `state` and a PKCE code verifier.
///
/// # Errors
/// If the system has no randomness.
pub(crate) fn random_text() -> Result<String, SignInError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        SignInError::impossible(format!("the system has no randomness: {error}"))
    })?;
    let mut text = String::with_capacity(64);
    for byte in bytes {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Parameters that the browser brought back.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) iss: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

impl Redirect {
    /// Parameters of a query.
    pub(crate) fn parse(url: &Url) -> Self {
        let mut redirect = Self::default();
        for (name, value) in url.query_pairs() {
            let member = match &*name {
                "state" => &mut redirect.state,
                "code" => &mut redirect.code,
                "iss" => &mut redirect.iss,
                "error" => &mut redirect.error,
                "error_description" => &mut redirect.error_description,
                _ => continue,
            };
            if member.is_none() {
                *member = Some(value.into_owned());
            }
        }
        redirect
    }

    /// Code of the answer, after the check of its issuer: of another server's answer not even the error's text is used.
    pub(crate) fn code(self, issuer: &str, always_sends_iss: bool) -> Result<String, SignInError> {
        match &self.iss {
            Some(iss) if iss != issuer => {
                return Err(SignInError::impossible(format!(
                    "the answer is from {}, but {} was asked: it is not used",
                    printable(iss),
                    printable(issuer)
                )));
            }
            None if always_sends_iss => {
                return Err(SignInError::impossible(format!(
                    "the answer does not say that it is from {}, which always does: it is not used",
                    printable(issuer)
                )));
            }
            _ => {}
        }
        if let Some(error) = self.error {
            let words = match self.error_description {
                Some(description) => format!("{}: {}", printable(&error), printable(&description)),
                None => printable(&error),
            };
            return Err(SignInError::Denied(words));
        }
        self.code
            .filter(|code| !code.is_empty())
            .ok_or_else(|| SignInError::impossible("the answer has no code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(query: &str) -> Redirect {
        Redirect::parse(&Url::parse(&format!("http://localhost/oauth/callback?{query}")).unwrap())
    }

    fn pairs(link: &Url) -> Vec<(String, String)> {
        link.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_pkce_challenge_is_that_of_the_rfc() {
        let endpoint = Url::parse("https://as.example/authorize?tenant=1&state=theirs#x").unwrap();
        let extra = [
            ("audience".to_owned(), "a b".to_owned()),
            ("state".to_owned(), "mine".to_owned()),
        ];
        let request = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "c",
            redirect_uri: "http://localhost:1/oauth/callback",
            state: "s",
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            scope: Some("read offline_access"),
            resource: Some("https://x.example/mcp"),
            extra: &extra,
        };
        let link = request.link();
        assert_eq!(link.fragment(), None);
        let of = |name: &str| -> Vec<String> {
            pairs(&link)
                .into_iter()
                .filter(|(other, _)| other == name)
                .map(|(_, value)| value)
                .collect()
        };
        assert_eq!(
            of("code_challenge"),
            ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
        );
        assert_eq!(of("state"), ["s"]);
        assert_eq!(of("tenant"), ["1"]);
        assert_eq!(of("audience"), ["a b"]);
        assert_eq!(of("prompt"), ["consent"]);
        assert_eq!(of("resource"), ["https://x.example/mcp"]);
    }

    #[test]
    fn an_authorization_response_of_another_issuer_is_ignored() {
        let issuer = "https://as.example";
        assert_eq!(
            redirect("code=c&iss=https%3A%2F%2Fas.example").code(issuer, true),
            Ok("c".to_owned())
        );
        assert_eq!(redirect("code=c").code(issuer, false), Ok("c".to_owned()));
        for query in [
            "code=c&iss=https%3A%2F%2Fevil.example",
            "code=c&iss=https%3A%2F%2Fas.example%2F",
            "code=c&iss=",
        ] {
            assert!(
                matches!(
                    redirect(query).code(issuer, false),
                    Err(SignInError::Impossible(_))
                ),
                "{query}"
            );
        }
        assert!(matches!(
            redirect("code=c").code(issuer, true),
            Err(SignInError::Impossible(_))
        ));
        let error = redirect(
            "error=access_denied&error_description=planted&iss=https%3A%2F%2Fevil.example",
        )
        .code(issuer, false);
        assert!(!error.unwrap_err().to_string().contains("planted"));
    }

    #[test]
    fn a_refused_authorization_has_the_text_of_the_server() {
        let error = redirect("error=access_denied&error_description=no%1b")
            .code("https://as.example", false)
            .unwrap_err();
        assert_eq!(
            error,
            SignInError::Denied("access_denied: no\\u{1b}".to_owned())
        );
    }

    #[test]
    fn random_texts_are_valid_states_and_verifiers() {
        let text = random_text().unwrap();
        assert_eq!(text.len(), 64);
        assert!(crate::store::records::PendingFlow::could_be_state(&text));
        assert_ne!(text, random_text().unwrap());
    }
}

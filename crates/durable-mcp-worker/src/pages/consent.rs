//! The page that asks whether a client may come in.

use askama::Template;
use durable_core::wire::Reply;
use http::StatusCode;

use super::frame::Frame;
use super::person_page;

/// Receiver of the authorization response, by its redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A server on the web, by host.
    Web(String),
    /// A program on the device that the browser runs on, by host and port.
    Device(String),
    /// The application that links of this scheme open.
    Application(String),
}

/// A scope.
#[derive(Debug, Clone, Copy)]
pub struct ConsentScope<'a> {
    /// Name of the scope.
    pub name: &'a str,
    /// Description of the scope in plain words.
    pub words: Option<&'a str>,
}

/// The page. Everything about the client is what it says itself.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    /// Frame of the page.
    pub frame: Frame<'a>,
    /// Path to which the form is sent.
    pub action: &'a str,
    /// Id of the sign-in that the form belongs to.
    pub flow: &'a str,
    /// Token that protects the form against CSRF.
    pub csrf: &'a str,
    /// Name that the client gave itself, as plain text; none if nothing of it can be shown.
    pub client: Option<String>,
    /// The host that vouches for the client: its metadata document is there.
    pub publisher: Option<&'a str>,
    /// The client's own page: its URL and host.
    pub website: Option<(&'a str, &'a str)>,
    /// Receiver of the authorization response.
    pub destination: Destination,
    /// Scopes that the client asks for.
    pub scopes: Vec<ConsentScope<'a>>,
    /// Resources that the client asks for.
    pub resources: Vec<&'a str>,
    /// True if the client gets a refresh token, and so stays connected until it is disconnected.
    pub stays: bool,
    /// True if the browser can remember the consent.
    pub may_remember: bool,
    /// Initial value of the field for a name; none if there is no such field.
    pub asks_name: Option<&'a str>,
    /// Name of the identity provider, at which people sign in after this page.
    pub provider: &'a str,
    /// Path of the account page.
    pub account: &'a str,
}

impl ConsentPage<'_> {
    fn client(&self) -> &str {
        let nameless = self
            .frame
            .say("an application without a name", "一个没有名称的应用");
        self.client.as_deref().unwrap_or(nameless)
    }

    /// The answer with the page. A browser may send its form nowhere but here, and from here to where the client is: to
    /// `onward`, sources of a content security policy.
    #[must_use]
    pub fn reply(&self, onward: &str) -> Reply {
        person_page(StatusCode::OK, self, onward)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::plain;
    use crate::pages::language::Language;

    const MARKUP: &str = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>";

    fn page(text: &str, destination: Destination, language: Language) -> String {
        let consent = ConsentPage {
            frame: Frame {
                server: text,
                language,
                is_demo: true,
            },
            action: "/authorize",
            flow: "flow",
            csrf: "csrf",
            client: Some(plain(text, 100)),
            publisher: Some(text),
            website: Some((text, text)),
            destination,
            scopes: vec![
                ConsentScope {
                    name: text,
                    words: Some(text),
                },
                ConsentScope {
                    name: text,
                    words: None,
                },
            ],
            resources: vec![text],
            stays: true,
            may_remember: true,
            asks_name: Some(text),
            provider: text,
            account: "/account",
        };
        consent.render().unwrap()
    }

    #[test]
    fn markup_of_a_client_stays_text_on_the_consent_page() {
        for language in [Language::English, Language::Chinese] {
            for make in [
                Destination::Web,
                Destination::Device,
                Destination::Application,
            ] {
                let html = page(MARKUP, make(MARKUP.to_owned()), language);
                assert!(
                    !html.contains("<script")
                        && !html.contains("<img")
                        && !html.contains("onerror='"),
                    "{html}"
                );
            }
        }
    }

    #[test]
    fn the_consent_page_loads_only_the_style_sheet() {
        let html = page(
            "x",
            Destination::Web("client.example".to_owned()),
            Language::English,
        );
        assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("style="));
        assert_eq!(html.matches("rel=\"stylesheet\"").count(), 1);
    }

    #[test]
    fn a_redirect_to_this_device_shows_a_warning() {
        let page = |destination| page("x", destination, Language::English);
        assert!(!page(Destination::Web("client.example".to_owned())).contains("class=\"warning\""));
        let device = page(Destination::Device("localhost:1".to_owned()));
        assert!(device.contains("class=\"warning\"") && device.contains("localhost:1"));
        let application = page(Destination::Application("cursor".to_owned()));
        assert!(application.contains("class=\"warning\"") && application.contains("cursor:"));
    }
}

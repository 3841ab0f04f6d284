//! Account page, on which people see the clients that they let in, and take it back.

use askama::Template;
use durable_core::wire::Reply;
use http::StatusCode;

use super::frame::Frame;
use super::person_page;

/// A client that was let in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id of the grant.
    pub id: String,
    /// Name that the client gave itself; none if nothing of it can be shown.
    pub name: Option<String>,
    /// The host of the client's id, where that is its document.
    pub publisher: Option<String>,
    /// The day on which it was let in.
    pub since: String,
    /// The day on which it got tokens last.
    pub used: String,
    /// Scopes of the grant, in plain words where the server describes them.
    pub scopes: Vec<String>,
    /// Sessions of the client, the newest first.
    pub sessions: Vec<ListedSession>,
}

/// A session that a client began.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// Key by which the session is ended.
    pub key: String,
    /// The client's name and version, as it says itself; empty if it does not.
    pub client: String,
    /// Name of the transport; for Streamable HTTP, with the protocol version.
    pub transport: String,
    /// Minute in which the session began.
    pub since: String,
}

/// The page for somebody who is signed in.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    /// Frame of the page.
    pub frame: Frame<'a>,
    /// Path to which the forms are sent.
    pub action: &'a str,
    /// Token that protects the forms against CSRF.
    pub csrf: &'a str,
    /// Name of the user who is signed in.
    pub person: &'a str,
    /// Clients that the user let in, the newest first.
    pub connections: &'a [Connection],
    /// Number of consents that this browser remembers.
    pub remembered: usize,
    /// Requests of today's chat in the playground, and tokens of their answers; none where there is no chat.
    pub chat: Option<(u64, u64)>,
    /// Confirmation of the action that the page was just asked for.
    pub done: Option<&'a str>,
}

/// The page for somebody who is not signed in.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignedOutPage<'a> {
    /// Frame of the page.
    pub frame: Frame<'a>,
    /// Path to which the form is sent.
    pub action: &'a str,
    /// True if the form asks for a name.
    pub asks_name: bool,
    /// Name of the identity provider.
    pub provider: &'a str,
}

impl AccountPage<'_> {
    fn name<'a>(&'a self, connection: &'a Connection) -> &'a str {
        let nameless = self
            .frame
            .say("An application without a name", "一个没有名称的应用");
        connection.name.as_deref().unwrap_or(nameless)
    }

    /// The answer with the page.
    #[must_use]
    pub fn reply(&self) -> Reply {
        person_page(StatusCode::OK, self, "")
    }
}

impl SignedOutPage<'_> {
    /// The answer with the page. Its form leads on to the identity provider: to `onward`.
    #[must_use]
    pub fn reply(&self, onward: &str) -> Reply {
        person_page(StatusCode::OK, self, onward)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::language::Language;

    #[test]
    fn markup_from_outside_stays_text_on_the_account_page() {
        let markup = "\"><script>alert(1)</script>";
        let connection = Connection {
            id: markup.to_owned(),
            name: Some(markup.to_owned()),
            publisher: Some(markup.to_owned()),
            since: "2026-11-22".to_owned(),
            used: "2026-11-22".to_owned(),
            scopes: vec![markup.to_owned()],
            sessions: vec![ListedSession {
                key: markup.to_owned(),
                client: markup.to_owned(),
                transport: markup.to_owned(),
                since: "2026-11-22 10:00 UTC".to_owned(),
            }],
        };
        let account = AccountPage {
            frame: Frame {
                server: markup,
                language: Language::English,
                is_demo: false,
            },
            action: "/account",
            csrf: "csrf",
            person: markup,
            connections: &[connection],
            remembered: 1,
            chat: Some((1, 2)),
            done: Some(markup),
        };
        let html = account.render().unwrap();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(
            html.matches("value=\"csrf\"").count(),
            html.matches("<form").count()
        );
    }
}

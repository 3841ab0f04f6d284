//! The page on which people see whom they let in, and take it back.

use askama::Template;
use http::StatusCode;

use super::frame::Frame;
use super::person_page;
use crate::wire::Reply;

/// A client that was let in.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The id of the grant.
    pub id: String,
    /// What the client calls itself; none if that is nothing.
    pub name: Option<String>,
    /// The host of the client's id, where that is its document.
    pub publisher: Option<String>,
    /// The day on which it was let in.
    pub since: String,
    /// The day on which it got tokens last.
    pub used: String,
    /// What it may do: names of scopes, in plain words where there are any.
    pub scopes: Vec<String>,
    /// Its sessions, the newest first.
    pub sessions: Vec<UnderWay>,
}

/// A session that a client began.
#[derive(Debug, Clone)]
pub struct UnderWay {
    /// What names it.
    pub key: String,
    /// The client's name and version, as it says itself; empty if it does not.
    pub client: String,
    /// How it is reached.
    pub transport: String,
    /// When it began.
    pub since: String,
}

/// The page for somebody who is signed in.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Where the forms go.
    pub action: &'a str,
    /// What shows that a form is this server's.
    pub csrf: &'a str,
    /// Who is signed in.
    pub person: &'a str,
    /// Whom they let in, the newest first.
    pub connections: &'a [Connection],
    /// How many answers this browser remembers.
    pub remembered: usize,
    /// Requests of today's chat in the playground, and tokens of their answers; none where there is no chat.
    pub chat: Option<(u64, u64)>,
    /// What was just done.
    pub done: Option<&'a str>,
}

/// The page for somebody who is not.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignedOut<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Where the form goes.
    pub action: &'a str,
    /// The field for a name.
    pub asks_name: bool,
    /// Who signs people in.
    pub provider: &'a str,
}

impl Account<'_> {
    fn name<'a>(&'a self, connection: &'a Connection) -> &'a str {
        let nameless = self.frame.say("An application without a name", "一个没有名称的应用");
        connection.name.as_deref().unwrap_or(nameless)
    }

    /// The answer with the page.
    #[must_use]
    pub fn reply(&self) -> Reply {
        person_page(StatusCode::OK, self, "")
    }
}

impl SignedOut<'_> {
    /// The answer with the page. Its form leads to who signs people in: to `onward`.
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
    fn what_came_from_outside_stays_text() {
        let markup = "\"><script>alert(1)</script>";
        let connection = Connection {
            id: markup.to_owned(),
            name: Some(markup.to_owned()),
            publisher: Some(markup.to_owned()),
            since: "2026-11-22".to_owned(),
            used: "2026-11-22".to_owned(),
            scopes: vec![markup.to_owned()],
            sessions: vec![UnderWay {
                key: markup.to_owned(),
                client: markup.to_owned(),
                transport: markup.to_owned(),
                since: "2026-11-22 10:00 UTC".to_owned(),
            }],
        };
        let account = Account {
            frame: Frame { server: markup, language: Language::English, is_demo: false },
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
        assert_eq!(html.matches("value=\"csrf\"").count(), html.matches("<form").count());
    }
}

//! A person's browser with its cookies, in front of a deployment with sign-in.

mod deployment;

use std::borrow::Cow;
use std::rc::Rc;

use durable_core::wire::{Head, Headers, ReplyBody};
use durable_mcp_worker::http::router;
use futures_executor::block_on;
use http::Method;
use oauth_server::params::{RequestParams, encode_query};
use oauth_server::testing::Invocation;
use serde_json::{Value, json};

use self::deployment::Visit;
pub(crate) use self::deployment::{CHALLENGE, Deployment, ORIGIN, REDIRECT, StandIn, UPSTREAM};
use super::grants::VERIFIER;

struct Sent(Vec<(String, String)>);

impl Headers for Sent {
    fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into())
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

/// An answer as a browser shows it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) text: String,
}

impl Shown {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| &**value)
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
            .unwrap_or_else(|| panic!("no redirect: {} {}", self.status, self.text))
    }

    /// A parameter of where it leads.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let query = self.location().split_once('?')?.1;
        RequestParams::parse(query)
            .unwrap()
            .get(name)
            .map(str::to_owned)
    }

    /// The value of a form's field.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .text
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name}: {}", self.text));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A person's browser.
pub(crate) struct Browser<'a> {
    deployment: &'a Deployment,
    pub(crate) origin: String,
    /// As RFC 6265 orders them: a cookie that is set again keeps its place.
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) set: Vec<String>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(deployment: &'a Deployment) -> Self {
        Self {
            deployment,
            origin: ORIGIN.to_owned(),
            cookies: Vec::new(),
            set: Vec::new(),
        }
    }

    pub(crate) fn send(
        &mut self,
        method: Method,
        url: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Shown {
        let url = url.strip_prefix(&self.origin).unwrap_or(url);
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (scheme, host) = self.origin.split_once("://").unwrap();
        let mut sent: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        sent.push(("cookie".to_owned(), cookies.join("; ")));
        let media_type = if body.starts_with('{') {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        sent.push(("content-type".to_owned(), media_type.to_owned()));
        let head = Head {
            method,
            secure: scheme == "https",
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Rc::new(Sent(sent)),
        };
        let ends = head.method == Method::DELETE;
        let visit = Visit {
            deployment: self.deployment,
            ends,
            body: body.to_owned(),
        };
        // Each request is an invocation, which the platform allows so many operations.
        let before = self.deployment.kv().charge(Some(Invocation::default()));
        let reply = block_on(router::handle(&self.deployment.app, &head, &visit));
        self.deployment.kv().charge(before);
        for (_, line) in reply
            .headers
            .iter()
            .filter(|(name, _)| *name == "set-cookie")
        {
            self.take(line);
        }
        let ReplyBody::Text(text) = reply.body else {
            return Shown {
                status: reply.status.as_u16(),
                headers: reply.headers,
                text: String::new(),
            };
        };
        Shown {
            status: reply.status.as_u16(),
            headers: reply.headers,
            text,
        }
    }

    fn take(&mut self, line: &str) {
        self.set.push(line.to_owned());
        let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
        if line.contains("Max-Age=0") {
            self.cookies.retain(|(known, _)| known != name);
        } else if let Some(known) = self.cookies.iter_mut().find(|(known, _)| known == name) {
            value.clone_into(&mut known.1);
        } else {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    pub(crate) fn pass_ms(&self, ms: u64) {
        self.deployment.pass_ms(ms);
    }

    pub(crate) fn get(&mut self, url: &str) -> Shown {
        self.send(Method::GET, url, "", &[])
    }

    pub(crate) fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Shown {
        let origin = self.origin.clone();
        self.send(
            Method::POST,
            url,
            &encode_query(fields),
            &[("origin", &origin)],
        )
    }

    /// Opens a client's authorization request; `more` replaces its parameters.
    pub(crate) fn asked(&mut self, client: &str, more: &[(&str, &str)]) -> Shown {
        let usual = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT),
            ("state", "the client's"),
            ("scope", "read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual
            .into_iter()
            .filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        let pairs: Vec<_> = kept.chain(more.iter().copied()).collect();
        self.get(&format!("/authorize?{}", encode_query(&pairs)))
    }

    /// Answers a consent page.
    pub(crate) fn decide(&mut self, page: &Shown, decision: &str) -> Shown {
        let (flow, csrf) = (page.field("flow"), page.field("csrf"));
        self.post(
            "/authorize",
            &[
                ("flow", &flow),
                ("csrf", &csrf),
                ("decision", decision),
                ("remember", "yes"),
            ],
        )
    }

    /// Opens the callback of the identity provider. The code is the person's name.
    pub(crate) fn back(&mut self, state: &str, code: &str) -> Shown {
        self.get(&format!(
            "/callback?{}",
            encode_query(&[("code", code), ("state", state)])
        ))
    }

    /// Approves and signs in.
    pub(crate) fn approved(&mut self, page: &Shown, person: &str) -> Shown {
        let left = self.decide(page, "approve");
        assert_eq!(left.status, 303, "{left:?} {:?}", self.deployment.log);
        let state = left.sent("state").unwrap();
        self.back(&state, person)
    }

    /// Has a person let a client in, asked anew; gives the client's access token.
    pub(crate) fn let_in(&mut self, client: &str, person: &str) -> String {
        let page = self.asked(client, &[("prompt", "consent")]);
        let back = self.approved(&page, person);
        self.redeemed(client, &back)
    }

    /// Has a client redeem its code; gives its access token.
    pub(crate) fn redeemed(&mut self, client: &str, back: &Shown) -> String {
        let code = back.sent("code").unwrap();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &code),
        ];
        let answer = self.post(
            "/token",
            &[form.as_slice(), &[("code_verifier", VERIFIER)]].concat(),
        );
        let tokens: Value = serde_json::from_str(&answer.text).unwrap();
        tokens["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{tokens}"))
            .to_owned()
    }

    /// A client's request with a token, in a session or to begin one.
    pub(crate) fn call(
        &mut self,
        method: Method,
        token: &str,
        session: Option<&str>,
        message: &Value,
    ) -> Shown {
        let bearer = format!("Bearer {token}");
        let accept = ("accept", "application/json, text/event-stream");
        let session = session.map(|id| ("mcp-session-id", id));
        let headers: Vec<_> = [("authorization", bearer.as_str()), accept]
            .into_iter()
            .chain(session)
            .collect();
        self.send(method, "/mcp", &message.to_string(), &headers)
    }

    /// Starts a session of a client with that name, and returns its id.
    pub(crate) fn session(&mut self, token: &str, name: &str) -> String {
        let client = json!({ "name": name, "version": "1.2.3" });
        let params =
            json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let message =
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let begun = self.call(Method::POST, token, None, &message);
        begun
            .header("mcp-session-id")
            .unwrap_or_else(|| panic!("{begun:?}"))
            .to_owned()
    }

    /// The status of a call in a session.
    pub(crate) fn called(&mut self, token: &str, session: &str) -> u16 {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        self.call(Method::POST, token, Some(session), &message)
            .status
    }

    /// Signs in to the account's page.
    pub(crate) fn account(&mut self, person: &str) -> Shown {
        let state = self
            .post("/account", &[("do", "sign-in")])
            .sent("state")
            .unwrap();
        assert_eq!(self.back(&state, person).location(), "/account");
        self.get("/account")
    }
}

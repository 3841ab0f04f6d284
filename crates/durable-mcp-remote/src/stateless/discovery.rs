//! Kind of the server: `server/discover` is passed on, and answered from a session of the bridge where the server does not know it.

use std::rc::Rc;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::envelope::{self, Envelope};
use super::{METHOD_NOT_FOUND, Server, capabilities, results};
use crate::arguments::{Protocol, Transport as Order};
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::era::{LEGACY_VERSIONS, MODERN, is_modern, supported};
use crate::json::Object;
use crate::log::log;
use crate::message::{Message, quoted};
use crate::opening::{FIRST_RETRY, LONGEST_RETRY};
use crate::session::Session;
use crate::transport::Transport;
use crate::trouble::{Refusal, Trouble};

/// Server of a request.
pub(super) enum Found {
    /// One of 2026-07-28, with the JSON of its result if it was just asked.
    Stateless(Option<String>),
    /// One with sessions, of which there is one.
    Sessions,
    /// One with sessions, for which the request is no good.
    Unfit(Trouble),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Discovered {
    supported_versions: Vec<String>,
}

impl Bridge {
    /// Finds out the kind of the server and, if it has sessions, opens one that has the capabilities of the request.
    ///
    /// # Errors
    ///
    /// [`Trouble`] of the server. The next request tries again.
    pub(super) async fn find_server(
        self: &Rc<Self>,
        envelope: &Envelope,
        request: &Message,
    ) -> Result<Found, Trouble> {
        match self.stateless.server.get() {
            Server::Stateless => return Ok(Found::Stateless(None)),
            Server::Sessions => {
                if let Err(unfit) = envelope.check(request.method()) {
                    return Ok(Found::Unfit(unfit));
                }
                return self.widen_session(envelope).await.map(|()| Found::Sessions);
            }
            Server::Unknown => {}
        }
        if let Some(name) = envelope.client_name() {
            self.remote.sign_in.set_client_name(&name);
        }
        let deadline = Instant::now() + self.arguments.initialize_deadline;
        let mut wait = FIRST_RETRY;
        let mut last = Trouble::Lost(format!("{} has no answer", request.method()));
        loop {
            match timeout_at(deadline, self.look_for_server(envelope, request)).await {
                Ok(Err(trouble)) if trouble.is_temporary() => last = trouble,
                Ok(outcome) => return outcome,
                Err(_) => {
                    last = self.remote.pending_sign_in().unwrap_or(last);
                    return self.find_in_memory(envelope, request, last);
                }
            }
            log(&last.error().1);
            sleep_until(deadline.min(Instant::now() + wait)).await;
            if Instant::now() >= deadline {
                return self.find_in_memory(envelope, request, last);
            }
            wait = LONGEST_RETRY.min(wait * 2);
        }
    }

    async fn look_for_server(
        self: &Rc<Self>,
        envelope: &Envelope,
        request: &Message,
    ) -> Result<Found, Trouble> {
        self.check_own_session()?;
        if self.may_be_stateless()
            && let Some(result) = self.stateless_result(request).await?
        {
            self.pass_as_it_is();
            return Ok(Found::Stateless(Some(result)));
        }
        if let Err(unfit) = envelope.check(request.method()) {
            return Ok(Found::Unfit(unfit));
        }
        self.begin_session(envelope)?;
        let generation = self.session.borrow().generation;
        let renewed = self.renew(generation).await;
        self.check_own_session()?;
        renewed.map_err(first_of_all)?;
        self.stateless.server.set(Server::Sessions);
        Ok(Found::Sessions)
    }

    /// Result of `server/discover`; `None` from a server that may have sessions.
    async fn stateless_result(&self, request: &Message) -> Result<Option<String>, Trouble> {
        match self.in_time(self.ask_server(request)).await {
            Some(Ok(result)) => Ok(names_stateless(&result).then_some(result)),
            // A server that closes the connection on what it does not know may know initialize.
            Some(Err(Trouble::Lost(_))) => Ok(None),
            Some(Err(trouble)) if trouble.is_temporary() || !denies_discovery(&trouble) => {
                Err(trouble)
            }
            Some(Err(_)) | None => Ok(None),
        }
    }

    /// Leaves the messages of the client to a server of its own version. A session that was begun for them is forgotten.
    fn pass_as_it_is(&self) {
        let mut session = self.session.borrow_mut();
        if session.is_of_bridge {
            *session = Session {
                generation: session.generation + 1,
                ..Session::default()
            };
            self.gate.open();
        }
        self.stateless.server.set(Server::Stateless);
    }

    /// Looks at the server again with the next request: it refuses sessions by now.
    pub(crate) fn forget_server(&self) {
        self.stateless.server.set(Server::Unknown);
    }

    /// Whether `server/discover` is worth a request: HTTP+SSE is older than that.
    fn may_be_stateless(&self) -> bool {
        let is_sse = self.arguments.transport == Order::SseOnly
            || self.seen.transport() == Some(Transport::Sse);
        self.arguments.protocol != Protocol::Legacy && !is_sse
    }

    async fn ask_server(&self, request: &Message) -> Result<String, Trouble> {
        self.transport.set(Transport::Streamable);
        let outcome = self.ask_server_once(request).await;
        // A server may know the version all the same, and say so only once it was asked.
        match &outcome {
            Err(trouble) if supported(trouble).iter().any(|version| version == MODERN) => {
                self.ask_server_once(request).await
            }
            _ => outcome,
        }
    }

    async fn ask_server_once(&self, request: &Message) -> Result<String, Trouble> {
        self.discovered(|id| {
            let params = envelope::for_discovery(request)?;
            let json = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"server/discover","params":{params}}}"#
            );
            Message::written(json).ok()
        })
        .await
    }

    /// Checks that the client has not begun a session of its own with `initialize`.
    fn check_own_session(&self) -> Result<(), Trouble> {
        let session = self.session.borrow();
        if session.initialize.is_none() || session.is_of_bridge {
            return Ok(());
        }
        let reason = "the client has sent initialize meanwhile".to_owned();
        Err(Trouble::Refused(Refusal {
            status: StatusCode::OK,
            error: None,
            reason,
        }))
    }

    /// Begins a session that is not open yet.
    fn begin_session(&self, envelope: &Envelope) -> Result<(), Trouble> {
        self.check_own_session()?;
        let wanted = capabilities::in_session(&envelope.capabilities);
        let initialize = envelope.initialize(wanted.clone()).ok_or_else(unwritable)?;
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let mut session = self.session.borrow_mut();
        session.begin(initialize);
        session.is_of_bridge = true;
        session.notification = Message::written(notice.to_owned()).ok();
        self.stateless.capabilities.replace(wanted);
        Ok(())
    }

    /// Serves the client from memory while the server cannot be reached.
    fn find_in_memory(
        self: &Rc<Self>,
        envelope: &Envelope,
        request: &Message,
        trouble: Trouble,
    ) -> Result<Found, Trouble> {
        if let Err(unfit) = envelope.check(request.method()) {
            return Ok(Found::Unfit(unfit));
        }
        if !self.session.borrow().is_of_bridge {
            self.begin_session(envelope)?;
        }
        if self.seen.is_modern() || self.serve_from_memory(&trouble).is_none() {
            self.gate.refuse(trouble.clone());
            return Err(trouble);
        }
        self.stateless.server.set(Server::Sessions);
        Ok(Found::Sessions)
    }

    /// Opens another session if the present one lacks capabilities of the request. While calls are in flight, it stays: what they are
    /// asked belongs to it.
    async fn widen_session(self: &Rc<Self>, envelope: &Envelope) -> Result<(), Trouble> {
        let wanted = capabilities::in_session(&envelope.capabilities);
        let widened = capabilities::widened(&self.stateless.capabilities.borrow(), &wanted);
        let Some(widened) = widened.filter(|_| self.stateless.calls.is_empty()) else {
            return Ok(());
        };
        let initialize = envelope
            .initialize(widened.clone())
            .ok_or_else(unwritable)?;
        let (generation, old, is_offline) = {
            let mut session = self.session.borrow_mut();
            session.initialize = Some(initialize);
            (
                session.generation,
                session.headers(),
                session.offline.is_some(),
            )
        };
        self.stateless.capabilities.replace(widened);
        // The session is opened once the server is back.
        if is_offline {
            return Ok(());
        }
        self.renew(generation).await.map_err(first_of_all)?;
        let bridge = Rc::clone(self);
        spawn_local(async move { bridge.delete_session_of(old).await });
        Ok(())
    }

    /// Leaves the session to a client that goes on with its own `initialize`.
    pub(super) fn leave_session(self: &Rc<Self>) {
        self.stateless.server.set(Server::Unknown);
        let old = self.session.borrow().headers();
        let bridge = Rc::clone(self);
        spawn_local(async move { bridge.delete_session_of(old).await });
    }

    /// Response to `server/discover`, made of that to `initialize`.
    pub(super) fn discover_response(&self, call: &Call) -> Option<Message> {
        let initialized = self.seen.initialize()?;
        let initialized = Object::parse(initialized.get())?;
        let mut result = Object::parse("{}")?;
        result.set("supportedVersions", json!([MODERN]).to_string());
        result.set(
            "capabilities",
            capabilities::of_server(initialized.get("capabilities").unwrap_or("{}"))?,
        );
        if let Some(instructions) = initialized.get("instructions") {
            result.set("instructions", instructions.to_owned());
        }
        results::complete(
            &call.id,
            "server/discover",
            &result.to_string(),
            initialized.get("serverInfo"),
        )
    }

    /// JSON of the server's name and version.
    pub(super) fn server_info(&self) -> Option<String> {
        let initialized = self.seen.initialize()?;
        Object::parse(initialized.get())?
            .get("serverInfo")
            .map(str::to_owned)
    }

    /// Capabilities that a client has declared in a request and in the session.
    pub(super) fn declared(&self, envelope: &Envelope) -> Map<String, Value> {
        let wanted = capabilities::in_session(&envelope.capabilities);
        capabilities::common(&self.stateless.capabilities.borrow(), &wanted)
    }
}

/// Whether the result of `server/discover` is that of a server of 2026-07-28. Some servers answer everything with a result.
fn names_stateless(result: &str) -> bool {
    let versions = serde_json::from_str::<Discovered>(result)
        .unwrap_or_default()
        .supported_versions;
    let is_older = versions.is_empty()
        || versions
            .iter()
            .any(|it| LEGACY_VERSIONS.contains(&it.as_str()));
    versions.iter().any(|version| version == MODERN) || !is_older
}

/// Whether a refusal of `server/discover` is that of a server that does not know it.
fn denies_discovery(trouble: &Trouble) -> bool {
    let Trouble::Refused(refusal) = trouble else {
        return false;
    };
    let code = refusal
        .error
        .as_ref()
        .and_then(Message::error)
        .map(|error| error.code);
    // The versions may be some that the bridge knows.
    let has_older = || {
        supported(trouble)
            .iter()
            .any(|version| LEGACY_VERSIONS.contains(&version.as_str()))
    };
    !is_modern(refusal) || code == Some(METHOD_NOT_FOUND) || has_older()
}

/// The same for a client to which no session was given before.
fn first_of_all(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::SessionLost(reason) => {
            let reason = format!("the server opens no session: {reason}");
            Trouble::Refused(Refusal {
                status: StatusCode::OK,
                error: None,
                reason,
            })
        }
        other => other,
    }
}

fn unwritable() -> Trouble {
    super::refused(
        super::INVALID_PARAMS,
        &format!("Invalid params: {} cannot be read", quoted("_meta")),
        None,
    )
}

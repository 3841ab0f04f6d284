//! `POST /playground/relay`: a request of the page to a server that answers to no page, since its CORS does not let it. The target
//! and its headers are in headers of the request, so that no log of addresses has them.

mod lookup;
mod request;
pub(in crate::http) mod settings;
mod target;

use std::cell::Cell;
use std::future::ready;
use std::rc::Rc;

use durable_core::wire::{Head, Reply, ReplyBody, RuntimeError};
use durable_mcp_protocol::caller::Caller;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use http::{Method, StatusCode};
use oauth_server::authority::Allowance;

use self::lookup::{KnownNames, LookupError};
use self::request::{ANSWERED, MARK, PassedRequest, RelayRequestError, URL};
use self::settings::RelaySettings;
use self::target::Target;
use super::access::{ended, refusal, signed_in};
use super::{RELAY, is_on_this_machine};
use crate::http::app::App;
use crate::http::provider::Provider;
use crate::http::request_runtime::{RelayAnswer, RelayRequest, RelayWork, RequestRuntime};
use crate::session::log_line::{LogLine, OK};
use crate::transport::refusal::Refusal;

/// Bytes of the id of a request.
const ID_BYTES: usize = 9;

/// Policy of every answer: opened as a document, it shows and runs nothing.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// The relay as it is served to this request; none where it is not. Without sign-in it is for this machine alone.
pub(super) fn served<'a>(app: &'a App, head: &Head) -> Option<&'a RelaySettings> {
    app.relay
        .as_ref()
        .filter(|_| app.provider.is_some() || is_on_this_machine(app, head))
}

/// Answers a request.
pub(in crate::http) async fn handle(app: &App, head: &Head, runtime: &dyn RequestRuntime) -> Reply {
    let Some(relay) = served(app, head) else {
        return refusal(StatusCode::NOT_FOUND, "off", "There is no relay here.");
    };
    secured(
        relayed(app, relay, head, runtime)
            .await
            .unwrap_or_else(|refused| refused),
    )
}

/// An answer that no browser shows or runs.
fn secured(reply: Reply) -> Reply {
    reply
        .header("content-security-policy", POLICY)
        .header("x-content-type-options", "nosniff")
}

async fn relayed(
    app: &App,
    relay: &RelaySettings,
    head: &Head,
    runtime: &dyn RequestRuntime,
) -> Result<Reply, Reply> {
    check(head)?;
    let user = RelayUser::signed_in(app, head, runtime).await?;
    let target = target(app, relay, head)?;
    let passed = PassedRequest::from_request(head, runtime)
        .await
        .map_err(unfit)?;
    let id = request_id(runtime)?;
    let work = Rc::new(RelayedWork {
        method: passed.method.clone(),
        name: target.name().to_owned(),
        stays_open: passed.stays_open,
        known: Rc::clone(&relay.known),
        host: target.host,
        user,
        id,
        began: runtime.now(),
        status: Cell::default(),
        has_ended: Cell::default(),
    });
    let request = RelayRequest {
        method: passed.method,
        url: target.url,
        headers: passed.headers,
        body: passed.body,
    };
    match runtime.relay(request, Rc::clone(&work) as _).await {
        Ok(Ok(answer)) => Ok(answered(answer)),
        Ok(Err(refused)) => Err(refused),
        Err(_) if work.has_ended.get() => Err(ended()),
        // The cause may name what the log must not have.
        Err(RuntimeError(_)) => Err(unreachable()),
    }
}

fn unreachable() -> Reply {
    refusal(
        StatusCode::BAD_GATEWAY,
        "unreachable",
        "The server cannot be reached from here.",
    )
}

/// Refuses what is no request of the page, or was relayed before.
fn check(head: &Head) -> Result<(), Reply> {
    if head.method != Method::POST {
        return Err(Refusal::Method("POST, OPTIONS").into());
    }
    if !is_of_the_page(head) {
        return Err(refusal(
            StatusCode::FORBIDDEN,
            "request",
            "This is for the page of this server.",
        ));
    }
    if has_come_round(head) {
        return Err(refusal(
            StatusCode::LOOP_DETECTED,
            "loop",
            "The request was relayed already.",
        ));
    }
    Ok(())
}

fn unfit(why: RelayRequestError) -> Reply {
    match why {
        RelayRequestError::TooLarge => refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is longer than a megabyte.",
        ),
        RelayRequestError::Wrong(why) => refusal(StatusCode::BAD_REQUEST, "request", why),
    }
}

/// Whether a request is of the page at its own origin: by a header that no form can send, and by the browser's word (Fetch Metadata, W3C).
fn is_of_the_page(head: &Head) -> bool {
    let is = |name: &str, value: &str| head.raw_header(name).as_deref() == Some(value);
    let is_own = head
        .raw_header("origin")
        .is_some_and(|origin| origin.eq_ignore_ascii_case(&head.origin()));
    is("x-playground", "1") && is("sec-fetch-site", "same-origin") && is_own
}

/// Whether a relay or another Worker sent the request (RFC 8586 has the header of content delivery networks).
fn has_come_round(head: &Head) -> bool {
    let by_worker = head
        .raw_header("cdn-loop")
        .is_some_and(|networks| networks.contains("subreqs="));
    by_worker || head.raw_header(MARK).is_some()
}

fn target(app: &App, relay: &RelaySettings, head: &Head) -> Result<Target, Reply> {
    let own: Vec<&str> = app.origins.hosts().chain([head.host.as_str()]).collect();
    let url = head.raw_header(URL).unwrap_or_default();
    Target::parse(&url, &own, relay.hosts.as_ref())
        .map_err(|why| refusal(StatusCode::FORBIDDEN, "target", why))
}

fn unreached(why: LookupError) -> Reply {
    match why {
        LookupError::Unknown => refusal(
            StatusCode::BAD_GATEWAY,
            "name",
            "There is no server by this name.",
        ),
        LookupError::Private => refusal(
            StatusCode::FORBIDDEN,
            "target",
            "The name leads to an address that is not of the public internet.",
        ),
        LookupError::Resolver => {
            let refused = refusal(
                StatusCode::BAD_GATEWAY,
                "resolver",
                "The name cannot be looked up.",
            );
            refused.header("retry-after", "2")
        }
    }
}

fn request_id(runtime: &dyn RequestRuntime) -> Result<String, Reply> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mut id = [0; ID_BYTES];
    runtime
        .random()
        .fill(&mut id)
        .map_err(|_| Reply::from(Refusal::Internal))?;
    Ok(URL_SAFE_NO_PAD.encode(id))
}

/// The person who asks.
struct RelayUser {
    provider: Rc<dyn Provider>,
    caller: Rc<Caller>,
}

impl RelayUser {
    /// The person who has signed in; none where nobody signs in.
    async fn signed_in(
        app: &App,
        head: &Head,
        runtime: &dyn RequestRuntime,
    ) -> Result<Option<Self>, Reply> {
        let Some(provider) = &app.provider else {
            return Ok(None);
        };
        let caller = signed_in(app, provider.as_ref(), head, runtime, RELAY).await?;
        Ok(Some(Self {
            provider: Rc::clone(provider),
            caller,
        }))
    }

    /// Counts a request before it is sent. One that is beyond a limit never reaches its target.
    async fn begin(
        &self,
        runtime: &dyn RequestRuntime,
        id: &str,
        stays_open: bool,
    ) -> Result<(), Reply> {
        let allowance = self
            .provider
            .begin_relay(runtime, &self.caller, id, stays_open)
            .await;
        match allowance {
            Ok(Allowance::Granted { .. }) => Ok(()),
            Ok(Allowance::UsedUp { retry_after }) => Err(limited(
                "limit",
                "These are more requests than one person may relay in a minute.",
                retry_after,
            )),
            Ok(Allowance::Busy { retry_after }) => Err(limited(
                "busy",
                "These are more requests or streams than one person may relay at once.",
                retry_after,
            )),
            Ok(Allowance::Ended) => Err(ended()),
            Err(fault) => {
                runtime.warn(&fault.0);
                // The object may have counted it before it failed to answer.
                self.end(runtime, id).await;
                let refused = refusal(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "count",
                    "The request cannot be counted.",
                );
                Err(refused.header("retry-after", "2"))
            }
        }
    }

    async fn end(&self, runtime: &dyn RequestRuntime, id: &str) {
        self.provider.end_relay(runtime, &self.caller, id).await;
    }
}

fn limited(code: &str, text: &str, retry_after: u64) -> Reply {
    refusal(StatusCode::TOO_MANY_REQUESTS, code, text)
        .header("retry-after", retry_after.to_string())
}

/// A request on its way.
struct RelayedWork {
    method: Method,
    host: String,
    /// The host without its port.
    name: String,
    /// True if the answer is a stream that stays open.
    stays_open: bool,
    known: Rc<KnownNames>,
    user: Option<RelayUser>,
    /// Id of its slot.
    id: String,
    began: u64,
    /// The target's status.
    status: Cell<Option<u16>>,
    /// True once the user's access has ended.
    has_ended: Cell<bool>,
}

impl RelayWork for RelayedWork {
    fn prepare<'a>(
        &'a self,
        runtime: &'a dyn RequestRuntime,
    ) -> LocalBoxFuture<'a, Result<(), Reply>> {
        async move {
            if let Some(user) = &self.user {
                user.begin(runtime, &self.id, self.stays_open).await?;
            }
            let checked = self.known.check(&self.name, runtime).await;
            if checked.is_err()
                && let Some(user) = &self.user
            {
                user.end(runtime, &self.id).await;
            }
            checked.map_err(unreached)
        }
        .boxed_local()
    }

    fn answered(&self, status: u16) {
        self.status.set(Some(status));
    }

    fn goes_on<'a>(&'a self, runtime: &'a dyn RequestRuntime) -> LocalBoxFuture<'a, bool> {
        let Some(user) = &self.user else {
            return ready(true).boxed_local();
        };
        async move {
            let extended = user
                .provider
                .extend_relay(runtime, &user.caller, &self.id)
                .await;
            self.has_ended.set(matches!(extended, Ok(Allowance::Ended)));
            !self.has_ended.get()
        }
        .boxed_local()
    }

    fn over<'a>(&'a self, runtime: &'a dyn RequestRuntime, bytes: u64) -> LocalBoxFuture<'a, ()> {
        async move {
            let mut handle = None;
            if let Some(user) = &self.user {
                user.end(runtime, &self.id).await;
                handle = user.provider.handle_of(runtime, &user.caller).await;
            }
            let status = self.status.get();
            runtime.log(&LogLine {
                event: "relay",
                method: self.method.to_string(),
                handle,
                host: Some(self.host.clone()),
                outcome: if status.is_some() { OK } else { "unreachable" },
                code: status.map(i64::from),
                bytes: Some(bytes),
                ms: runtime.now().saturating_sub(self.began),
                ..LogLine::default()
            });
        }
        .boxed_local()
    }
}

/// The target's answer, which has this deployment's status: that of the target is in a header.
fn answered(answer: RelayAnswer) -> Reply {
    let RelayAnswer {
        status,
        headers,
        media_type,
        body,
    } = answer;
    let is_stream = media_type == "text/event-stream";
    let reply = match body {
        Some(body) if is_stream => Reply::events(body),
        Some(body) => Reply {
            body,
            ..Reply::json(StatusCode::OK, String::new())
        },
        None => Reply {
            body: ReplyBody::Empty,
            ..Reply::json(StatusCode::OK, String::new())
        },
    };
    let reply = reply.header("x-target-status", status.to_string());
    let reply = if media_type.is_empty() {
        reply
    } else {
        reply.header("x-target-header-content-type", media_type)
    };
    let mut reply = headers.into_iter().fold(reply, |reply, (name, value)| {
        match ANSWERED.iter().find(|(known, _)| *known == name) {
            Some((_, name)) => reply.header(name, value),
            None => reply,
        }
    });
    reply.logged = true;
    reply
}

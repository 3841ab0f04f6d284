//! Choice of an era: `initialize`, or `server/discover` in its place.

use std::cell::RefCell;
use std::rc::Rc;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{MODERN, Modern};
use crate::arguments::Protocol;
use crate::bridge::Bridge;
use crate::calls::Call;
use crate::json::Object;
use crate::log::log;
use crate::message::{Id, Message, quoted};
use crate::transport::Transport;
use crate::trouble::{Refusal, Trouble};

/// Versions with `initialize`, and the one for clients that ask for another.
pub(crate) const LEGACY_VERSIONS: [&str; 4] =
    ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
pub(crate) const NEWEST_LEGACY: &str = "2025-11-25";

/// Codes of 2026-07-28: unsupported version, headers that differ from the body.
const UNSUPPORTED_VERSION: i64 = -32022;
const HEADER_MISMATCH: i64 = -32020;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    protocol_version: String,
    #[serde(default)]
    capabilities: Map<String, Value>,
    client_info: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discovered {
    #[serde(default)]
    supported_versions: Vec<String>,
}

#[derive(Deserialize)]
struct Unsupported {
    #[serde(default)]
    supported: Vec<String>,
}

impl Bridge {
    /// Opens the connection that the client asks for with `initialize`, in the era of the server.
    ///
    /// # Errors
    ///
    /// [`Trouble`], with the request still unanswered.
    pub(crate) async fn open(
        self: &Rc<Self>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        // Whether the server has sessions was found out before.
        if self.session.borrow().is_of_bridge {
            let outcome = self.open_legacy(call, message).await;
            if matches!(&outcome, Err(Trouble::Refused(refusal)) if is_modern(refusal)) {
                self.forget_server();
            }
            return outcome;
        }
        let known = self.era.borrow().clone();
        if let Some(known) = known {
            let discovered = known.discovered.clone();
            return self.answer_initialize(call, message, &discovered).await;
        }
        match self.arguments.protocol {
            Protocol::Legacy => self.open_legacy(call, message).await,
            Protocol::Modern => self.discover(call, message).await,
            Protocol::Auto => match self.in_time(self.discover(call, message)).await {
                Some(Err(trouble)) if names_versions(&trouble) => Err(trouble),
                outcome => self.open_after(outcome, call, message).await,
            },
            Protocol::Fallback if self.seen.is_modern() => {
                let outcome = self.in_time(self.discover(call, message)).await;
                self.open_after(outcome, call, message).await
            }
            Protocol::Fallback => self.open_either(call, message).await,
        }
    }

    /// Goes on after `server/discover`: with `initialize` where that was refused or has no answer.
    async fn open_after(
        self: &Rc<Self>,
        discovery: Option<Result<(), Trouble>>,
        call: &Call,
        message: &Message,
    ) -> Result<(), Trouble> {
        match discovery {
            Some(Err(Trouble::Refused(_))) => self.open_legacy(call, message).await,
            // A server that closes the connection on what it does not know may know initialize, and one that was late may not.
            Some(Err(Trouble::Lost(_))) | None => self.open_either(call, message).await,
            Some(outcome) => outcome,
        }
    }

    /// Sends `initialize`, and `server/discover` to a server that refuses it as those of 2026-07-28 do.
    async fn open_either(self: &Rc<Self>, call: &Call, message: &Message) -> Result<(), Trouble> {
        let refusal = match self.open_legacy(call, message).await {
            Err(Trouble::Refused(refusal)) if is_modern(&refusal) => refusal,
            outcome => return outcome,
        };
        match self.discover(call, message).await {
            // The server has neither: its first words are the better ones.
            Err(Trouble::Refused(_)) => Err(Trouble::Refused(refusal)),
            outcome => outcome,
        }
    }

    /// Waits for the outcome of `server/discover`; `None` if the server leaves it without an answer.
    pub(crate) async fn in_time<T>(&self, discovery: impl Future<Output = T>) -> Option<T> {
        let time = self.arguments.discover_timeout;
        let outcome = self.remote.patience.within(time, Box::pin(discovery)).await;
        if outcome.is_none() {
            log(&format!(
                "the server has no answer to server/discover within {} s; initialize is sent in its place",
                time.as_secs_f64()
            ));
        }
        outcome
    }

    async fn discover(self: &Rc<Self>, call: &Call, message: &Message) -> Result<(), Trouble> {
        let modern = Modern::new(message, String::new())
            .ok_or_else(|| unusable("initialize has no clientInfo"))?;
        self.transport.set(Transport::Streamable);
        let mut outcome = self.ask_discover(&modern).await;
        // A server may know the version all the same, and say so only once it was asked.
        if let Err(trouble) = &outcome
            && supported(trouble).iter().any(|version| version == MODERN)
        {
            outcome = self.ask_discover(&modern).await;
        }
        let discovered = outcome?;
        let versions = serde_json::from_str(&discovered)
            .map_or(Vec::new(), |it: Discovered| it.supported_versions);
        if !versions.iter().any(|version| version == MODERN) {
            return Err(no_common(&versions));
        }
        self.answer_initialize(call, message, &discovered).await
    }

    async fn ask_discover(self: &Rc<Self>, modern: &Modern) -> Result<String, Trouble> {
        let bare =
            Message::written(r#"{"jsonrpc":"2.0","id":0,"method":"server/discover"}"#.to_owned())
                .ok();
        self.discovered(|id| modern.request(&bare?, id, &[])).await
    }

    /// Sends a `server/discover` that is made for an id, and returns its result.
    ///
    /// # Errors
    ///
    /// [`Trouble::Refused`] with the server's error; other [`Trouble`] without a response.
    pub(crate) async fn discovered(
        &self,
        made: impl FnOnce(&Id) -> Option<Message>,
    ) -> Result<String, Trouble> {
        let (call, response) = self.calls.of_bridge("server/discover");
        let _waiting = self.calls.until_dropped(&call.id);
        let request =
            made(&call.id).ok_or_else(|| unusable("server/discover cannot be written"))?;
        self.exchange_by_http(&call, &request)
            .await
            .map_err(without_session)?;
        let response = response
            .await
            .map_err(|_| Trouble::Lost("there is no response".to_owned()))?;
        let Some(result) = response.raw_result() else {
            let reason = response
                .error()
                .map_or_else(String::new, |error| error.message);
            let refusal = Refusal {
                status: StatusCode::OK,
                error: Some(response),
                reason,
            };
            return Err(Trouble::Refused(refusal));
        };
        Ok(result.get().to_owned())
    }

    async fn answer_initialize(
        &self,
        call: &Call,
        message: &Message,
        discovered: &str,
    ) -> Result<(), Trouble> {
        let modern = Modern::new(message, discovered.to_owned());
        let response = modern
            .as_ref()
            .and_then(|modern| modern.initialize_result(&call.id));
        let (Some(modern), Some(response)) = (modern, response) else {
            return Err(unusable("its answer to server/discover is no object"));
        };
        self.era.replace(Some(Rc::new(modern)));
        self.deliver(response).await;
        Ok(())
    }
}

impl Modern {
    fn new(initialize: &Message, discovered: String) -> Option<Self> {
        let mut params: InitializeParams = initialize.params()?;
        // Tasks of 2025-11-25 are not those of the extension.
        params.capabilities.remove("tasks");
        let known = LEGACY_VERSIONS.contains(&params.protocol_version.as_str());
        Some(Self {
            client_info: params.client_info.get().to_owned(),
            client_capabilities: params.capabilities,
            version: if known {
                params.protocol_version
            } else {
                NEWEST_LEGACY.to_owned()
            },
            discovered,
            level: RefCell::default(),
            listening: RefCell::default(),
        })
    }

    /// Response to `initialize`, made of that to `server/discover`.
    fn initialize_result(&self, id: &Id) -> Option<Message> {
        let discovered = Object::parse(&self.discovered)?;
        let meta = discovered.get("_meta").and_then(Object::parse);
        let in_meta = meta
            .as_ref()
            .and_then(|meta| meta.get("io.modelcontextprotocol/serverInfo"));
        let server_info = in_meta
            .or_else(|| discovered.get("serverInfo"))
            .unwrap_or(r#"{"name":"server","version":""}"#);
        let mut result = Object::parse("{}")?;
        result.set("protocolVersion", quoted(&self.version));
        result.set(
            "capabilities",
            discovered.get("capabilities").unwrap_or("{}").to_owned(),
        );
        result.set("serverInfo", server_info.to_owned());
        if let Some(instructions) = discovered.get("instructions") {
            result.set("instructions", instructions.to_owned());
        }
        Message::written(format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#
        ))
        .ok()
    }

    /// Whether the server declares a capability, or a member of one to be true.
    pub(super) fn offers(&self, capability: &str, member: &str) -> bool {
        let discovered: Value = serde_json::from_str(&self.discovered).unwrap_or_default();
        discovered.pointer(&format!("/capabilities/{capability}/{member}"))
            == Some(&Value::Bool(true))
    }
}

/// Whether a refusal of `initialize` is that of a server without it.
pub(crate) fn is_modern(refusal: &Refusal) -> bool {
    let Some(error) = refusal.error.as_ref().and_then(Message::error) else {
        return false;
    };
    match error.code {
        UNSUPPORTED_VERSION | HEADER_MISMATCH => true,
        // No server of earlier versions is without initialize.
        METHOD_NOT_FOUND => matches!(refusal.status, StatusCode::NOT_FOUND | StatusCode::OK),
        INVALID_PARAMS => {
            error.message.contains("_meta") || error.message.contains("io.modelcontextprotocol/")
        }
        _ => false,
    }
}

/// Versions that an error names.
pub(crate) fn supported(trouble: &Trouble) -> Vec<String> {
    let Trouble::Refused(Refusal {
        error: Some(message),
        ..
    }) = trouble
    else {
        return Vec::new();
    };
    let error = message
        .error()
        .filter(|error| error.code == UNSUPPORTED_VERSION);
    let data = error.and_then(|error| serde_json::from_value(error.data).ok());
    data.map_or(Vec::new(), |data: Unsupported| data.supported)
}

/// Turns the loss of a session into a refusal of `server/discover`, which needs none.
fn without_session(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::SessionLost(reason) => Trouble::Refused(Refusal {
            status: StatusCode::OK,
            error: None,
            reason: format!("the server refuses server/discover: {reason}"),
        }),
        other => other,
    }
}

/// Whether the server named its versions, and none of them is known here.
fn names_versions(trouble: &Trouble) -> bool {
    let supported = supported(trouble);
    let known = |version: &String| version == MODERN || LEGACY_VERSIONS.contains(&version.as_str());
    !supported.is_empty() && !supported.iter().any(known)
}

fn no_common(supported: &[String]) -> Trouble {
    let ours = LEGACY_VERSIONS.join(", ");
    unusable(&format!(
        "it speaks {}, and this program {MODERN}, {ours}",
        supported.join(", ")
    ))
}

fn unusable(reason: &str) -> Trouble {
    let reason = format!("the server and the client have no version in common: {reason}");
    Trouble::Refused(Refusal {
        status: StatusCode::OK,
        error: None,
        reason,
    })
}

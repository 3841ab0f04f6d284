//! A client that answers at once, and records its notifications.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use durable_mcp::Server;
use durable_mcp_protocol::caller::Caller;
use durable_mcp_protocol::capabilities::ClientCapabilities;
use durable_mcp_protocol::change::Change;
use durable_mcp_protocol::context::{ClientInfo, Context, Extensions};
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::RequestId;
use durable_mcp_protocol::log_level::LogLevel;
use durable_mcp_protocol::peer::About;
use durable_mcp_protocol::response::{CallOutcome, CallResult};
use durable_mcp_protocol::{Peer, ProtocolVersion};
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::json;

/// The id of every cause.
pub(crate) const CAUSE_ID: &str = "0badcafe";

/// The client's end, kept by the test.
#[derive(Default)]
pub(crate) struct FakePeer {
    told: RefCell<Vec<(About, &'static str, Value)>>,
    asked: RefCell<Vec<(&'static str, Value)>>,
    answers: RefCell<VecDeque<Result<Value, Error>>>,
    level: Cell<Option<LogLevel>>,
    subscribed: RefCell<BTreeSet<String>>,
    releases: Cell<u32>,
    announced: RefCell<Vec<Change>>,
    warnings: RefCell<Vec<String>>,
}

impl Peer for FakePeer {
    fn now(&self) -> u64 {
        0
    }

    fn sleep(&self, _: u32) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }

    fn notify(&self, about: About, method: &'static str, params: String) {
        self.told
            .borrow_mut()
            .push((about, method, json::value(&params)));
    }

    fn cause_id(&self) -> String {
        CAUSE_ID.to_owned()
    }

    fn warn(&self, message: &str) {
        self.warnings.borrow_mut().push(message.to_owned());
    }

    fn announce(&self, change: &Change) {
        self.announced.borrow_mut().push(change.clone());
    }

    fn request(
        &self,
        _: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Result<Box<RawValue>, Error>> {
        self.asked.borrow_mut().push((method, json::value(&params)));
        let answer = self
            .answers
            .borrow_mut()
            .pop_front()
            .unwrap_or_else(|| panic!("nobody answers {method}"));
        ready(answer.map(|value| serde_json::value::to_raw_value(&value).unwrap())).boxed_local()
    }

    fn release(&self) {
        self.releases.set(self.releases.get() + 1);
    }

    fn log_level(&self) -> Option<LogLevel> {
        Some(self.level.get().unwrap_or(LogLevel::DEFAULT))
    }

    fn set_log_level(&self, level: LogLevel) -> Result<(), Error> {
        self.level.set(Some(level));
        Ok(())
    }

    fn set_subscribed(&self, uri: &str, subscribed: bool) -> Result<(), Error> {
        let mut all = self.subscribed.borrow_mut();
        if subscribed {
            all.insert(uri.to_owned());
        } else {
            all.remove(uri);
        }
        Ok(())
    }
}

/// A server and one client of it.
pub(crate) struct Conversation {
    server: Server,
    pub(crate) client: ClientInfo,
    pub(crate) caller: Caller,
    peer: Rc<FakePeer>,
    outcome: Cell<Option<CallOutcome>>,
}

impl Conversation {
    /// A client of the newest version that can be asked for everything.
    pub(crate) fn with(server: Server) -> Self {
        assert_eq!(server.problems(), [""; 0]);
        Self::despite_problems(server)
    }

    /// The same of a server that may have problems.
    pub(crate) fn despite_problems(server: Server) -> Self {
        let client = ClientInfo {
            version: ProtocolVersion::LATEST_WITH_SESSIONS,
            capabilities: ClientCapabilities::from_bits(u8::MAX),
            name: "test".to_owned(),
        };
        Self {
            server,
            client,
            caller: Caller::default(),
            peer: Rc::default(),
            outcome: Cell::new(None),
        }
    }

    /// The same with a client of that version.
    pub(crate) fn speaking(mut self, version: ProtocolVersion) -> Self {
        self.client.version = version;
        self
    }

    /// Queues the client's next answer.
    pub(crate) fn will_answer(&self, answer: Value) {
        self.peer.answers.borrow_mut().push_back(Ok(answer));
    }

    /// Queues the error that the client answers next.
    pub(crate) fn will_refuse(&self, code: i64, message: &str) {
        self.peer
            .answers
            .borrow_mut()
            .push_back(Err(Error::new(ErrorCode(code), message)));
    }

    /// Answers one request to its end.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> Result<Value, Error> {
        self.ask_text(&json::request(1, method, params))
    }

    /// The same with the request's text, which may say what a `Value` cannot.
    pub(crate) fn ask_text(&self, request: &str) -> Result<Value, Error> {
        let call = self.server.resolve(json::read(request));
        let (client, caller) = (Rc::new(self.client.clone()), Rc::new(self.caller.clone()));
        let peer: Rc<dyn Peer> = Rc::clone(&self.peer) as _;
        let context = Context::new(client, caller, peer, Rc::new(Extensions::default()));
        let response = self
            .server
            .answer(&call, &context)
            .now_or_never()
            .expect("no handler here waits");
        assert_eq!(call.request.id, RequestId::from_counter(1));
        self.outcome.set(Some(response.outcome));
        response.result.map(|result| match result {
            CallResult::Json(result) => json::value(&result),
            CallResult::Suspended => panic!("nothing suspends a session's call"),
        })
    }

    /// A call's result.
    pub(crate) fn call(&self, name: &str, arguments: &Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        self.ask("tools/call", &params)
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The text of a call that succeeded.
    pub(crate) fn text(&self, name: &str, arguments: &Value) -> String {
        let result = self.call(name, arguments);
        assert_eq!(result.get("isError"), None, "{result}");
        only_text(&result)
    }

    /// The text of a call that failed.
    pub(crate) fn failure(&self, name: &str, arguments: &Value) -> String {
        let result = self.call(name, arguments);
        assert_eq!(result["isError"], true, "{result}");
        only_text(&result)
    }

    /// The code and message of a request that is refused.
    pub(crate) fn refusal(&self, method: &str, params: &Value) -> (i64, String) {
        match self.ask(method, params) {
            Err(error) => (error.code.0, error.message),
            Ok(result) => panic!("{method} {params}: {result}"),
        }
    }

    /// The answer to `initialize`.
    pub(crate) fn initialize(&self, params: &Value) -> Result<(ClientInfo, Value), Error> {
        let request = json::read(&json::request(0, "initialize", params));
        self.server
            .initialize(&request.params)
            .map(|(client, result)| (client, json::value(&result)))
    }

    pub(crate) fn capabilities(&self) -> Value {
        let (_, mut result) = self
            .initialize(&json!({ "protocolVersion": "2025-11-25" }))
            .unwrap();
        result["capabilities"].take()
    }

    /// The outcome of the last request.
    pub(crate) fn outcome(&self) -> CallOutcome {
        self.outcome.get().expect("something was asked")
    }

    /// Notifications to the client since the last call.
    pub(crate) fn told(&self) -> Vec<(About, &'static str, Value)> {
        self.peer.told.take()
    }

    /// Requests to the client since the last call.
    pub(crate) fn asked(&self) -> Vec<(&'static str, Value)> {
        self.peer.asked.take()
    }

    /// Changes announced since the last call.
    pub(crate) fn announced(&self) -> Vec<Change> {
        self.peer.announced.take()
    }

    /// Warnings to operators since the last call.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.peer.warnings.take()
    }

    pub(crate) fn releases(&self) -> u32 {
        self.peer.releases.get()
    }

    /// The names of a list's entries, page by page.
    pub(crate) fn pages(&self, method: &str, key: &str) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.ask(method, &params).unwrap();
            let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
            pages.push(page[key].as_array().unwrap().iter().map(name).collect());
            match page.get("nextCursor") {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return pages,
            }
            assert!(pages.len() < 1000, "{method} does not end");
        }
    }
}

fn only_text(result: &Value) -> String {
    let blocks: BTreeMap<usize, &Value> = result["content"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .collect();
    assert_eq!(blocks.len(), 1, "{result}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

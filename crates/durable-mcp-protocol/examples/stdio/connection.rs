//! The stdio transport (2025-11-25, Transports, "stdio"): a JSON-RPC message a line. It serves clients that open with
//! `initialize` and stateless requests of 2026-07-28.

use std::cell::RefCell;
use std::io::{Write, stdout};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durable_mcp_protocol::context::ClientInfo;
use durable_mcp_protocol::error::{Error, ErrorCode};
use durable_mcp_protocol::jsonrpc::{
    self, Message, Request, error_json, notification_json, request_json, result_json,
};
use durable_mcp_protocol::peer::{About, Peer};
use durable_mcp_protocol::questions::{Outcome, Questions};
use durable_mcp_protocol::request_meta::RequestMeta;
use durable_mcp_protocol::round_trips::{RoundTrips, given_answers, read_answers};
use durable_mcp_protocol::{Context, Server, initialize};
use futures_channel::oneshot;
use futures_executor::LocalSpawner;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, ready};
use futures_util::task::LocalSpawnExt;

/// The client at the other end of stdin and stdout.
pub(crate) struct Connection {
    server: Server,
    spawner: LocalSpawner,
    /// The client that `initialize` introduced.
    client: RefCell<Option<Rc<ClientInfo>>>,
    questions: Questions,
}

impl Connection {
    pub(crate) fn new(server: Server, spawner: LocalSpawner) -> Self {
        Self {
            server,
            spawner,
            client: RefCell::default(),
            questions: Questions::new(now()),
        }
    }

    /// Takes one line of stdin.
    pub(crate) fn receive(self: &Rc<Self>, line: &str) {
        for message in jsonrpc::parse_messages(line) {
            match message {
                Ok(Message::Request(request)) => self.begin(request),
                Ok(Message::Response(response)) => self.questions.settle(response),
                // Clients may cancel a call, too: `Context::cancelled` is for transports that let them.
                Ok(Message::Notification(_)) => {}
                Err(unreadable) => send(&error_json(unreadable.id.as_ref(), &unreadable.error)),
            }
        }
    }

    /// Ends the questions to the client, which answers no more.
    pub(crate) fn close(&self) {
        self.questions.close();
    }

    /// Answers `initialize`, and begins any other call.
    fn begin(self: &Rc<Self>, request: Request) {
        let id = request.id.clone();
        let begun = if request.method == initialize::METHOD {
            self.initialize(&request)
        } else {
            self.spawn(request)
        };
        if let Err(error) = begun {
            send(&error_json(Some(&id), &error));
        }
    }

    fn initialize(&self, request: &Request) -> Result<(), Error> {
        let (client, result) = self.server.initialize(&request.params)?;
        self.client.replace(Some(Rc::new(client)));
        send(&result_json(&request.id, &result));
        Ok(())
    }

    fn spawn(self: &Rc<Self>, request: Request) -> Result<(), Error> {
        let (client, rounds) = if let Some(meta) = RequestMeta::read(&request.params)? {
            meta.check_version()?;
            (Rc::new(meta.client()), Some(rounds(&request)?))
        } else {
            let client = self.client.borrow().clone();
            let first = || Error::invalid_request("`initialize` is the first request.");
            (client.ok_or_else(first)?, None)
        };
        let call = Rc::clone(self).answer(request, client, rounds);
        let spawned = self.spawner.spawn_local(call);
        spawned.map_err(|error| Error::internal(error.to_string()))
    }

    /// Runs a call, and sends its response.
    async fn answer(
        self: Rc<Self>,
        request: Request,
        client: Rc<ClientInfo>,
        rounds: Option<RoundTrips>,
    ) {
        let connection = Rc::clone(&self);
        let peer = Rc::new(StdioPeer { connection, rounds });
        let context = Context::new(client, Rc::default(), peer.clone(), Rc::default());
        let call = self.server.resolve(request);
        let response = self.server.answer(&call, &context).await;
        if let Some(cause) = &response.cause {
            eprintln!("{}: {}", cause.id, cause.text);
        }
        let answers = peer.rounds.as_ref().map(RoundTrips::answers_json);
        let state = answers.unwrap_or_default();
        send(&self.server.response_json(&call, &context, response, &state));
    }
}

/// The answers of earlier rounds. Their state is not sealed: a local client may read and change what its own requests bring.
fn rounds(request: &Request) -> Result<RoundTrips, Error> {
    let state = request.params.fields().optional_text("requestState")?;
    let mut answers = read_answers(state.as_deref().unwrap_or("{}"))?;
    answers.extend(given_answers(&request.params)?);
    Ok(RoundTrips::new(answers))
}

fn send(json: &str) {
    // A client that reads no more closes stdin, too, which ends the program.
    let _ = writeln!(stdout(), "{json}");
}

#[expect(clippy::disallowed_methods, reason = "the transport has the clock")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The client of one call.
struct StdioPeer {
    connection: Rc<Connection>,
    /// Questions and answers of a stateless call; none in a session, which `initialize` opened.
    rounds: Option<RoundTrips>,
}

impl Peer for StdioPeer {
    fn now(&self) -> u64 {
        now()
    }

    fn sleep(&self, milliseconds: u32) -> LocalBoxFuture<'static, ()> {
        let (sender, slept) = oneshot::channel();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(milliseconds.into()));
            sender.send(())
        });
        slept.map(drop).boxed_local()
    }

    fn notify(&self, _: About, method: &'static str, params: String) {
        send(&notification_json(method, &params));
    }

    fn warn(&self, message: &str) {
        eprintln!("{message}");
    }

    fn request(
        &self,
        key: &str,
        method: &'static str,
        params: String,
    ) -> LocalBoxFuture<'static, Outcome> {
        if let Some(rounds) = &self.rounds {
            return rounds.request(key, method, params);
        }
        match self.connection.questions.ask() {
            Ok((id, answer)) => {
                send(&request_json(&id, method, &params));
                let gone = |_| Err(Error::new(ErrorCode::REFUSED, "The client is gone."));
                answer
                    .map(move |answer| answer.unwrap_or_else(gone))
                    .boxed_local()
            }
            Err(error) => ready(Err(error)).boxed_local(),
        }
    }

    fn rounds(&self) -> Option<&RoundTrips> {
        self.rounds.as_ref()
    }
}

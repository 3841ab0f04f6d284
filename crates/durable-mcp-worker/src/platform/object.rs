//! The Durable Object of a session, as the runtime calls it.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use durable_core::wire::{ReplyBody, Socket};
use futures_util::FutureExt;
use worker::js_sys::Promise;
use worker::worker_sys::web_sys;
use worker::{Response, Result, State, WebSocket, WebSocketPair};

use super::body::{RequestBody, answered};
use super::host::ObjectHost;
use super::hung_up::hung_up;
use super::{convert, oauth_functions};
use crate::http::{App, cors};
use crate::session::object::SessionObject;
use crate::transport::session_endpoint::{SSE_TAG, SessionEndpoint};

/// The object behind one session. [`worker!`](crate::worker!) stamps the class that holds one.
///
/// A panic in a handler is caught where the handler is called, so nothing in here is ever seen half changed.
pub struct McpObject(AssertUnwindSafe<SessionParts>);

#[derive(Clone)]
struct SessionParts {
    state: Rc<State>,
    object: Rc<SessionEndpoint>,
    app: Rc<App>,
    env: Rc<worker::Env>,
}

impl SessionParts {
    fn accept(&self, socket: &Socket, listed: Option<&str>) -> Result<Response> {
        let pair = WebSocketPair::new()?;
        let tags: Vec<&str> = [socket.tag.as_str()].into_iter().chain(listed).collect();
        self.state.accept_websocket_with_tags(&pair.server, &tags);
        if !socket.attachment.is_empty() {
            pair.server.serialize_attachment(&socket.attachment)?;
        }
        for frame in &socket.greeting {
            pair.server.send_with_str(frame)?;
        }
        if socket.closes {
            pair.server
                .close(Some(1000), Some("nothing more to come"))?;
        }
        Response::from_websocket(pair.client)
    }
}

impl std::fmt::Debug for McpObject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("McpObject").finish_non_exhaustive()
    }
}

impl McpObject {
    /// The object that has just woken.
    #[must_use]
    pub fn new(state: State, env: worker::Env, app: &Rc<App>) -> Self {
        let state = Rc::new(state);
        let env = Rc::new(env);
        let host = Rc::new(ObjectHost::new(Rc::clone(&state), Rc::clone(&env)));
        let session = SessionObject::new(Rc::clone(&app.server), host, Rc::clone(&app.settings));
        Self(AssertUnwindSafe(SessionParts {
            state,
            object: SessionEndpoint::new(session),
            app: Rc::clone(app),
            env,
        }))
    }

    /// Answers a request that the Worker passed on.
    pub fn fetch(&self, request: web_sys::Request) -> Promise {
        let parts = SessionParts::clone(&self.0);
        let head = convert::read_head_at_object(&request);
        let gone = hung_up(&request);
        let request_body = Rc::new(RequestBody::new(request, head.declared_length()));
        let body = {
            let body = Rc::clone(&request_body);
            async move { body.text().await }.boxed_local()
        };
        let work = async move {
            let reply = parts.object.handle(&head, body, gone).await;
            let response = match reply.body {
                ReplyBody::Socket(socket) => {
                    let listed = match socket.tag.as_str() {
                        SSE_TAG => {
                            oauth_functions::socket_tag_of(&parts.app, &parts.env, &head).await
                        }
                        _ => None,
                    };
                    parts
                        .accept(&socket, listed.as_deref())
                        .map(web_sys::Response::from)
                }
                _ => convert::response(cors::finish(reply, &head, parts.app.provider.as_deref())),
            };
            Ok(response?.into())
        };
        answered(&request_body, work.boxed_local())
    }

    /// The time that the object ordered has come.
    ///
    /// # Errors
    /// When storage fails; the runtime tries again.
    pub fn alarm(&self) -> Result<()> {
        self.0
            .object
            .wake()
            .map_err(|error| worker::Error::RustError(error.0))
    }

    /// A stream's other end has gone.
    pub fn closed(&self, socket: &WebSocket) {
        for tag in self.0.state.get_tags(socket) {
            let others = self.0.state.get_websockets_with_tag(&tag);
            let is_open = others
                .iter()
                .any(|other| other != socket && other.as_ref().ready_state() == 1);
            if !is_open {
                self.0.object.socket_closed(&tag);
                oauth_functions::socket_tag_closed(&self.0.app, &self.0.env, &tag);
            }
        }
        // Tells the runtime that the socket is done with.
        let _ = socket.close(Some(1000), Some("closed"));
    }
}

//! Per-call context: client, caller, peer, extensions and arguments.

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;

use serde_json::value::RawValue;

use crate::behind::Behind;
use crate::caller::Caller;
use crate::cancel_flag::CancelFlag;
use crate::capabilities::ClientCapabilities;
use crate::completion_input::CompletionInput;
use crate::peer::Peer;
use crate::version::ProtocolVersion;

/// The client program, as it introduced itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// The negotiated version.
    pub version: ProtocolVersion,
    /// Capabilities that the client declared.
    pub capabilities: ClientCapabilities,
    /// Name of the client, as the client states it.
    pub name: String,
}

/// Values that outer layers give to their own extractors, one for each type.
#[derive(Default)]
pub struct Extensions(Vec<(TypeId, Rc<dyn Any>)>);

impl Extensions {
    /// Adds a value, in place of an earlier one of its type.
    pub fn insert<T: 'static>(&mut self, value: Rc<T>) {
        self.0.retain(|(of, _)| *of != TypeId::of::<T>());
        self.0.push((TypeId::of::<T>(), value));
    }

    /// True if there is a value of that type.
    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.iter().any(|(of, _)| *of == id)
    }

    /// The value of that type.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let (_, value) = self.0.iter().find(|(of, _)| *of == TypeId::of::<T>())?;
        Rc::clone(value).downcast().ok()
    }
}

/// Arguments of a handler's call.
#[derive(Debug, Clone, Default)]
pub enum Arguments {
    /// No arguments.
    #[default]
    None,
    /// A tool's or prompt's arguments, or the variables of a resource template, as an object.
    Json(Box<RawValue>),
    /// The text typed for an argument, for completion.
    Completion(CompletionInput),
    /// The run behind a layer.
    #[doc(hidden)]
    Layer(Rc<Behind>),
}

struct Inner {
    client: Rc<ClientInfo>,
    caller: Rc<Caller>,
    peer: Rc<dyn Peer>,
    extensions: Rc<Extensions>,
    shared: OnceCell<Rc<Extensions>>,
    cancelled: Rc<CancelFlag>,
    progress_token: OnceCell<Box<RawValue>>,
    state_changed: Cell<bool>,
    missing: Cell<ClientCapabilities>,
}

/// Everything an extractor can draw from. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    inner: Rc<Inner>,
    arguments: Rc<Arguments>,
}

impl Context {
    /// The context of one request.
    #[must_use]
    pub fn new(
        client: Rc<ClientInfo>,
        caller: Rc<Caller>,
        peer: Rc<dyn Peer>,
        extensions: Rc<Extensions>,
    ) -> Self {
        let inner = Inner {
            client,
            caller,
            peer,
            extensions,
            shared: OnceCell::new(),
            cancelled: Rc::default(),
            progress_token: OnceCell::new(),
            state_changed: Cell::new(false),
            missing: Cell::default(),
        };
        Self {
            inner: Rc::new(inner),
            arguments: Rc::default(),
        }
    }

    /// The context of the same request with the arguments of its handler.
    #[must_use]
    pub(crate) fn with_arguments(&self, arguments: Arguments) -> Self {
        Self {
            inner: Rc::clone(&self.inner),
            arguments: Rc::new(arguments),
        }
    }

    /// The client program.
    #[must_use]
    pub fn client(&self) -> &ClientInfo {
        &self.inner.client
    }

    /// The principal of the request.
    #[must_use]
    pub fn caller(&self) -> &Rc<Caller> {
        &self.inner.caller
    }

    /// The client at the other end of the call.
    #[must_use]
    pub fn peer(&self) -> &Rc<dyn Peer> {
        &self.inner.peer
    }

    /// A value that an outer layer put in.
    #[must_use]
    pub fn extension<T: 'static>(&self) -> Option<Rc<T>> {
        self.inner.extensions.get()
    }

    /// The values that the server gives to all handlers.
    pub(crate) fn shared(&self) -> Option<&Extensions> {
        self.inner.shared.get().map(AsRef::as_ref)
    }

    /// Sets the values that the server gives to all handlers. The first ones stay.
    pub(crate) fn share(&self, shared: &Rc<Extensions>) {
        self.inner.shared.get_or_init(|| Rc::clone(shared));
    }

    /// The arguments of the handler's call.
    #[must_use]
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The flag that is set when the client cancels the request.
    #[must_use]
    pub fn cancelled(&self) -> &Rc<CancelFlag> {
        &self.inner.cancelled
    }

    pub(crate) fn progress_token(&self) -> Option<&RawValue> {
        self.inner.progress_token.get().map(AsRef::as_ref)
    }

    /// The token under which the client wants to hear of progress. The first one stays.
    pub fn set_progress_token(&self, token: Box<RawValue>) {
        // A second token can only come from a second reading of the same request.
        let _ = self.inner.progress_token.set(token);
    }

    /// Marks that the handler asked the client for what it did not declare.
    pub(crate) fn mark_missing(&self, capability: ClientCapabilities) {
        self.inner
            .missing
            .set(self.inner.missing.get().and(capability));
    }

    /// Capabilities that the handler needed and the client did not declare.
    pub(crate) fn missing(&self) -> ClientCapabilities {
        self.inner.missing.get()
    }

    /// Marks that the call changed the session's state.
    pub fn mark_state_changed(&self) {
        self.inner.state_changed.set(true);
    }

    /// Returns whether the call changed the session's state, and clears the mark.
    pub(crate) fn take_state_changed(&self) -> bool {
        self.inner.state_changed.take()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("client", &self.inner.client)
            .finish_non_exhaustive()
    }
}

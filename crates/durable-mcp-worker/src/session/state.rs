//! Typed state of a session: read once after the object woke, and written as one row at each change.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use durable_core::formats::Format;
use durable_mcp_protocol::context::Context;
use durable_mcp_protocol::error::Error;
use durable_mcp_protocol::extract::{Extract, Rejection, Signature};
use durable_mcp_protocol::finite::{not_finite, odd_number};
use durable_mcp_protocol::outcome::ToolError;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::host::SharedHost;
use super::store::StoreError;

/// The longest state, in bytes of JSON: a row of a Durable Object holds 2 MB.
pub const MAX_STATE_BYTES: usize = 1024 * 1024;

/// States that were read or written since the object woke, by name. A server has one or two.
pub(crate) type Cache = Vec<(&'static str, Option<Rc<str>>)>;

/// Reads and changes the session's states. One for each call, over what the object shares among all of them.
#[derive(Clone)]
pub(crate) struct States {
    pub(crate) host: SharedHost,
    pub(crate) cache: Rc<RefCell<Cache>>,
    pub(crate) on_write: Rc<dyn Fn()>,
}

impl States {
    fn read(&self, name: &'static str) -> Result<Option<Rc<str>>, StoreError> {
        if let Some((_, known)) = self.cache.borrow().iter().find(|(other, _)| *other == name) {
            return Ok(known.clone());
        }
        let found = self
            .host
            .store()
            .state(name)
            .inspect_err(|error| self.host.warn(&error.0));
        let found: Option<Rc<str>> = found?.map(Into::into);
        self.cache.borrow_mut().push((name, found.clone()));
        Ok(found)
    }

    fn write(&self, name: &'static str, json: String) -> Result<(), StoreError> {
        self.host
            .store()
            .put_state(name, &json)
            .inspect_err(|error| self.host.warn(&error.0))?;
        let mut cache = self.cache.borrow_mut();
        cache.retain(|(other, _)| *other != name);
        cache.push((name, Some(json.into())));
        Ok(())
    }
}

/// Reason for which a state could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// The stored value is no valid `S`: the type changed in a way that old values do not fit. `#[serde(default)]` on new fields
    /// keeps them fitting.
    Unreadable(String),
    /// The value has no JSON form, or one longer than [`MAX_STATE_BYTES`].
    Unwritable(String),
    /// Storage failed.
    Store(StoreError),
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(_) => f.write_str(
                "The session's state cannot be read, and is left as it is: another version of this server may have stored \
                 it. Try again in a moment.",
            ),
            Self::Unwritable(fault) => write!(f, "The session's state cannot be kept: {fault}."),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// Says what the model can do about it. No cause is among the words, so they are told as they are; therefore this type is not a
/// `std::error::Error`, whose words would stay inside.
impl From<StateError> for ToolError {
    fn from(error: StateError) -> Self {
        Self::new(error)
    }
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        Self::internal(error)
    }
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The session's state of type `S`: kept for as long as the session lives, and `S::default()` until it is first
/// changed.
///
/// The type's name keeps one state apart from another in the same session; `#[serde(rename = "..")]` on it keeps the
/// name when the type is renamed.
///
/// ```
/// # use durable_mcp_worker::session::Session;
/// # use durable_mcp_protocol::prelude::*;
/// #[derive(Default, Serialize, Deserialize)]
/// struct Counter { total: i64 }
///
/// async fn count(counter: Session<Counter>) -> Result<String, ToolError> {
///     let total = counter.update(|counter| { counter.total += 1; counter.total })?;
///     Ok(format!("{total} so far"))
/// }
/// # let _ = Server::new("s", "1").tool("count", "Count", count);
/// ```
pub struct Session<S = ()> {
    states: Rc<States>,
    context: Context,
    name: &'static str,
    of: PhantomData<fn() -> S>,
}

impl<S: Default + Serialize + DeserializeOwned + 'static> Session<S> {
    /// The state as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&self) -> Result<S, StateError> {
        match self.states.read(self.name)? {
            Some(json) => serde_json::from_str(&json).map_err(|error| self.unreadable(&error)),
            None => Ok(S::default()),
        }
    }

    /// The error of a state that is none of this type. The log has its name and not the parser's words, which may quote it.
    fn unreadable(&self, error: &serde_json::Error) -> StateError {
        let told = Format::SessionRows.unreadable().0;
        self.states
            .host
            .warn(&format!("the state `{}`: {told}", self.name));
        StateError::Unreadable(error.to_string())
    }

    /// The error of a state without a JSON form. The cause is in the log.
    fn unwritable(&self, error: &serde_json::Error) -> StateError {
        self.states.host.warn(&format!(
            "the state `{}` cannot be kept: {error}",
            self.name
        ));
        StateError::Unwritable("it has no JSON form".to_owned())
    }

    /// Changes the state and gives what the closure gives. Nothing comes between reading and writing, so no other call
    /// sees or loses a half of it; one row is written, and none if the closure panics. The server's
    /// [`on_state_update`](durable_mcp_protocol::Server::on_state_update) runs when the handler is through.
    ///
    /// # Errors
    /// When it cannot be read or kept; it is unchanged then.
    pub fn update<T>(&self, change: impl FnOnce(&mut S) -> T) -> Result<T, StateError> {
        let mut state = self.get()?;
        let given = change(&mut state);
        let json = serde_json::to_string(&state).map_err(|error| self.unwritable(&error))?;
        if let Some(path) = not_finite(&json, &state) {
            return Err(StateError::Unwritable(odd_number(&path)));
        }
        self.keep(&json)?;
        Ok(given)
    }

    fn keep(&self, json: &str) -> Result<(), StateError> {
        if json.len() > MAX_STATE_BYTES {
            let fault = format!("it is longer than {MAX_STATE_BYTES} bytes");
            return Err(StateError::Unwritable(fault));
        }
        self.states.write(self.name, json.to_owned())?;
        (self.states.on_write)();
        self.context.mark_state_changed();
        Ok(())
    }
}

impl<S> std::fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<S> Session<S> {
    /// The call's context, for what the platform adds to a session: its own SQL tables.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The session is about to keep something, so its end has to be seen to.
    pub(crate) fn keep_alive(&self) {
        (self.states.on_write)();
    }
}

impl<S: DeserializeOwned + 'static> Extract for Session<S> {
    fn describe(signature: &mut Signature) {
        signature.needs_session = true;
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        let states = context
            .extension::<States>()
            .ok_or_else(|| Error::internal("This request has no session to keep state in."))?;
        Ok(Self {
            states,
            context: context.clone(),
            name: type_name::<S>(),
            of: PhantomData,
        })
    }
}

/// The name under which serde knows the type: that of the struct or enum; for one without, the compiler's.
fn type_name<S: DeserializeOwned>() -> &'static str {
    match S::deserialize(NameOnly) {
        Err(Named(Some(name))) => name,
        _ => std::any::type_name::<S>(),
    }
}

/// A deserializer that reads nothing, and fails with the name of the type that it was asked for.
struct NameOnly;

/// Error of [`NameOnly`], which carries that name; `None` for a type without one.
#[derive(Debug)]
struct Named(Option<&'static str>);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.unwrap_or_default())
    }
}

impl std::error::Error for Named {}

impl de::Error for Named {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(None)
    }
}

impl<'de> Deserializer<'de> for NameOnly {
    type Error = Named;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Named> {
        Err(Named(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Named> {
        Err(Named(Some(name)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Named> {
        Err(Named(Some(name)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: V,
    ) -> Result<V::Value, Named> {
        Err(Named(Some(name)))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: V,
    ) -> Result<V::Value, Named> {
        Err(Named(Some(name)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Named> {
        Err(Named(Some(name)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit seq tuple map identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn a_state_has_the_serde_name_of_its_type() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only its name is looked at")]
        struct Counter {
            total: i64,
        }
        #[derive(Deserialize)]
        #[serde(rename = "old_name")]
        #[expect(dead_code, reason = "only its name is looked at")]
        struct Renamed(Vec<u8>);
        assert_eq!(type_name::<Counter>(), "Counter");
        assert_eq!(type_name::<Renamed>(), "old_name");
        assert_ne!(
            type_name::<Vec<u8>>(),
            type_name::<std::collections::HashMap<String, u8>>()
        );
    }
}

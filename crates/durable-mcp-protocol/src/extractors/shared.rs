//! [`Shared`], the extractor of values that all handlers of a server share.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use crate::context::{Context, Extensions};
use crate::error::Error;
use crate::extract::{Extract, Rejection, Signature};
use crate::shared_type::SharedType;

/// The value of type `T` that the server was given by [`Server::with_state`](crate::Server::with_state): a pool, a client of an API,
/// settings. It is there as long as the instance of the server is, and is stored nowhere.
///
/// A handler that takes a type which the server was not given is one of [`Server::problems`](crate::Server::problems), and its calls
/// fail. `Option<Shared<T>>` is `None` then.
///
/// ```
/// # use durable_mcp_protocol::prelude::*;
/// struct Prices { per_night: u32 }
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Stay { nights: u32 }
///
/// async fn price(prices: Shared<Prices>, Args(Stay { nights }): Args<Stay>) -> String {
///     format!("{} euros", prices.per_night * nights)
/// }
///
/// let server = Server::new("hotel", "1.0.0").with_state(Prices { per_night: 90 }).tool("price", "Price of a stay", price);
/// # assert!(server.problems().is_empty());
/// ```
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    /// The value with its count of owners, to be kept longer than the call.
    #[must_use]
    pub fn into_rc(self) -> Rc<T> {
        self.0
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.0).finish()
    }
}

impl<T: 'static> Extract for Shared<T> {
    fn describe(signature: &mut Signature) {
        signature.shared.push(SharedType::of::<T>());
    }

    fn extract(context: &Context) -> Result<Self, Rejection> {
        let value = context.shared().and_then(Extensions::get);
        value
            .map(Self)
            .ok_or_else(|| Error::internal(SharedType::of::<T>().problem()).into())
    }
}

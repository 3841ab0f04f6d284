//! Arguments of handlers.

pub mod cancel; // cancellation by the client
pub mod client; // elicitation, sampling, roots
pub mod clock; // time and timers
pub mod extract; // handlers and their arguments
pub mod log; // log messages to the client
pub mod next; // the rest of a call behind a layer
pub mod notify; // changes told to clients
pub mod progress; // progress of a call
pub mod sampling; // the client's model
pub mod shared; // values that a server gives to all handlers
pub(crate) mod shared_type; // types of such values
pub mod task; // calls that outlive their request
pub mod user; // the signed-in person

//! The name of the argument by which a state is named.

/// The argument's name.
pub const STATE_ARGUMENT: &str = "session";

/// Fault of a handler that keeps state and has an argument of that name.
pub(crate) fn taken_problem() -> String {
    format!("it takes `Session`, so its arguments cannot have a `{STATE_ARGUMENT}` of their own")
}

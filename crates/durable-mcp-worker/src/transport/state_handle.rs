//! The name that a caller without a session or a user has for a state: it was given with the answer that began it, and is
//! passed as an [argument](durable_mcp_protocol::state_argument) of later calls.
//!
//! A handle gives access to its state, as a session's id does on a public server. Signed-in callers get no handles, so no
//! grant holds one.

use durable_core::formats::Format;
use durable_core::keys::Keys;
use durable_core::runtime::{Random, Runtime};
use durable_core::wire::RuntimeError;

use super::object_name::Scope;
use super::session_id::ObjectId;

const SCOPE: Scope<'static> = Scope {
    purpose: "state handle",
    owner: &[],
};

/// The name of the state in that object, given at `now`, in milliseconds since 1970.
///
/// # Errors
/// When there is no randomness.
pub fn seal(
    object: ObjectId,
    now: u64,
    keys: &Keys,
    random: &dyn Random,
) -> Result<String, RuntimeError> {
    SCOPE.seal(object, &[now], keys, random)
}

/// The object of a state by its name; none if it names none, or was given more than `max_age` milliseconds ago.
///
/// # Errors
/// The runtime's failure.
pub async fn open(
    name: &str,
    max_age: u64,
    runtime: &dyn Runtime,
) -> Result<Option<ObjectId>, RuntimeError> {
    let opened = SCOPE.open(name, Format::StateHandle, runtime).await?;
    let is_good = |times: &[u64]| {
        times
            .first()
            .is_some_and(|given| is_valid(*given, max_age, runtime.now()))
    };
    Ok(opened.and_then(|(object, times)| is_good(&times).then_some(object)))
}

fn is_valid(given: u64, max_age: u64, now: u64) -> bool {
    now.saturating_sub(given) <= max_age
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn a_state_handle_is_valid_until_it_expires() {
        assert!(is_valid(1000, 500, 1500));
        assert!(!is_valid(1000, 500, 1501));
    }
}

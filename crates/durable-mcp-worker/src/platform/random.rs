//! Unpredictable bytes, from the runtime.

use durable_core::runtime::Random;
use durable_core::wire::RuntimeError;

/// Random bytes of `crypto.getRandomValues`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        getrandom::fill(bytes).map_err(|error| RuntimeError(error.to_string()))
    }
}

//! Unpredictable bytes, from the runtime.

use crate::runtime::Random;
use crate::wire::RuntimeError;

/// Random bytes of `crypto.getRandomValues`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RuntimeError> {
        getrandom::fill(bytes).map_err(|error| RuntimeError(error.to_string()))
    }
}

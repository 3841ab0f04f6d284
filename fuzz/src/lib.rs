//! Fuzz targets of durable-mcp. Each takes bytes as a stranger would send them, and fails on a panic, and on a cost that is
//! not bounded linearly in the length of the input: bytes on the heap, allocations, and basic blocks executed.
//!
//! `scripts/fuzz` runs them. The deployments they call are those of the integration tests: in memory, with a clock that
//! only the target moves.

pub mod codecs;
pub mod documents;
pub mod meter;
pub mod mutator;
mod requests;
mod server;
pub mod sign_in;
#[expect(
    dead_code,
    unused_imports,
    reason = "the doubles of the integration tests, of which a target needs a part"
)]
#[path = "../../tests/integration/support/mod.rs"]
mod support;
pub mod transport;

/// The longest input. A longer one makes each execution slower; a repetition of 16 KiB shows a square.
pub const MAX_BYTES: usize = 16 * 1024;

/// Makes a function of bytes the target of the program it stands in.
#[cfg(feature = "libfuzzer")]
#[macro_export]
macro_rules! target {
    ($target:path) => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $target(input));
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutator::mutate(data, size, max_size, seed)
        });
    };
}

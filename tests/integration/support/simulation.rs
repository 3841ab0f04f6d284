//! Cases that are chosen by a seed, and that can be shown again by it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use durable_core::limits::ISOLATE_BYTES;
use durable_mcp_allocations::allocated;

/// The most bytes that one step of a model may have in use above those before it: requests of some hundred bytes stay far
/// below the memory of an isolate, of which there is one for all of them.
const MOST_BYTES_A_STEP: usize = ISOLATE_BYTES / 128;

/// Chance that repeats itself for the same seed: xorshift64*.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `below`.
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % below
    }

    /// Picks one of some values.
    pub(crate) fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.roll(values.len())]
    }
}

/// Runs a case for each of `count` seeds, or for the one that the variable names; a case that fails tells its seed. Each tells
/// by names how often it came to something. All cases together have to come to each of these more than `least` times.
pub(crate) fn simulate(
    variable: &str,
    count: u64,
    least: u64,
    case: impl Fn(u64) -> Vec<(&'static str, u64)>,
) {
    let named = std::env::var(variable)
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in named.map_or(1..=count, |seed: u64| seed..=seed) {
        let counts = catch_unwind(AssertUnwindSafe(|| case(seed)));
        for (name, times) in counts.unwrap_or_else(|_| panic!("{variable}={seed} shows it")) {
            *sums.entry(name).or_default() += times;
        }
    }
    println!("{sums:?}");
    assert!(
        named.is_some() || sums.values().all(|sum| *sum > least),
        "the cases do not come to much: {sums:?}"
    );
}

/// Carries out one step of a model, which takes no more memory than it may.
pub(crate) fn bounded<T>(step: impl FnOnce() -> T) -> T {
    let (allocated, output) = allocated(step);
    assert!(
        allocated.peak <= MOST_BYTES_A_STEP,
        "a step takes {} bytes",
        allocated.peak
    );
    output
}

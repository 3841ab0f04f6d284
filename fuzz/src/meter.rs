//! The costs of handling an input, and the bound on them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use durable_mcp_allocations::{Allocated, Counting, allocated};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Basic blocks that all threads executed; libFuzzer has one.
static STEPS: AtomicU64 = AtomicU64::new(0);

/// Called at the beginning of each basic block by programs that are compiled with `-sanitizer-coverage-trace-pc`.
///
/// libFuzzer has a function of this name that only says that it is not supported; the linker takes this one.
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_trace_pc() {
    // One thread needs no addition in one step, which would be slower.
    STEPS.store(STEPS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// A bound that is linear in the bytes of an input: a base, and so much for each byte.
#[derive(Debug, Clone, Copy)]
pub struct Linear(pub u64, pub u64);

impl Linear {
    fn at(self, bytes: usize) -> u64 {
        self.0 + self.1 * bytes as u64
    }
}

/// The bounds of a target.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most bytes that are live at one time, beyond those that were live before.
    pub peak: Linear,
    /// All bytes that were allocated.
    pub bytes: Linear,
    /// Number of allocations.
    pub allocations: Linear,
    /// Basic blocks executed, in programs that count them.
    pub steps: Linear,
}

/// Runs `work`, which handles so many bytes of input, and panics if a cost is out of bounds.
///
/// With the environment variable `FUZZ_COSTS` set, it prints the costs instead.
pub fn bounded<T>(bounds: &Bounds, length: usize, work: impl FnOnce() -> T) -> T {
    let before = STEPS.load(Relaxed);
    let (Allocated { peak, total, count }, result) = allocated(work);
    let [peak, bytes, allocations] = [peak, total, count].map(|cost| cost as u64);
    let steps = STEPS.load(Relaxed) - before;
    if std::env::var_os("FUZZ_COSTS").is_some() {
        println!(
            "{length} bytes: peak {peak}, bytes {bytes}, allocations {allocations}, steps {steps}"
        );
        return result;
    }
    let costs = [
        ("bytes at once", peak, bounds.peak),
        ("bytes", bytes, bounds.bytes),
        ("allocations", allocations, bounds.allocations),
        ("steps", steps, bounds.steps),
    ];
    for (name, cost, bound) in costs {
        assert!(
            cost <= bound.at(length),
            "{cost} {name} for {length} bytes; the bound is {}",
            bound.at(length)
        );
    }
    result
}

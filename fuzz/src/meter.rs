//! The costs of handling an input, and the bound on them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what each thread asks the heap for.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static LIVE: Cell<u64> = const { Cell::new(0) };
    static PEAK: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Of all threads; libFuzzer has one.
static STEPS: AtomicU64 = AtomicU64::new(0);

fn grown(bytes: usize) {
    let live = LIVE.get().wrapping_add(bytes as u64);
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    BYTES.set(BYTES.get().wrapping_add(bytes as u64));
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

fn shrunk(bytes: usize) {
    LIVE.set(LIVE.get().wrapping_sub(bytes as u64));
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        shrunk(layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may exist for a moment, and the old content is copied.
        grown(size);
        shrunk(layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

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
    /// The most bytes that are live at one time, beyond those that were before.
    pub peak: Linear,
    /// All bytes that were asked for.
    pub bytes: Linear,
    /// How often bytes were asked for.
    pub allocations: Linear,
    /// Basic blocks executed, in programs that count them.
    pub steps: Linear,
}

/// Runs `work`, which handles so many bytes of input, and panics if a cost is out of bounds.
///
/// With the environment variable `FUZZ_COSTS` set, it prints the costs instead.
pub fn bounded<T>(bounds: &Bounds, length: usize, work: impl FnOnce() -> T) -> T {
    let live = LIVE.get();
    PEAK.set(live);
    let before = counted();
    let result = work();
    let after = counted();
    let peak = PEAK.get().wrapping_sub(live);
    let [bytes, allocations, steps] = [0, 1, 2].map(|at| after[at] - before[at]);
    if std::env::var_os("FUZZ_COSTS").is_some() {
        println!("{length} bytes: peak {peak}, bytes {bytes}, allocations {allocations}, steps {steps}");
        return result;
    }
    let costs = [
        ("bytes at once", peak, bounds.peak),
        ("bytes", bytes, bounds.bytes),
        ("allocations", allocations, bounds.allocations),
        ("steps", steps, bounds.steps),
    ];
    for (name, cost, bound) in costs {
        assert!(cost <= bound.at(length), "{cost} {name} for {length} bytes; the bound is {}", bound.at(length));
    }
    result
}

/// Bytes, allocations and steps so far.
fn counted() -> [u64; 3] {
    [BYTES.get(), ALLOCATIONS.get(), STEPS.load(Relaxed)]
}

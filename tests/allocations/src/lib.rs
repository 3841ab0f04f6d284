//! Allocator that counts what the thread at hand allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
pub struct Counting;

/// Allocations of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    /// The most bytes that were in use at once, above what was in use before.
    pub peak: usize,
    /// Bytes of all allocations together, freed or not: the work that filled them is at least as much.
    pub total: usize,
    /// The number of allocations, reallocations included.
    pub count: usize,
}

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` and counts its allocations on this thread.
pub fn allocated<T>(work: impl FnOnce() -> T) -> (Allocated, T) {
    let before = LIVE.get();
    PEAK.set(before);
    TOTAL.set(0);
    COUNT.set(0);
    let output = work();
    (
        Allocated {
            peak: PEAK.get().saturating_sub(before),
            total: TOTAL.get(),
            count: COUNT.get(),
        },
        output,
    )
}

// A thread that ends still frees memory after its counters have gone, which is not counted.
fn add(bytes: usize) {
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.set(PEAK.get().max(live.get()));
        TOTAL.set(TOTAL.get() + bytes);
        COUNT.set(COUNT.get() + 1);
    });
}

fn remove(bytes: usize) {
    // Memory that another thread allocated is not counted here.
    let _ = LIVE.try_with(|live| live.set(live.get().saturating_sub(bytes)));
}

// SAFETY: every call goes to the system's allocator as it came; the counters are plain cells that allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        remove(layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new exist at once where the allocation cannot grow in its place.
        add(size);
        remove(layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

//! A counting allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The requests of a thread to the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// The number of allocations and reallocations.
    pub times: u64,
    /// The requested bytes, including those that were freed since.
    pub bytes: u64,
}

thread_local! {
    static SO_FAR: Cell<Allocated> = const { Cell::new(Allocated { times: 0, bytes: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize) {
    // A thread that ends has no counter any more, and nobody reads it.
    let _ = SO_FAR.try_with(|so_far| {
        let Allocated { times, bytes: before } = so_far.get();
        so_far.set(Allocated { times: times + 1, bytes: before + bytes as u64 });
    });
}

// SAFETY: every call is passed to the system allocator unchanged. Counting allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, allocation: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(allocation, layout, size) }
    }

    unsafe fn dealloc(&self, allocation: *mut u8, layout: Layout) {
        unsafe { System.dealloc(allocation, layout) }
    }
}

/// The allocations of `run` on this thread, and its output.
pub fn allocated<O>(run: impl FnOnce() -> O) -> (Allocated, O) {
    let before = SO_FAR.get();
    let output = run();
    let after = SO_FAR.get();
    (Allocated { times: after.times - before.times, bytes: after.bytes - before.bytes }, output)
}

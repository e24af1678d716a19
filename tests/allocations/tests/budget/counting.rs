//! An allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a thread has asked the allocator for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// Allocations, and growths of allocations.
    pub times: u64,
    /// Bytes asked for, those given back since included.
    pub bytes: u64,
}

thread_local! {
    static SO_FAR: Cell<Allocated> = const { Cell::new(Allocated { times: 0, bytes: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize) {
    // A thread that is ending has no counter any more; nobody asks it.
    let _ = SO_FAR.try_with(|so_far| {
        let Allocated { times, bytes: before } = so_far.get();
        so_far.set(Allocated { times: times + 1, bytes: before + bytes as u64 });
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
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

/// What `run` allocates on this thread, and what it returns.
pub fn allocated<O>(run: impl FnOnce() -> O) -> (Allocated, O) {
    let before = SO_FAR.get();
    let output = run();
    let after = SO_FAR.get();
    (Allocated { times: after.times - before.times, bytes: after.bytes - before.bytes }, output)
}

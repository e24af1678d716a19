//! An allocator that keeps what is freed as it was.
//!
//! An ordinary one writes its own lists into freed blocks and hands them out again, so that a
//! leftover is seen or not as chance has it. With this one nothing that was freed is ever
//! overwritten but by whoever freed it, and growing a block always moves it: the worst case for a
//! library that promises to wipe.
#![allow(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Allocates and never frees.
#[derive(Clone, Copy, Debug)]
pub struct Keeping;

// SAFETY: every block is one of the system allocator's, unchanged, and stays valid for good.
// Growing is the trait's own way: a new block, a copy, and the old block given to `dealloc`, which
// leaves it as it is.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises of `layout` what the system allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static KEEPING: Keeping = Keeping;

//! An allocator that never reuses freed memory.
//!
//! An ordinary allocator writes its own lists into freed blocks and allocates them again, so that a
//! leftover is found only by chance. With this allocator, nobody overwrites a freed block except
//! its owner before freeing it, and growing a block always moves it. This is the worst case for a
//! library that promises to wipe.
#![allow(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};

/// Allocates and never frees.
#[derive(Clone, Copy, Debug)]
pub struct Keeping;

// SAFETY: every block comes from the system allocator and stays valid for ever. Growing uses the
// default method of the trait: a new block, a copy, and `dealloc` of the old block, which does
// nothing.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller guarantees what the system allocator demands of `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static KEEPING: Keeping = Keeping;

//! Measures how much memory hostile bytes make a reader allocate.
#![allow(unsafe_code)] // `GlobalAlloc` has no safe form.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system allocator, with counters of the present and the peak bytes of each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: each method passes its arguments to `System` unchanged and returns its result. The
// counters neither allocate nor need to be dropped, so an allocator can use them.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks may exist while the content is copied.
        count(signed(size));
        count(-signed(layout.size()));
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The peak of allocated bytes during `work` on this thread, beyond the bytes before it.
///
/// ```
/// use envelope_hostile::allocation::peak;
///
/// let (bytes, sum) = peak(|| {
///     drop(vec![1u8; 1_000]);
///     vec![7u8; 3_000].iter().map(|byte| u32::from(*byte)).sum::<u32>()
/// });
/// assert_eq!((bytes, sum), (3_000, 21_000));
/// ```
pub fn peak<R>(work: impl FnOnce() -> R) -> (usize, R) {
    let before = HELD.get();
    let outer = PEAK.replace(before);
    let result = work();
    let most = PEAK.get();
    PEAK.set(outer.max(most));
    (usize::try_from(most - before).unwrap_or_default(), result)
}

/// What may be allocated beside a multiple of the input: errors and the names in them, and the
/// levels of a nested value: at most 128, of about 900 bytes each.
const FLOOR_BYTES: usize = 128 * 1024;

/// Asserts that `work` allocates at most `factor` times `given` bytes plus 128 KiB at a time.
#[track_caller]
pub(crate) fn within<R>(factor: usize, given: usize, work: impl FnOnce() -> R) -> R {
    let (bytes, result) = peak(work);
    let most = FLOOR_BYTES + factor * given;
    assert!(
        bytes <= most,
        "{bytes} bytes were held at once for {given} that were given, more than {most}"
    );
    result
}

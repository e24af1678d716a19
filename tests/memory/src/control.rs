//! The proof that a search works: a key that is left in memory on purpose.

use std::hint::black_box;

use crate::{Find, Form, Masked, Place, Search, Seed, scrubbed, undisturbed};

const LEFT_BEHIND: &str = "left behind";
const KEY: Seed = Seed(0x510e_527f_ade6_82d1);

/// Leaves a key behind, once on the heap and once on the stack. Every search must find it.
pub fn leave_behind() {
    // So deep that no later work overwrites it.
    undisturbed(|| undisturbed(|| undisturbed(|| undisturbed(leave_here))));
}

#[inline(never)]
fn leave_here() {
    let mut key = [0; 32];
    key.iter_mut().enumerate().for_each(|(at, byte)| *byte = KEY.byte(0, at));
    drop(black_box(key.to_vec()));
    black_box(&key);
}

/// Searches for the secrets of `search` and for the key that was left behind. Returns what was
/// found besides that key.
///
/// # Panics
///
/// If the key that was left behind is not found.
#[track_caller]
pub fn found_besides(search: impl FnOnce() -> Search, stack: usize) -> Vec<Find> {
    // The search must not find the copies that are computed here.
    let mut search = scrubbed(search);
    search.add(LEFT_BEHIND, &Masked::new(32, |at| KEY.byte(0, at)));
    let (left_behind, others): (Vec<_>, _) = search
        .run(stack)
        .into_iter()
        .partition(|find| find.name == LEFT_BEHIND && find.form == Form::Plain);
    for place in [Place::Heap, Place::Stack] {
        assert!(
            left_behind.iter().any(|find| find.place == place),
            "this search sees nothing in {place:?}"
        );
    }
    others
}

/// Asserts that no secret of `search` is found.
///
/// # Panics
///
/// If one is found, or if the key that was left behind on purpose is not.
#[track_caller]
pub fn assert_nothing(search: impl FnOnce() -> Search, stack: usize) {
    let finds = found_besides(search, stack);
    assert!(finds.is_empty(), "left in memory:\n{}", Find::summary(&finds));
}

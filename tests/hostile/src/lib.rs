//! Properties that hold for arbitrary bytes: the bodies of the fuzz targets, and of the tests that
//! run without a fuzzer.
//!
//! A target gets bytes, as storage might contain them, and panics if a property does not hold.
//! Every target asserts that nothing panics, overflows the stack or allocates more than a small
//! multiple of its input. The programs in `fuzz/` let libFuzzer choose the bytes.
//! `tests/any_bytes.rs` replays the committed corpora and chooses further bytes at random.
//!
//! ```
//! let (name, target) = envelope_hostile::TARGETS[0];
//! assert_eq!(name, "dek");
//! target(b"\x01\x00\x01\x01\x08 hostile");
//! ```
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc)]

pub mod allocation;
mod branch_keys;
mod dek;
mod input;
mod item;
mod open;
mod payload;
mod records;
mod search_tag;
mod stream;
mod values;
mod vectors;
mod versions;

pub use branch_keys::branch_keys;
pub use dek::dek;
pub use input::Item;
pub use item::{Forgery, item, read_item};
pub use open::open;
pub use payload::payload;
pub use search_tag::search_tag;
pub use stream::stream;
pub use values::values;

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target and its name. The program in `fuzz/fuzz_targets` and the folder in `fuzz/corpus`
/// have the same name.
pub const TARGETS: [(&str, Target); 8] = [
    ("dek", dek),
    ("payload", payload),
    ("open", open),
    ("stream", stream),
    ("item", item),
    ("values", values),
    ("branch_keys", branch_keys),
    ("search_tag", search_tag),
];

/// The output of a future that never waits.
fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("nothing here waits"),
    }
}

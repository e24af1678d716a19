//! A process that looks through its own memory for what should no longer be there.
//!
//! What is looked for must not itself lie in memory, or it would be found: secrets are [`Masked`],
//! made and compared byte by byte. What is looked through is every page that can be written, by way
//! of `/proc/self/mem`.
//!
//! Chance must not hide anything. Freed memory is never used again ([`heap`]), so a buffer that was
//! not wiped stays as it was left; work is done on the stack of a thread that then stands still
//! ([`Service`]); and every search also looks for a key that was left behind on purpose, on the
//! heap and on the stack.

mod control;
mod derive;
pub mod heap;
mod masked;
mod scan;
mod service;

pub use control::{assert_nothing, found_besides, leave_behind};
pub use derive::hkdf;
pub use masked::{Masked, Seed, alone};
pub use scan::{Find, Form, Place, Search};
pub use service::{Service, at_once, scrubbed, undisturbed};

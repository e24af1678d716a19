//! A process that searches its own memory for secrets that should be wiped. Linux only: on other
//! systems this crate is empty, and its tests are reported as ignored.
//!
//! The program `watched` is the command `envelope` with the same allocator: a test that starts it
//! searches its memory from outside.
//!
//! The search must not find its own copy of a secret, so secrets are [`Masked`], and computed and
//! compared byte by byte. The search reads every writable page through `/proc/self/mem`.
//!
//! Chance must not hide a leftover:
//!
//! - Freed memory is never reused ([`heap`]), so a buffer that was not wiped stays unchanged.
//! - Work is done on the stack of a thread that then waits ([`Service`]).
//! - Every search must also find a key that was left behind on purpose, on the heap and on the
//!   stack.
#![cfg(target_os = "linux")]

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

//! Wiping the stack: ciphers and hashes leave copies of keys and blocks there that no type owns.
//!
//! A value that is moved, a register that is saved, a round key in a temporary: all of them stay
//! below the stack pointer until another call happens to write there. The compiler promises nothing
//! about any of it, so this is best effort.

use crate::secret;

/// Bytes of the stack that are wiped: half as much again as AES-GCM and HKDF were seen to use, on
/// x86-64, in a build of either kind.
const REACH_BYTES: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 24 * 1024 };

/// Does `work`, then wipes the stack that it used; what it gives back must not be a secret itself.
pub(crate) fn with_stack_wiped<T>(work: impl FnOnce() -> T) -> T {
    let output = below(work);
    wipe();
    output
}

/// A call of its own, so that whatever `work` puts on the stack lies where [`wipe`] reaches.
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    secret::wipe(&mut [0; REACH_BYTES]);
}

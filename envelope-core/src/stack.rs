//! Wiping the stack. Ciphers and hashes leave copies of keys and blocks there that no type owns.
//!
//! Moved values, saved registers and temporary round keys stay below the stack pointer until
//! another call overwrites them. The compiler guarantees nothing here, so this is best effort.

use crate::secret;

/// How many bytes of the stack are wiped: one and a half times the measured use of AES-GCM and HKDF
/// on x86-64, for debug and release builds.
const REACH_BYTES: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 24 * 1024 };

/// Calls `work`, and then wipes the stack that it used. The output must not be a secret.
pub(crate) fn with_stack_wiped<T>(work: impl FnOnce() -> T) -> T {
    let output = call_in_own_frame(work);
    wipe();
    output
}

/// Calls `work` in a separate stack frame, which starts where the frame of [`wipe`] starts.
#[inline(never)]
fn call_in_own_frame<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    secret::wipe(&mut [0; REACH_BYTES]);
}

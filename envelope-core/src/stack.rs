//! Wiping the stack. Ciphers and hashes leave copies of keys and blocks there that no type owns.
//!
//! Moved values, saved registers and temporary round keys stay below the stack pointer until
//! another call overwrites them. The compiler guarantees nothing here, so this is best effort.

use crate::secret;

/// How many bytes of the stack are wiped: one and a half times the measured use of AES-GCM and HKDF
/// on x86-64, for debug and release builds.
const REACH_BYTES: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 24 * 1024 };

/// As [`REACH_BYTES`], for HMAC alone: a search tag takes less time than wiping all of it.
const HMAC_REACH_BYTES: usize = if cfg!(debug_assertions) { 8 * 1024 } else { 4 * 1024 };

/// Calls `work`, and then wipes the stack that it used. The output must not be a secret.
pub(crate) fn with_stack_wiped<T>(work: impl FnOnce() -> T) -> T {
    let output = call_in_own_frame(work);
    wipe::<REACH_BYTES>();
    output
}

/// As [`with_stack_wiped`], for `work` that computes an HMAC and nothing else.
pub(crate) fn with_hmac_stack_wiped<T>(work: impl FnOnce() -> T) -> T {
    let output = call_in_own_frame(work);
    wipe::<HMAC_REACH_BYTES>();
    output
}

/// Calls `work` in a separate stack frame, which starts where the frame of [`wipe`] starts.
#[inline(never)]
fn call_in_own_frame<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe<const BYTES: usize>() {
    secret::wipe(&mut [0; BYTES]);
}

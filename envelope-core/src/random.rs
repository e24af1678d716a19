//! Random bytes from the operating system.

use crate::error::RandomError;

/// Fills `bytes` from the operating system's random generator.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(RandomError)
}

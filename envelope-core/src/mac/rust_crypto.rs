//! HMAC with the crates `hmac` and `sha2`. They wipe their state on drop.

use hmac::digest::FixedOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::MAC_BYTES;

pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac_with_key(key))
    }

    pub(super) fn mac(&self, message: &[u8], mac: &mut [u8; MAC_BYTES]) {
        write_mac(self.0.clone(), &[message], mac);
    }
}

/// Writes the HMAC directly to its destination, so that no copy stays behind.
pub(crate) fn write_mac(mut hmac: Hmac<Sha256>, parts: &[&[u8]], mac: &mut [u8; MAC_BYTES]) {
    parts.iter().for_each(|part| hmac.update(part));
    hmac.finalize_into(mac.into());
}

pub(crate) fn hmac_with_key(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(hmac) => hmac,
        Err(_) => unreachable!("HMAC takes a key of any length (RFC 2104, section 2)"),
    }
}

//! HMAC by AWS-LC, which wipes its copies of the key. The feature `fips` uses it.

use aws_lc_rs::hmac;

use super::MAC_BYTES;

pub(crate) struct Key(hmac::Key);

impl Key {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(super) fn mac(&self, message: &[u8], mac: &mut [u8; MAC_BYTES]) {
        let written = hmac::sign_to_buffer(&self.0, message, mac);
        assert!(written.is_ok(), "the buffer has the length of an HMAC-SHA256");
    }
}

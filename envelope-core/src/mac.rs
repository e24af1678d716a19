//! HMAC-SHA256 (RFC 2104).

#[cfg(any(feature = "fips", all(test, feature = "aws-lc-rs")))]
mod aws_lc;
#[cfg(any(test, not(feature = "fips")))]
pub(crate) mod rust_crypto;

#[cfg(feature = "fips")]
use aws_lc as backend;
#[cfg(not(feature = "fips"))]
use rust_crypto as backend;

/// Bytes of an HMAC-SHA256.
pub(crate) const MAC_BYTES: usize = 32;

/// A key for any number of messages. The padded key is hashed once. Wiped on drop.
pub(crate) struct MacKey(backend::Key);

impl MacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(backend::Key::new(key))
    }

    /// Writes the HMAC of `message` to `mac`.
    pub(crate) fn mac(&self, message: &[u8], mac: &mut [u8; MAC_BYTES]) {
        self.0.mac(message, mac);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::MAC_BYTES;

    pub(crate) type Hmac = fn(&[u8], &[u8], &mut [u8; MAC_BYTES]);

    pub(crate) const IMPLEMENTATIONS: &[Hmac] = &[
        |key, message, mac| super::rust_crypto::Key::new(key).mac(message, mac),
        #[cfg(feature = "aws-lc-rs")]
        |key, message, mac| super::aws_lc::Key::new(key).mac(message, mac),
    ];

    /// Test cases 1, 2 and 6 of RFC 4231: a short key, a shorter one, and one longer than a block.
    #[test]
    fn hmac_matches_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            for hmac in IMPLEMENTATIONS {
                let mut mac = [0; MAC_BYTES];
                hmac(key, message, &mut mac);
                let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(hex, expected);
            }
        }
    }

    #[test]
    fn one_key_authenticates_several_messages() {
        let key = super::MacKey::new(b"Jefe");
        let [mut first, mut other, mut again] = [[0; MAC_BYTES]; 3];
        key.mac(b"first", &mut first);
        key.mac(b"other", &mut other);
        key.mac(b"first", &mut again);
        assert_eq!(first, again);
        assert_ne!(first, other);
    }
}

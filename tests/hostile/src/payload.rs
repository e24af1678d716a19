//! Parsing `encrypted_payload`.

use envelope_core::{COMMITMENT_BYTES, SALT_BYTES, UntrustedPayload};

use crate::allocation::within;

/// Version, suite, salt and commitment (FORMAT 4.2).
const FIXED_BYTES: usize = 2 + SALT_BYTES + COMMITMENT_BYTES;
const TAG_BYTES: usize = 16;

/// An `encrypted_payload` that parses consists of a fixed part, the only encoding of its names, and
/// a ciphertext.
pub fn payload(bytes: &[u8]) {
    // Measured: 12. A short name is a `String` and its heap block, in a vector that grows by
    // doubling.
    let Ok(payload) = within(30, bytes.len(), || UntrustedPayload::parse(bytes.to_vec())) else {
        return;
    };
    let names = payload.authenticated_names();
    let mut encoded = bytes[..FIXED_BYTES].to_vec();
    encode_head(&mut encoded, 4, names.len());
    for name in names {
        encode_head(&mut encoded, 3, name.len());
        encoded.extend(name.as_bytes());
    }
    assert_eq!(encoded[..2], [1, 1]);
    assert!(bytes.starts_with(&encoded), "one list of names has one encoding");
    assert!(bytes.len() >= encoded.len() + TAG_BYTES);
    assert!(names.is_sorted_by(|a, b| (a.len(), a) < (b.len(), b)));
}

/// The shortest CBOR head. It is written here again, so that the reader is not compared with
/// itself.
fn encode_head(out: &mut Vec<u8>, major: u8, argument: usize) {
    let major = major << 5;
    let wide = argument.to_be_bytes();
    match argument {
        0..24 => out.push(major | wide[7]),
        24..0x100 => out.extend([major | 24, wide[7]]),
        0x100..0x1_0000 => out.extend([&[major | 25], &wide[6..]].concat()),
        _ => out.extend([&[major | 26], &wide[4..]].concat()),
    }
}

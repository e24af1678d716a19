//! Parsing arbitrary bytes never panics, and bytes that parse have one encoding.

use envelope_core::{EncryptedDek, UntrustedPayload};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;

/// Where the list of names starts, and the bytes of a tag (FORMAT 4.2).
const NAMES: usize = 58;
const TAG_BYTES: usize = 16;

/// An `encrypted_dek` with some damage, and whether it is valid.
fn dek() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let entry = (any::<u8>(), vec(any::<u8>(), 0..12), vec(any::<u8>(), 0..40)).prop_map(
        |(kind, id, wrapped)| {
            let [.., high, low] = wrapped.len().to_be_bytes();
            let encoded =
                [&[kind, u8::try_from(id.len()).unwrap()][..], &id, &[high, low], &wrapped]
                    .concat();
            (encoded, !wrapped.is_empty())
        },
    );
    (0u8..4, vec(entry, 0..19)).prop_map(|(form, entries)| {
        let valid = form < 3
            && (1..=16).contains(&entries.len())
            && entries.iter().all(|(_, valid)| *valid);
        let header = vec![1, form, u8::try_from(entries.len()).unwrap()];
        let encoded = entries.into_iter().map(|(encoded, _)| encoded);
        (std::iter::once(header).chain(encoded).flatten().collect(), valid)
    })
}

/// An `encrypted_payload` with some damage: a list of names in any order, heads of any length.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let name = (".{0,30}", 0u8..8)
        .prop_map(|(name, odd)| [head(3, name.len(), odd == 0), name.into_bytes()].concat());
    (vec(name, 0..40), any::<bool>(), 0u8..8, vec(any::<u8>(), 0..40)).prop_map(
        |(mut names, sorted, odd, rest)| {
            if sorted {
                names.sort_by_key(|name| (name.len(), name.clone()));
                names.dedup();
            }
            [&[1, 1][..], &[0; NAMES - 2], &head(4, names.len(), odd == 0), &names.concat(), &rest]
                .concat()
        },
    )
}

/// A CBOR head. If `long`, it has two bytes although one is enough.
fn head(major: u8, argument: usize, long: bool) -> Vec<u8> {
    match u8::try_from(argument).unwrap() {
        short @ 0..24 if !long => vec![major << 5 | short],
        byte => vec![major << 5 | 24, byte],
    }
}

/// A list of names as in FORMAT 4.2.
fn encoded(names: &[String]) -> Vec<u8> {
    let name = |name: &String| [head(3, name.len(), false), name.clone().into_bytes()].concat();
    [head(4, names.len(), false), names.iter().flat_map(name).collect()].concat()
}

/// `bytes` with one byte replaced or some removed.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (bytes, any::<Index>(), any::<u8>(), 0u8..3).prop_map(|(mut bytes, at, byte, how)| {
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            _ => {}
        }
        bytes
    })
}

fn dek_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..300), damaged(dek().prop_map(|(bytes, _)| bytes))]
}

fn payload_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..300), damaged(payload())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dek_that_parses_encodes_to_the_same_bytes(bytes in dek_bytes()) {
        if let Ok(dek) = EncryptedDek::parse(&bytes) {
            prop_assert_eq!(dek.to_bytes(), bytes);
            prop_assert!((1..=16).contains(&dek.keys().len()));
        }
    }

    /// Version, suite, salt, commitment and the bytes behind the names are read unchanged. The names
    /// could have two encodings, and have one.
    #[test]
    fn the_names_of_a_payload_that_parses_encode_to_the_same_bytes(bytes in payload_bytes()) {
        if let Ok(payload) = UntrustedPayload::parse(bytes.clone()) {
            let names = payload.authenticated_names();
            let encoded = encoded(names);
            prop_assert_eq!(&bytes[..2], &[1, 1]);
            prop_assert_eq!(&bytes[NAMES..NAMES + encoded.len()], encoded.as_slice());
            prop_assert!(bytes.len() >= NAMES + encoded.len() + TAG_BYTES);
            prop_assert!(names.is_sorted_by(|a, b| (a.len(), a) < (b.len(), b)));
        }
    }

    /// The strategies above would prove nothing if their bytes never parsed.
    #[test]
    fn undamaged_bytes_parse((dek, valid) in dek(), names in btree_set("[a-z]{0,20}", 0..30)) {
        prop_assert_eq!(EncryptedDek::parse(&dek).is_ok(), valid);

        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        let payload = UntrustedPayload::parse([&[1, 1][..], &[0; NAMES - 2], &encoded(&names), &[0; TAG_BYTES]].concat());
        let payload = payload.unwrap();
        prop_assert_eq!(payload.authenticated_names(), names);
    }
}

//! The rules of contexts and wrapped keys, and their debug output.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use envelope_core::{
    Content, Context, ContextError, ContextForm, DataKey, EncryptedDek, KeyErrorKind, KeyKind,
    KmsKeyHint, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS, Number, OVERHEAD_BYTES,
    PayloadBuilder, Plaintext, Sealed, UntrustedPayload, Value, WrappedKey,
};

#[test]
fn a_pair_has_a_unique_name_and_a_value() {
    let context = || Context::new("t").pair("tenant", "7").unwrap();
    let reserved =
        ["table", "Table", "partition_key", "PARTITION_KEY", "sort_key", "envelope", "Envelope"];
    for name in ["", "aws:x", "AWS:x", "aWs:"].into_iter().chain(reserved) {
        assert_eq!(
            context().pair(name, "1").unwrap_err(),
            ContextError::ReservedName(name.to_owned())
        );
    }
    for (name, value) in [("tenant", "8"), ("Tenant", "8"), ("other", "")] {
        assert_eq!(context().pair(name, value).unwrap_err(), ContextError::Pair(name.to_owned()));
    }
    for name in ["aws", "awsx:", "x-aws:", "tables", "envelopes", "кey", "a"] {
        assert!(context().pair(name, "1").is_ok(), "{name}");
    }
    assert_eq!(context().encryption_context().get("tenant"), Some("7"));
    assert_eq!(context().encryption_context().get("other"), None);
}

#[test]
fn an_attribute_cannot_be_bound_twice() {
    let context = Context::new("t").authenticated("plan", None).unwrap();
    let error = context.authenticated("plan", Some(Value::Null)).unwrap_err();
    assert_eq!(error, ContextError::DuplicateAttribute("plan".to_owned()));
}

#[test]
fn private_key_kinds_are_128_to_255() {
    assert_eq!((KeyKind::private(0), KeyKind::private(127)), (None, None));
    assert_eq!(KeyKind::private(128).unwrap().to_byte(), 128);
    assert_eq!(KeyKind::private(255).unwrap().to_byte(), 255);
}

#[test]
fn a_wrapped_key_is_as_long_as_the_format_allows() {
    let kind = KeyKind::AWS_KMS;
    assert!(
        WrappedKey::new(kind, vec![0; MAX_KEY_ID_BYTES], vec![0; MAX_WRAPPED_KEY_BYTES]).is_ok()
    );
    assert!(WrappedKey::new(kind, vec![0; MAX_KEY_ID_BYTES + 1], [0]).is_err());
    assert!(WrappedKey::new(kind, [], vec![0; MAX_WRAPPED_KEY_BYTES + 1]).is_err());
    assert!(WrappedKey::new(kind, [], []).is_err());
    let key = || WrappedKey::new(kind, [], [0]).unwrap();
    assert!(EncryptedDek::new(ContextForm::Raw, vec![key(); MAX_WRAPPED_KEYS]).is_ok());
    assert!(EncryptedDek::new(ContextForm::Raw, vec![key(); MAX_WRAPPED_KEYS + 1]).is_err());
    assert!(EncryptedDek::new(ContextForm::Raw, vec![]).is_err());
}

/// The first bytes of SHA-256 of "abc" (FIPS 180-4, example).
#[test]
fn a_kms_hint_has_digests_of_key_and_material() {
    let abc = [0xba, 0x78, 0x16, 0xbf];
    let hint = KmsKeyHint::of("abc").with_material(Some("abc"));
    let bytes = [abc, abc].concat();
    assert_eq!((hint.as_ref(), Vec::from(hint)), (bytes.as_slice(), bytes.clone()));
    assert_eq!((hint.key(), hint.material()), (abc, Some(abc)));
    for unsaid in [None, Some("")] {
        let hint = hint.with_material(unsaid);
        assert_eq!((hint.as_ref(), hint.material()), ([abc, [0; 4]].concat().as_slice(), None));
        assert_eq!(hint, KmsKeyHint::of("abc"));
    }
}

#[test]
fn a_kms_hint_fits_its_key_with_any_material() {
    let hint = KmsKeyHint::of("abc");
    let stored = hint.with_material(Some("abc")).as_ref().to_vec();
    for (bit, fits) in [(0, false), (31, false), (32, true), (63, true)] {
        let mut changed = stored.clone();
        changed[bit / 8] ^= 0x80 >> (bit % 8);
        assert_eq!(hint.fits(&changed), fits, "bit {bit}");
    }
    for other in [&[][..], &stored[..4], &stored[..7], &[&stored[..], &[0]].concat()] {
        assert!(!hint.fits(other));
        assert_eq!(KmsKeyHint::parse(other), None);
    }
}

#[test]
fn a_data_key_is_32_bytes_long_and_counts_what_all_its_shares_seal() {
    for length in [0, 31, 33] {
        let error = DataKey::from_slice(&vec![7; length]).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::InvalidResponse, "{length}");
        assert_eq!(
            error.to_string(),
            format!("invalid response: a data key must be 32 bytes long, not {length}")
        );
    }
    assert_ne!(DataKey::generate().unwrap().expose(), DataKey::generate().unwrap().expose());
    let key = DataKey::from_slice(&[7; 32]).unwrap();
    let seal = |key: &DataKey, plaintext: &[u8]| {
        let mut payload = PayloadBuilder::new(plaintext.len(), []);
        payload.extend_from_slice(plaintext);
        payload.seal(Content::Bytes, &Context::new("t"), key).unwrap()
    };
    assert_eq!(seal(&key, b"four").len(), 4 + OVERHEAD_BYTES);
    seal(&key.share(), b"seven..");
    assert_eq!((key.sealed_bytes(), key.share().sealed_bytes()), (11, 11));
    assert_eq!(OVERHEAD_BYTES, 75, "as README and FORMAT say");
}

#[test]
fn debug_shows_names_and_lengths_and_no_values() {
    let context = Context::new("users")
        .partition_key("user_id", Value::string("s3cr3t"))
        .authenticated("plan", Some(Value::Number(Number::parse("42").unwrap())))
        .unwrap()
        .pair("tenant", "s3cr3t")
        .unwrap();
    let key = DataKey::from_slice(&[7; 32]).unwrap();
    let mut payload = PayloadBuilder::new(7, context.authenticated_names());
    payload.extend_from_slice(b"s3cr3t.");
    let payload = payload.seal(Content::Bytes, &context, &key).unwrap();
    for (shown, expected) in [
        (
            format!("{context:?}"),
            "Context { table: \"users\", form: Raw, keys: [\"user_id\"], authenticated: \
             [\"plan\"], pairs: [\"tenant\"] }",
        ),
        (
            format!("{:?}", context.encryption_context()),
            "EncryptionContext { form: Raw, names: [\"partition_key\", \"table\", \"tenant\"] }",
        ),
        (
            format!("{:?}", WrappedKey::new(KeyKind::LOCAL, *b"id", [7; 72]).unwrap()),
            "WrappedKey(local, 72 bytes)",
        ),
        (
            format!(
                "{:?}",
                [
                    KeyKind::LOCAL,
                    KeyKind::AWS_KMS,
                    KeyKind::BRANCH,
                    KeyKind::RSA_OAEP,
                    KeyKind::private(200).unwrap()
                ]
            ),
            "[local, aws-kms, branch, rsa-oaep, kind 200]",
        ),
        (
            format!("{:?}", Sealed { encrypted_payload: vec![7; 80], encrypted_dek: vec![7; 87] }),
            "Sealed(80 + 87 bytes)",
        ),
        (format!("{:?}", Number::parse("42").unwrap()), "Number(..)"),
        (format!("{:?}", Value::Number(Number::parse("42").unwrap())), "N(..)"),
        (format!("{:?}", DataKey::from_slice(&[7; 32]).unwrap()), "DataKey(..)"),
        (format!("{:?}", Plaintext::from(b"s3cr3t".to_vec())), "Plaintext(6 bytes)"),
        (
            format!("{:?}", UntrustedPayload::parse(payload).unwrap()),
            "UntrustedPayload(87 bytes, authenticated [\"plan\"])",
        ),
    ] {
        assert_eq!(shown, expected);
    }
}

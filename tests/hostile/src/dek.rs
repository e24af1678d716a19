//! Parsing `encrypted_dek`.

use envelope_core::{EncryptedDek, KeyKind, MAX_WRAPPED_KEYS, WrappedKey};

use crate::allocation::within;

/// An `encrypted_dek` that parses encodes to the same bytes, and can be built again from its parts.
pub fn dek(bytes: &[u8]) {
    // An entry of 5 bytes becomes two vectors and a kind.
    let Ok(dek) = within(20, bytes.len(), || EncryptedDek::parse(bytes)) else { return };
    assert_eq!(dek.to_bytes(), bytes);
    assert!((1..=MAX_WRAPPED_KEYS).contains(&dek.keys().len()));
    let keys = dek
        .keys()
        .iter()
        .map(|key| WrappedKey::new(key.kind(), key.id(), key.bytes()).unwrap())
        .collect();
    assert_eq!(EncryptedDek::new(dek.form(), keys).unwrap(), dek);
    for key in dek.keys() {
        let private = KeyKind::private(key.kind().to_byte());
        assert!(private.is_none_or(|kind| kind == key.kind()));
    }
    let shown = format!("{dek:?}");
    assert!(shown.len() < 1_024, "{shown}");
}

//! Which entries of an `encrypted_dek` name which KMS key.

use envelope_core::{EncryptedDek, KeyKind, KmsKeyHint, WrappedKey};

/// What a move from one KMS key to another has left to do for a data key.
#[cfg(any(test, feature = "maintain"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// An entry names the key to move from.
    Due,
    /// No entry names the key to move from, and one names the key to move to.
    Already,
    /// No entry names either key.
    Other,
}

/// Compares the entries of `dek` with the keys of a move. The hints are not authenticated: this is
/// what the record claims.
#[cfg(any(test, feature = "maintain"))]
pub(crate) fn standing(dek: &EncryptedDek, from: KmsKeyHint, to: KmsKeyHint) -> Standing {
    if names(dek, from) {
        Standing::Due
    } else if names(dek, to) {
        Standing::Already
    } else {
        Standing::Other
    }
}

/// Whether an entry names the KMS key of `hint`.
pub(crate) fn names(dek: &EncryptedDek, hint: KmsKeyHint) -> bool {
    dek.keys().iter().any(|entry| is_of(entry, hint))
}

pub(crate) fn is_of(entry: &WrappedKey, hint: KmsKeyHint) -> bool {
    entry.kind() == KeyKind::AWS_KMS && hint.fits(entry.id())
}

/// The entries after a move: without those of `from`, and with `new` in place of the first of them.
/// Entries of other keys stay as they are.
pub(crate) fn replaced(
    dek: &EncryptedDek,
    from: KmsKeyHint,
    mut new: Option<WrappedKey>,
) -> Vec<WrappedKey> {
    let keep = |entry: &WrappedKey| {
        if is_of(entry, from) { new.take() } else { Some(entry.clone()) }
    };
    dek.keys().iter().filter_map(keep).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use envelope_core::{ContextForm, EncryptedDek, KeyKind, KmsKeyHint, WrappedKey};

    use crate::keys::kms::entries::{Standing, replaced, standing};

    fn hint(key: &str) -> KmsKeyHint {
        KmsKeyHint::of(key)
    }

    /// An entry of a KMS key, whose ciphertext is `blob`.
    fn kms(key: &str, blob: u8) -> WrappedKey {
        let hint = hint(key).with_material(Some("any material"));
        WrappedKey::new(KeyKind::AWS_KMS, hint, [blob; 40]).unwrap()
    }

    /// An entry of another kind, with the same id as an entry of `key` has.
    fn branch(key: &str) -> WrappedKey {
        WrappedKey::new(KeyKind::BRANCH, hint(key), [9; 16]).unwrap()
    }

    fn dek(keys: &[WrappedKey]) -> EncryptedDek {
        EncryptedDek::new(ContextForm::Raw, keys.to_vec()).unwrap()
    }

    #[test]
    fn a_data_key_is_due_while_any_entry_names_the_old_key() {
        let of = |keys: &[WrappedKey]| standing(&dek(keys), hint("old"), hint("new"));
        assert_eq!(of(&[kms("old", 1)]), Standing::Due);
        assert_eq!(of(&[kms("new", 1), kms("old", 2)]), Standing::Due);
        assert_eq!(of(&[kms("third", 1), kms("new", 2)]), Standing::Already);
        assert_eq!(of(&[kms("third", 1)]), Standing::Other);
    }

    #[test]
    fn an_entry_of_another_kind_names_no_kms_key() {
        let of = |keys: &[WrappedKey]| standing(&dek(keys), hint("old"), hint("new"));
        assert_eq!(of(&[branch("old")]), Standing::Other);
        assert_eq!(of(&[branch("old"), kms("new", 1)]), Standing::Already);
        assert_eq!(of(&[branch("new")]), Standing::Other);
    }

    #[test]
    fn one_new_entry_replaces_all_entries_of_the_old_key() {
        let stored = dek(&[kms("a", 1), kms("old", 2), branch("old"), kms("old", 3)]);
        let moved = replaced(&stored, hint("old"), Some(kms("new", 4)));
        assert_eq!(moved, [kms("a", 1), kms("new", 4), branch("old")]);
        let dropped = replaced(&stored, hint("old"), None);
        assert_eq!(dropped, [kms("a", 1), branch("old")]);
    }
}

//! Tells the events of a rewrap from changes of records.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::modify_record::plan::is_same;
use crate::record::schema::{ENCRYPTED_DEK, is_reserved};

/// Whether two images of an item differ in nothing but their wrapped keys (`encrypted_dek` and
/// those of groups): a rewrap, and no change of the record. Consumers of a stream can skip such an
/// event.
///
/// The events of a [`reseal`](crate::maintain::StoredTable::reseal) are not told apart: a reseal
/// replaces the payload, as every write does, and nobody can tell without the key whether the
/// fields in it have changed. So this returns false for them. A consumer that may open records can
/// open both images and compare.
///
/// ```
/// use aws_sdk_dynamodb::primitives::Blob;
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use envelope_dynamo::item::Item;
/// use envelope_dynamo::maintain::only_keys_changed;
///
/// let binary = |bytes: &[u8]| AttributeValue::B(Blob::new(bytes));
/// let old = Item::from([
///     ("user_id".to_owned(), AttributeValue::S("u_1".to_owned())),
///     ("encrypted_payload".to_owned(), binary(b"sealed")),
///     ("encrypted_dek".to_owned(), binary(b"old key")),
/// ]);
/// let mut new = old.clone();
/// new.insert("encrypted_dek".to_owned(), binary(b"new key"));
/// assert!(only_keys_changed(&old, &new)); // a rewrap
/// new.insert("encrypted_payload".to_owned(), binary(b"sealed again"));
/// assert!(!only_keys_changed(&old, &new)); // a put, a modify or a reseal
/// ```
///
/// # Security
///
/// Wrapped keys are not authenticated. Whoever can write the table can replace one so that the
/// record no longer opens, and this function returns true for that event too.
#[must_use]
pub fn only_keys_changed(
    old: &HashMap<String, AttributeValue>,
    new: &HashMap<String, AttributeValue>,
) -> bool {
    let is_key = |name: &str| is_reserved(name) && name.starts_with(ENCRYPTED_DEK);
    let is_kept = |(name, old): (&String, &AttributeValue)| match new.get(name) {
        // A key that is gone is more than a key that was wrapped again.
        None => false,
        Some(new) => is_key(name) || is_same(Some(old), Some(new)),
    };
    old.len() == new.len() && old.iter().all(is_kept)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::dynamodb::Item;
    use crate::maintain::only_keys_changed;

    fn item(attributes: &[(&str, &str)]) -> Item {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect()
    }

    #[test]
    fn only_wrapped_keys_may_differ() {
        let old = item(&[
            ("id", "1"),
            ("plan", "pro"),
            ("encrypted_payload", "p"),
            ("encrypted_dek", "k"),
            ("encrypted_payload_medical", "pm"),
            ("encrypted_dek_medical", "km"),
        ]);
        let with = |name: &str, value: &str| {
            let mut new = old.clone();
            new.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
            only_keys_changed(&old, &new)
        };
        assert!(only_keys_changed(&old, &old));
        assert!(with("encrypted_dek", "k2") && with("encrypted_dek_medical", "km2"));
        for name in ["id", "plan", "encrypted_payload", "encrypted_payload_medical", "another"] {
            assert!(!with(name, "changed"), "{name}");
        }
        assert!(!with("encrypted_dek_other", "added") && !with("encrypted_dek_", "added"));
        for name in old.keys() {
            let mut less = old.clone();
            less.remove(name);
            assert!(!only_keys_changed(&old, &less) && !only_keys_changed(&less, &old), "{name}");
        }
    }

    #[test]
    fn an_attribute_that_only_looks_like_a_key_is_none() {
        let images = ["1", "2"].map(|value| item(&[("encrypted_deks", value)]));
        assert!(!only_keys_changed(&images[0], &images[1]));
    }
}

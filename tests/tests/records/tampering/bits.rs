//! Every single bit of a record, flipped.

use super::*;

/// Each copy of `bytes` with one bit flipped.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit, flipped)
    })
}

/// Each copy of `text` with one bit flipped that is still text.
fn flipped_text(text: &str) -> impl Iterator<Item = String> {
    flipped(text.as_bytes()).filter_map(|(_, bytes)| String::from_utf8(bytes).ok())
}

#[tokio::test]
async fn every_bit_of_a_payload_counts() {
    let servers = Servers::from_env().await.unwrap();
    for keys in everybody(&servers).await.into_iter().map(Keys::remembering) {
        let item = keys.write(&secret("zoe", "4111")).await;
        for (bit, flipped) in flipped(&bytes_of(&item, "encrypted_payload")) {
            let read =
                keys.read::<Secret>(&with(&item, "encrypted_payload", binary(flipped))).await;
            assert!(read.is_err(), "{}: bit {bit}", keys.name);
        }
        assert_eq!(
            keys.read::<Secret>(&item).await.unwrap(),
            secret("zoe", "4111"),
            "{}",
            keys.name
        );
    }
}

/// The bits that name the key material, in an `encrypted_dek` with one wrapped key of KMS. These
/// four bytes follow the head, the kind, the length of the id and the four bytes that name the key.
/// They serve to count records and prove nothing (FORMAT 6.2).
const MATERIAL: std::ops::Range<usize> = 8 * (3 + 2 + 4)..8 * (3 + 2 + 4 + 4);

/// The `encrypted_dek` has one wrapped key, that of the reader.
#[tokio::test]
async fn every_bit_of_a_wrapped_key_matters_to_its_recipient() {
    let servers = Servers::from_env().await.unwrap();
    for keys in [local("local", 1), rsa(), kms(&servers), hierarchical(&servers).await] {
        let item = keys.write(&secret("zoe", "4111")).await;
        for (bit, flipped) in flipped(&bytes_of(&item, "encrypted_dek")) {
            let read = keys.read::<Secret>(&with(&item, "encrypted_dek", binary(flipped))).await;
            if keys.name == "kms" && MATERIAL.contains(&bit) {
                assert_eq!(read.unwrap(), secret("zoe", "4111"), "bit {bit}");
            } else {
                assert!(read.is_err(), "{}: bit {bit}", keys.name);
            }
        }
        assert_eq!(
            keys.read::<Secret>(&item).await.unwrap(),
            secret("zoe", "4111"),
            "{}",
            keys.name
        );
    }
}

/// A reader ignores the wrapped key of another party. Each bit matters to at least one of the two.
#[tokio::test]
async fn every_bit_of_a_dek_for_two_counts_for_one_of_them() {
    let (keys, first, second) = (both(), local("first", 3), local("second", 4));
    let item = keys.write(&secret("zoe", "4111")).await;
    let mut noticed = [0, 0];
    for (bit, flipped) in flipped(&bytes_of(&item, "encrypted_dek")) {
        let item = with(&item, "encrypted_dek", binary(flipped));
        let read = [first.read::<Secret>(&item).await, second.read(&item).await];
        assert!(read.iter().any(Result::is_err), "bit {bit}");
        for (read, noticed) in read.into_iter().zip(&mut noticed) {
            match read {
                Ok(read) => assert_eq!(read, secret("zoe", "4111"), "bit {bit}"),
                Err(_) => *noticed += 1,
            }
        }
    }
    let (head, entry) = (8 * 3, 8 * (1 + 1 + 8 + 2 + 72));
    let of_both = 2 * entry + head;
    assert!(
        noticed.iter().all(|bits| (entry + head..of_both).contains(bits)),
        "{noticed:?} of {of_both}"
    );
}

#[tokio::test]
async fn every_bit_of_a_key_or_an_authenticated_attribute_counts() {
    let servers = Servers::from_env().await.unwrap();
    for keys in everybody(&servers).await.into_iter().map(Keys::remembering) {
        let item = keys.write(&secret("zoe", "4111")).await;
        let mut tried = 0;
        for name in PROTECTED.into_iter().filter(|name| item.contains_key(*name)) {
            for changed in changed(&item[name]) {
                let read = keys.read::<Secret>(&with(&item, name, changed.clone())).await;
                assert!(read.is_err(), "{}: {name} as {changed:?}", keys.name);
                tried += 1;
            }
        }
        assert!(tried > 150, "{tried} changes");
    }
}

/// Each value that differs from this one in one bit of a text or number, or in its type.
fn changed(value: &AttributeValue) -> Vec<AttributeValue> {
    match value {
        AttributeValue::S(old) => flipped_text(old)
            .map(text)
            .chain([AttributeValue::B(Blob::new(old.as_bytes()))])
            .collect(),
        AttributeValue::N(old) => {
            flipped_text(old).map(AttributeValue::N).chain([text(old)]).collect()
        }
        AttributeValue::Ss(set) => {
            let list = AttributeValue::L(set.iter().map(text).collect());
            let element = |i: usize| {
                flipped_text(&set[i]).map(move |flipped| {
                    let mut set = set.clone();
                    set[i] = flipped;
                    AttributeValue::Ss(set)
                })
            };
            (0..set.len()).flat_map(element).chain([list]).collect()
        }
        AttributeValue::L(values) => {
            let element = |i: usize| {
                changed(&values[i]).into_iter().map(move |changed| {
                    let mut values = values.clone();
                    values[i] = changed;
                    AttributeValue::L(values)
                })
            };
            (0..values.len()).flat_map(element).collect()
        }
        AttributeValue::M(entries) => {
            let (name, value) = entries.iter().next().unwrap();
            let values = changed(value).into_iter().map(|changed| (name.clone(), changed));
            let names = flipped_text(name).map(|name| (name, value.clone()));
            values.chain(names).map(|entry| AttributeValue::M([entry].into())).collect()
        }
        other => panic!("no record here has {other:?}"),
    }
}

#[tokio::test]
async fn every_bit_of_the_name_of_a_key_or_an_authenticated_attribute_counts() {
    let keys = local("local", 1);
    let frozen = Secret { frozen: Some(true), ..secret("zoe", "4111") };
    let item = keys.write(&frozen).await;
    for name in PROTECTED {
        for other in flipped_text(name) {
            let renamed = with(&with(&item, &other, item[name].clone()), name, None);
            assert!(keys.read::<Secret>(&renamed).await.is_err(), "{name} as {other}");
        }
    }
}

/// Authenticated attributes: removed, replaced, and added where they were absent.
#[tokio::test]
async fn an_authenticated_attribute_is_neither_removed_nor_added() {
    let servers = Servers::from_env().await.unwrap();
    for keys in everybody(&servers).await.into_iter().map(Keys::remembering) {
        let item = keys.write(&secret("zoe", "4111")).await;
        for name in PROTECTED.into_iter().filter(|name| item.contains_key(*name)) {
            assert!(
                keys.read::<Secret>(&with(&item, name, None)).await.is_err(),
                "{}: without {name}",
                keys.name
            );
            for other in PROTECTED.into_iter().filter(|other| *other != name) {
                let exchanged = with(&item, name, item.get(other).cloned());
                assert!(
                    keys.read::<Secret>(&exchanged).await.is_err(),
                    "{}: {other} as {name}",
                    keys.name
                );
            }
        }
        for added in [AttributeValue::Bool(false), AttributeValue::Null(true), text("")] {
            assert!(
                keys.read::<Secret>(&with(&item, "frozen", added)).await.is_err(),
                "{}",
                keys.name
            );
        }
    }
}

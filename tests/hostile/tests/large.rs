//! Items of the maximal size, built so that reading them is as expensive as possible.
//!
//! The targets assert the limits on memory. These inputs are longer than those of a fuzzer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_hostile::{Forgery, Item, branch_keys, dek, open, payload, read_item, values};

/// The maximal size of an item (Amazon DynamoDB Developer Guide, "Quotas").
const ITEM_BYTES: usize = 400 * 1024;
/// Large enough that its multiples are above the fixed costs.
const WIDE_BYTES: usize = 20 * 1024;
/// The default stack size of threads in `std` and in tokio.
const STACK_BYTES: usize = 2 << 20;

fn on_a_threads_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).unwrap().join().unwrap();
}

/// An array or map (`major` 4 or 5) with `count` times the bytes of `element`.
fn many(major: u8, count: usize, element: &[u8]) -> Vec<u8> {
    let head = [&[major << 5 | 26][..], &u32::try_from(count).unwrap().to_be_bytes()].concat();
    [head, element.repeat(count)].concat()
}

#[test]
fn nesting_as_deep_as_bytes_allow_is_refused() {
    on_a_threads_stack(|| {
        for filler in [0x81, 0x82, 0x9f, 0xa1, 0xbf, 0xc2, 0xc3, 0xd8, 0xdb] {
            values(&vec![filler; ITEM_BYTES]);
        }
        for filler in [
            b"\xa1\x61a".as_slice(),
            b"\xa1\xf6",
            b"\xa1\x65inner",
            b"\xa1\x67Newtype",
            b"\x81\xa1\x61c",
        ] {
            values(&filler.repeat(ITEM_BYTES / filler.len()));
        }
    });
}

#[test]
fn nesting_as_deep_as_the_format_allows_is_read() {
    on_a_threads_stack(|| {
        for (filler, leaf) in [
            (b"\x81".as_slice(), b"\x80".as_slice()),
            (b"\xa1\x61a", b"\xf6"),
            (b"\xa1\x65inner", b"\xa0"),
            (b"\xa1\x67Newtype", b"\x64Unit"),
            (b"\xa1\x66Struct\xa2\x61b\xf4\x61a", b"\x64Unit"),
        ] {
            for levels in 120..=128 {
                values(&[filler.repeat(levels), leaf.to_vec()].concat());
            }
        }
    });
}

#[test]
fn wide_values_take_a_small_multiple_of_their_bytes() {
    for element in [
        b"\xf6".as_slice(),
        b"\x00",
        b"\x80",
        b"\xa0",
        b"\x60",
        b"\x40",
        b"\x81\x00",
        b"\x61a",
        b"\x64Unit",
    ] {
        values(&many(4, WIDE_BYTES / element.len(), element));
    }
    for entry in
        [b"\x61a\xf6".as_slice(), b"\x60\x80", b"\x00\xa0", b"\xf6\xf6", b"\xf5\x00", b"\x40\x40"]
    {
        values(&many(5, WIDE_BYTES / entry.len(), entry));
    }
    for text in [b'x', 0xc3] {
        values(&[b"\x7a\x00\x06\x40\x00".as_slice(), &[text; ITEM_BYTES]].concat());
        values(&[b"\x5a\x00\x06\x40\x00".as_slice(), &[text; ITEM_BYTES]].concat());
    }
    let deep_and_wide = [b"\x81".repeat(120), many(4, WIDE_BYTES, b"\x00")].concat();
    values(&deep_and_wide);
}

/// Declared lengths without the bytes.
#[test]
fn declared_lengths_are_not_allocated() {
    for head in 0x40..0xc0u8 {
        for claimed in
            [[0xff; 8], [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0, 0, 6, 0x40, 0]]
        {
            let claim = [&[head | 31 & 27][..], &claimed].concat();
            values(&claim);
            values(&claim.repeat(1_000));
            payload(&[&[1, 1][..], &[0; 56], &claim].concat());
        }
    }
    dek(&[1, 0, 16, 2, 255]);
    dek(&[&[1, 0, 16][..], &b"\x02\x00\xff\xff".repeat(16)].concat());
}

/// Distinct names, in the order of a payload.
fn names(bytes: usize) -> Vec<String> {
    let alphabet: Vec<char> = (0x21..0x7f).map(char::from).collect();
    let pairs = || alphabet.iter().flat_map(|a| alphabet.iter().map(move |b| format!("{a}{b}")));
    let triples = alphabet.iter().flat_map(|a| pairs().map(move |pair| format!("{a}{pair}")));
    let mut left = bytes;
    let fits = |name: &String| {
        left = left.saturating_sub(name.len() + 1);
        left > 0
    };
    alphabet.iter().map(char::to_string).chain(pairs()).chain(triples).take_while(fits).collect()
}

fn encoded(names: &[String], value: &[u8]) -> Vec<u8> {
    let encode = |name: &String| {
        [&[0x60 | u8::try_from(name.len()).unwrap()][..], name.as_bytes(), value].concat()
    };
    names.iter().flat_map(encode).collect()
}

fn head(major: u8, count: usize) -> Vec<u8> {
    match u32::try_from(count).unwrap() {
        count @ 0x1_0000.. => [&[major << 5 | 26][..], &count.to_be_bytes()].concat(),
        count => [&[major << 5 | 25][..], &count.to_be_bytes()[2..]].concat(),
    }
}

#[test]
fn many_names_take_a_small_multiple_of_their_bytes() {
    let names = names(ITEM_BYTES);
    assert!(names.len() > 99_000, "{} names", names.len());
    let payload_bytes =
        [&[1, 1][..], &[0; 56], &head(4, names.len()), &encoded(&names, b""), &[0; 16]].concat();
    payload(&payload_bytes);
    open(&[&[0, 0][..], &payload_bytes].concat());
    values(&[head(5, names.len()), encoded(&names, b"\xf6")].concat());
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// An item with the key attributes of all tables, but not with their key types.
fn item(attributes: impl IntoIterator<Item = (String, AttributeValue)>) -> Item {
    let place =
        [("id", s("r_1")), ("tenant", s("t"))].map(|(name, value)| (name.to_owned(), value));
    attributes.into_iter().chain(place).collect()
}

/// The item with keys of the types that each of the structs has.
fn read_everywhere(item: &Item, forgery: &Forgery<'_>) {
    let numbered = AttributeValue::N("7".into());
    for id in [s("r_1"), numbered.clone(), AttributeValue::B(Blob::new([1]))] {
        let mut item = item.clone();
        item.insert("id".into(), id);
        item.entry("at".into()).or_insert(numbered.clone());
        read_item(&item, Some(forgery));
        read_item(&item, None);
    }
}

#[test]
fn items_of_many_attributes_take_a_small_multiple_of_their_bytes() {
    let many = names(ITEM_BYTES / 2);
    let attributes = many.iter().map(|name| (name.clone(), AttributeValue::Null(true)));
    let forgery = Forgery { authenticated: vec!["tenant".into()], plaintext: b"\xa0", group: None };
    read_everywhere(&item(attributes), &forgery);
}

/// Somebody with the key can seal this. A reader that searched all names for each name would take
/// minutes; the time is not asserted.
#[test]
fn a_record_of_tens_of_thousands_of_names_is_read() {
    let many = names(ITEM_BYTES / 4);
    let (sealed, authenticated) = many.split_at(many.len() / 2);
    let plaintext = [head(5, sealed.len()), encoded(sealed, b"\xf6")].concat();
    let forgery =
        Forgery { authenticated: authenticated.to_vec(), plaintext: &plaintext, group: None };
    let attributes = authenticated.iter().map(|name| (name.clone(), AttributeValue::Bool(true)));
    read_everywhere(&item([]), &forgery);
    read_everywhere(&item(attributes), &forgery);
}

#[test]
fn wide_and_deep_attributes_take_a_small_multiple_of_their_bytes() {
    on_a_threads_stack(|| {
        let null = AttributeValue::Null(true);
        let texts: Vec<_> = names(WIDE_BYTES);
        let map = texts.iter().map(|name| (name.clone(), null.clone())).collect();
        let nested = |wrap: fn(AttributeValue) -> AttributeValue| {
            (0..64).fold(null.clone(), |value, _| wrap(value))
        };
        for value in [
            AttributeValue::L(vec![null.clone(); WIDE_BYTES / 2]),
            AttributeValue::L(vec![AttributeValue::L(vec![]); WIDE_BYTES / 2]),
            AttributeValue::M(map),
            AttributeValue::Ss(texts.clone()),
            AttributeValue::Ns((0..10_000).map(|number| number.to_string()).collect()),
            AttributeValue::Bs(texts.iter().map(|text| Blob::new(text.as_bytes())).collect()),
            AttributeValue::S("x".repeat(ITEM_BYTES)),
            AttributeValue::N("9".repeat(ITEM_BYTES)),
            AttributeValue::B(Blob::new(vec![0x81; ITEM_BYTES])),
            nested(|value| AttributeValue::L(vec![value])),
            nested(|value| AttributeValue::M([("a".to_owned(), value)].into())),
            nested(|value| AttributeValue::M([("inner".to_owned(), value)].into())),
            nested(|value| AttributeValue::M([("Newtype".to_owned(), value)].into())),
        ] {
            for name in ["document", "tags", "other"].map(str::to_owned) {
                let authenticated = vec!["tenant".to_owned(), name.clone()];
                let item = item([(name, value.clone())]);
                read_everywhere(&item, &Forgery { authenticated, plaintext: b"\xa0", group: None });
            }
        }
    });
}

#[test]
fn a_table_of_branch_keys_may_hold_anything() {
    branch_keys(&[255; 4_096]);
    branch_keys(&[&[2, 0][..], &[7; 4_096]].concat());
}

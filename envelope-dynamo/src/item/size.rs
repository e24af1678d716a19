//! The size of an item as DynamoDB counts it.
//!
//! Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".

use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;

/// Bytes that a list or map takes in addition to its elements.
const DOCUMENT_BYTES: usize = 3;

/// Bytes that each element takes in addition to its value.
const ELEMENT_BYTES: usize = 1;

/// Bytes of `item`, attribute names included.
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number_bytes(number),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
        AttributeValue::Ns(set) => set.iter().map(|number| number_bytes(number)).sum(),
        AttributeValue::Bs(set) => set.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            DOCUMENT_BYTES
                + values.iter().map(|value| ELEMENT_BYTES + value_bytes(value)).sum::<usize>()
        }
        AttributeValue::M(entries) => {
            let entry = |(name, value): (&String, &AttributeValue)| {
                ELEMENT_BYTES + name.len() + value_bytes(value)
            };
            DOCUMENT_BYTES + entries.iter().map(entry).sum::<usize>()
        }
        _ => 1,
    }
}

/// One byte for two significant digits, and one more; leading and trailing zeros do not count.
///
/// The same source says this "approximately". An item must not be refused here that DynamoDB
/// stores, so nothing is added for a sign, of which the source says nothing.
fn number_bytes(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let significant =
        mantissa.trim_start_matches(['-', '+', '0', '.']).trim_end_matches(['0', '.']);
    significant.bytes().filter(u8::is_ascii_digit).count().div_ceil(2) + 1
}

/// Bytes of `item` as JSON, at most: binary in base64, control characters escaped.
pub(crate) fn wire_bytes(item: &Item) -> usize {
    /// `"":,`, and braces around the type and the value.
    const PUNCTUATION: usize = 16;
    item.iter().map(|(name, value)| PUNCTUATION + wire_text(name) + wire_value(value)).sum()
}

fn wire_value(value: &AttributeValue) -> usize {
    /// `{"NULL":true},` and the like.
    const TYPED: usize = 16;
    /// `"",`
    const QUOTED: usize = 3;
    let base64 = |bytes: usize| bytes.div_ceil(3) * 4;
    TYPED
        + match value {
            AttributeValue::S(text) => wire_text(text),
            AttributeValue::N(number) => number.len(),
            AttributeValue::B(blob) => base64(blob.as_ref().len()),
            AttributeValue::Ss(set) => set.iter().map(|text| QUOTED + wire_text(text)).sum(),
            AttributeValue::Ns(set) => set.iter().map(|number| QUOTED + number.len()).sum(),
            AttributeValue::Bs(set) => {
                set.iter().map(|blob| QUOTED + base64(blob.as_ref().len())).sum()
            }
            AttributeValue::L(values) => values.iter().map(wire_value).sum(),
            AttributeValue::M(entries) => wire_bytes(entries),
            _ => 0,
        }
}

/// Quotes and backslashes get a backslash, control characters become six characters.
fn wire_text(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::dynamodb::Item;
    use crate::item::size::{item_bytes, wire_bytes};

    #[test]
    fn an_item_is_its_names_and_values() {
        let item = Item::from([
            ("id".to_owned(), AttributeValue::S("ü".to_owned())),
            ("n".to_owned(), AttributeValue::N("-123.45".to_owned())),
            ("b".to_owned(), AttributeValue::B(Blob::new([0; 10]))),
            (
                "l".to_owned(),
                AttributeValue::L(vec![AttributeValue::Bool(true), AttributeValue::Null(true)]),
            ),
            (
                "m".to_owned(),
                AttributeValue::M(Item::from([(
                    "k".to_owned(),
                    AttributeValue::S("v".to_owned()),
                )])),
            ),
        ]);
        assert_eq!(item_bytes(&item), (2 + 2) + (1 + 4) + (1 + 10) + (1 + 3 + 4) + (1 + 3 + 3));
    }

    /// Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats": up to 38 significant
    /// digits, leading and trailing zeros trimmed, one byte for two digits and one byte.
    #[test]
    fn a_number_is_its_significant_digits() {
        for (number, bytes) in [
            ("0", 1),
            ("-0.00", 1),
            ("7", 2),
            ("27", 2),
            ("-27", 2),
            ("461", 3),
            ("1700000000000000000", 2),
            ("1e125", 2),
            ("0.00100", 2),
            ("100.001", 4),
            ("10.50", 3),
            ("12345678901234567890123456789012345678", 20),
            ("-0.00012345678901234567890123456789012345678", 20),
        ] {
            assert_eq!(super::number_bytes(number), bytes, "{number}");
        }
    }

    #[test]
    fn what_is_sent_is_larger_than_what_is_stored() {
        let item = Item::from([
            ("b".to_owned(), AttributeValue::B(Blob::new([0; 300]))),
            ("s".to_owned(), AttributeValue::S("\u{1}\"x".repeat(10))),
            ("bs".to_owned(), AttributeValue::Bs(vec![Blob::new([0; 3]), Blob::new([0; 6])])),
        ]);
        let json = 400 + (6 + 2 + 1) * 10 + (4 + 8 + 2 * 3) + 4;
        assert_eq!(wire_bytes(&item), json + 3 * 16 + 3 * 16);
    }
}

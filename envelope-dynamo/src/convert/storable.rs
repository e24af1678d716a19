//! Finds values that DynamoDB would refuse, before anything is sent. DynamoDB's own error does not
//! name the attribute.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::Number;

use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;

const NOT_A_NUMBER: &str = "holds a number that DynamoDB cannot store: NaN, infinite, more than 38 \
                            significant digits, or outside 1E-130 to 9.99E+125";

const EMPTY_SET: &str = "holds an empty set, which DynamoDB refuses: leave the attribute out with \
                         `#[serde(skip_serializing_if = \"..\")]`";

const DUPLICATES: &str = "holds a set that contains a value twice, which DynamoDB refuses: use a set \
                          type such as `BTreeSet`";

/// Checks that DynamoDB can store the attribute `name`, including everything nested in it.
///
/// # Errors
///
/// If the attribute contains a number that DynamoDB cannot store, an empty set, or a set with
/// duplicates.
pub(crate) fn check_storable(name: &str, attribute: &AttributeValue) -> Result<(), ErrorKind> {
    check(attribute).map_err(|reason| {
        ErrorKind::Usage(UsageError::Attribute { attribute: name.to_owned(), reason })
    })
}

fn check(attribute: &AttributeValue) -> Result<(), &'static str> {
    match attribute {
        AttributeValue::N(text) => number(text).map(drop),
        AttributeValue::L(values) => values.iter().try_for_each(check),
        AttributeValue::M(entries) => entries.values().try_for_each(check),
        AttributeValue::Ss(set) => distinct(set.iter().collect()),
        AttributeValue::Bs(set) => distinct(set.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>()),
        AttributeValue::Ns(set) => {
            distinct(set.iter().map(|text| number(text)).collect::<Result<Vec<_>, _>>()?)
        }
        _ => Ok(()),
    }
}

fn number(text: &str) -> Result<Number<'_>, &'static str> {
    Number::parse(text).map_err(|_| NOT_A_NUMBER)
}

fn distinct<T: Ord>(mut elements: Vec<T>) -> Result<(), &'static str> {
    elements.sort_unstable();
    match elements.as_slice() {
        [] => Err(EMPTY_SET),
        sorted if sorted.windows(2).any(|pair| pair.first() == pair.last()) => Err(DUPLICATES),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;

    fn numbers<const N: usize>(texts: [&str; N]) -> AttributeValue {
        AttributeValue::Ns(texts.map(str::to_owned).to_vec())
    }

    #[test]
    fn numbers_that_dynamodb_cannot_store_are_found_at_any_depth() {
        for text in
            ["NaN", "inf", "-inf", "1e126", "1e-131", "123456789012345678901234567890123456789"]
        {
            let number = AttributeValue::N(text.to_owned());
            let list = AttributeValue::L(vec![AttributeValue::Bool(true), number.clone()]);
            let map = AttributeValue::M(HashMap::from([("k".to_owned(), list.clone())]));
            for attribute in [number, list, map, numbers(["1", text])] {
                assert_eq!(check(&attribute), Err(NOT_A_NUMBER), "{text}");
            }
        }
        for text in [
            "0",
            "-0",
            "1e125",
            "-1e-130",
            "12345678901234567890123456789012345678",
            "1700000000000000000",
        ] {
            assert_eq!(check(&AttributeValue::N(text.to_owned())), Ok(()), "{text}");
        }
    }

    #[test]
    fn empty_sets_and_duplicates_are_found() {
        for empty in [AttributeValue::Ss(vec![]), numbers([]), AttributeValue::Bs(vec![])] {
            assert_eq!(check(&AttributeValue::L(vec![empty])), Err(EMPTY_SET));
        }
        let text = |text: &str| text.to_owned();
        let twice = [
            AttributeValue::Ss(vec![text("a"), text("b"), text("a")]),
            numbers(["1", "1.0"]),
            AttributeValue::Bs(vec![Blob::new("a"), Blob::new("a")]),
        ];
        for twice in twice {
            assert_eq!(check(&twice), Err(DUPLICATES));
        }
        assert_eq!(check(&numbers(["1", "2"])), Ok(()));
        assert_eq!(check(&AttributeValue::Ss(vec![text("")])), Ok(()));
    }
}

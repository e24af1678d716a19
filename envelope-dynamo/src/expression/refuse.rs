//! Expressions name readable attributes alone: a value beside an encrypted one would leave in plaintext.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::ExpectedAttributeValue;

use crate::entity::Entity;
use crate::error::{Error, ErrorKind, RecordId};
use crate::record::{Envelope as _, Mark};

/// Refuses an expression that names an encrypted field, directly or by a placeholder.
pub(crate) fn refuse_encrypted_names<T: Entity>(
    expression: &str,
    placeholders: Option<&HashMap<String, String>>,
) -> Result<(), Error> {
    refuse::<T>(words(expression).chain(placeholders.into_iter().flat_map(HashMap::values).map(String::as_str)))
}

/// The same for conditions in the form that DynamoDB had before expressions.
pub(crate) fn refuse_legacy_conditions<T: Entity>(
    expected: Option<&HashMap<String, ExpectedAttributeValue>>,
) -> Result<(), Error> {
    refuse::<T>(expected.into_iter().flat_map(HashMap::keys).map(String::as_str))
}

fn refuse<'n, T: Entity>(names: impl Iterator<Item = &'n str>) -> Result<(), Error> {
    for name in names {
        let mut fields = T::KINDS.iter().flat_map(|kind| kind.fields);
        if fields.any(|field| field.mark == Mark::Encrypted && field.names().any(|own| own == name)) {
            let kind = ErrorKind::EncryptedNameInExpression { attribute: name.to_owned() };
            return Err(Error::new(RecordId::of_table(T::First::TABLE), kind));
        }
    }
    Ok(())
}

/// The attribute names in an expression: words that are neither value placeholders (`:v`) nor name placeholders (`#n`).
///
/// Nested names count as well: refusing `profile.email` where `email` is sealed errs on the safe side.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '#')))
        .filter(|word| !word.is_empty() && !word.starts_with([':', '#']))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn the_names_in_an_expression_are_found_between_its_operators() {
        let found: Vec<_> = words("attribute_exists(email) AND plan<>:plan OR(#x.name[0] IN (:a,:b))").collect();
        assert_eq!(found, ["attribute_exists", "email", "AND", "plan", "OR", "name", "0", "IN"]);
    }
}

//! Expressions name readable attributes alone: a value beside an encrypted one would leave in plaintext.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValueUpdate;

use crate::entity::Entity;
use crate::error::{Error, ErrorKind, RecordId};
use crate::marks::claim;
use crate::record::{Envelope, Field, Mark};
use crate::write::is_reserved;

/// Refuses an expression that names an encrypted field, directly or by a placeholder.
pub(crate) fn refuse_encrypted_names<T: Entity>(
    expression: &str,
    placeholders: Option<&HashMap<String, String>>,
) -> Result<(), Error> {
    refuse_encrypted::<T>(
        words(expression).chain(placeholders.into_iter().flat_map(HashMap::values).map(String::as_str)),
    )
}

/// The same for conditions and filters in the form that DynamoDB had before expressions.
pub(crate) fn refuse_legacy_conditions<T: Entity, V>(expected: Option<&HashMap<String, V>>) -> Result<(), Error> {
    refuse_encrypted::<T>(expected.into_iter().flat_map(HashMap::keys).map(String::as_str))
}

/// Refuses an update that names an attribute which is not free to be updated in place, or one of those that hold what is
/// sealed.
pub(crate) fn refuse_update_of_protected<T: Envelope>(
    expression: &str,
    placeholders: Option<&HashMap<String, String>>,
    legacy: Option<&HashMap<String, AttributeValueUpdate>>,
) -> Result<(), Error> {
    let resolve = |word| placeholders.and_then(|names| names.get(word)).map_or(word, String::as_str);
    let words = words_and_placeholders(expression).filter(|word| !is_syntax(word));
    let legacy = legacy.into_iter().flat_map(HashMap::keys).map(String::as_str);
    refuse_protected::<T>(words.map(resolve).chain(legacy))
}

/// Refuses names of attributes that are not free to be updated in place.
pub(super) fn refuse_protected<'n, T: Envelope>(mut names: impl Iterator<Item = &'n str>) -> Result<(), Error> {
    match names.find(|name| !is_free_in_place::<T>(name)) {
        None => Ok(()),
        Some(name) => {
            let kind = ErrorKind::ProtectedInUpdate { attribute: name.to_owned() };
            Err(Error::new(RecordId::of_table(T::TABLE), kind))
        }
    }
}

/// The words of update expressions that are no names.
const SYNTAX: [&str; 6] = ["SET", "REMOVE", "ADD", "DELETE", "if_not_exists", "list_append"];

/// Keywords, functions and indices into lists.
fn is_syntax(word: &str) -> bool {
    SYNTAX.iter().any(|own| own.eq_ignore_ascii_case(word)) || word.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_free_in_place<T: Envelope>(name: &str) -> bool {
    !is_reserved(name) && claim::<T>(name).is_none_or(Field::is_free_in_place)
}

/// Refuses names of encrypted fields.
pub(super) fn refuse_encrypted<'n, T: Entity>(names: impl Iterator<Item = &'n str>) -> Result<(), Error> {
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
    words_and_placeholders(expression).filter(|word| !word.starts_with('#'))
}

/// The same, and name placeholders.
fn words_and_placeholders(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | '#')))
        .filter(|word| !word.is_empty() && !word.starts_with(':'))
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

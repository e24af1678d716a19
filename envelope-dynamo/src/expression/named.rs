//! Checks a name that the caller chose with `attribute(..)`: it must not belong to a field of any
//! kind of record in the table, and must not be reserved.

use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::record::document_path::DocumentPath;
use crate::record::field::Mark;
use crate::record::kind::Kind;
use crate::record::schema::Schema;

const RESERVED: &str = "is reserved for encrypted data and data keys, and cannot be used in \
                        an expression; nothing was sent";

const EMPTY: &str = "is not an attribute name: it is empty; nothing was sent";

const ENCRYPTED: &str = "is the name of an encrypted field: DynamoDB cannot evaluate it, and the \
                         value would be sent in plaintext; nothing was sent";

const READABLE: &str = "is the name of a field of the struct: use the field \
                        (`|record| record.field`), not `attribute(..)`; nothing was sent";

/// Refuses a chosen name that is not free in every kind of record in the table. Otherwise an
/// expression could send the value of an encrypted field in plaintext.
pub(crate) fn check(path: &DocumentPath, kinds: &[Kind]) -> Result<(), ErrorKind> {
    if !path.is_named {
        return Ok(());
    }
    let schemas: Vec<_> = kinds.iter().map(|kind| kind.schema).collect();
    match objection(&path.attribute, &schemas) {
        Some(reason) => Err(ErrorKind::Usage(UsageError::Attribute {
            attribute: path.attribute.to_string(),
            reason,
        })),
        None => Ok(()),
    }
}

/// The reason why a name is not free, if any.
fn objection(name: &str, schemas: &[Schema]) -> Option<&'static str> {
    if name.is_empty() {
        return Some(EMPTY);
    }
    if schemas.iter().all(|schema| schema.is_free(name)) {
        return None;
    }
    let marks: Vec<_> =
        schemas.iter().filter_map(|schema| schema.owner(name)).map(|field| field.mark).collect();
    match marks.as_slice() {
        [] => Some(RESERVED),
        marks if marks.contains(&Mark::Encrypted) => Some(ENCRYPTED),
        _ => Some(READABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::field::Field;

    const USER: Schema = Schema::new(&[
        Field::new("id", Mark::PartitionKey),
        Field::new("email", Mark::Encrypted).aliases(&["mail"]),
    ]);
    const ORDER: Schema =
        Schema::new(&[Field::new("id", Mark::PartitionKey), Field::new("email", Mark::Plaintext)]);

    #[test]
    fn a_name_is_free_if_it_is_free_in_every_kind() {
        for name in
            ["encrypted_payload", "encrypted_dek", "encrypted_payload_clinic", "encrypted_dek_x"]
        {
            assert_eq!(objection(name, &[USER]), Some(RESERVED), "{name}");
        }
        assert_eq!(objection("", &[USER]), Some(EMPTY));
        assert_eq!(objection("id", &[USER, ORDER]), Some(READABLE));
        assert_eq!(objection("email", &[ORDER]), Some(READABLE));
        for name in ["email", "mail"] {
            assert_eq!(objection(name, &[ORDER, USER]), Some(ENCRYPTED), "{name}");
            assert_eq!(objection(name, &[USER, ORDER]), Some(ENCRYPTED), "{name}");
        }
        for name in ["encrypted", "encrypted_payloads", "payload", " ", "Email"] {
            assert_eq!(objection(name, &[USER, ORDER]), None, "{name}");
        }
    }
}

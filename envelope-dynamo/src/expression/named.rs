//! Names that a caller chose for attributes which the struct does not have, and whose they must not be.

use super::path::DocumentPath;
use crate::entity::Kind;
use crate::error::ErrorKind;
use crate::record::Mark;
use crate::write::is_reserved;

/// Refuses a chosen name that is one of the library's, or a name of a field of any kind of record in the table.
///
/// An alias is a name of its field: what stands under it may be read into a sealed one.
pub(super) fn check(path: &DocumentPath, kinds: &[Kind]) -> Result<(), ErrorKind> {
    let reason = match path.is_named {
        true => owner(&path.attribute, kinds),
        false => None,
    };
    reason.map_or(Ok(()), |reason| Err(ErrorKind::Attribute { attribute: path.attribute.to_string(), reason }))
}

/// Why a name is not free, if it is not.
fn owner(name: &str, kinds: &[Kind]) -> Option<&'static str> {
    let owners = || kinds.iter().flat_map(|kind| kind.fields).filter(|field| field.names().any(|own| own == name));
    if is_reserved(name) {
        return Some("is where sealed values and their keys stand, and cannot be named; nothing was sent");
    }
    if name.is_empty() {
        return Some("is no name of an attribute: it is empty; nothing was sent");
    }
    if owners().any(|field| field.mark == Mark::Encrypted) {
        return Some(
            "is a name of an encrypted field: DynamoDB cannot evaluate it, and its value would leave in plaintext; \
             nothing was sent",
        );
    }
    owners().next().map(|_| {
        "is a name of a field of the struct, which expressions take by the field (`|record| record.field`) and not \
         by `attribute(..)`; nothing was sent"
    })
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn names_of_the_library_and_empty_ones_are_not_free_in_any_table() {
        for name in ["encrypted_payload", "encrypted_dek", "encrypted_payload_clinic", "encrypted_dek_x", ""] {
            assert!(owner(name, &[]).is_some(), "{name}");
        }
        for name in ["encrypted", "encrypted_payloads", "payload", " "] {
            assert_eq!(owner(name, &[]), None, "{name}");
        }
    }
}

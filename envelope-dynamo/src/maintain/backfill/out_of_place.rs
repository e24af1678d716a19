//! Which sealed records are not as today's struct wants them, as far as their items tell without a
//! key.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{OpenError, UntrustedPayload};

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::record::field::{Field, Mark};
use crate::record::kind::Kind;
use crate::record::schema::ENCRYPTED_PAYLOAD;

/// Whether a field of a sealed record is not where the struct wants it.
pub(crate) fn is_out_of_place(kind: &Kind, item: &Item) -> Result<bool, ErrorKind> {
    let bound = match item.get(ENCRYPTED_PAYLOAD) {
        Some(AttributeValue::B(payload)) => {
            UntrustedPayload::names_in(payload.as_ref()).map_err(OpenError::from)?
        }
        _ => Vec::new(),
    };
    Ok(kind.schema.iter().any(|field| is_due(field, item, &bound)))
}

/// Whether a field makes its record due. `bound` names the authenticated attributes of the record.
///
/// A field that became searchable will be due here too: its tokens are missing in the item.
fn is_due(field: &Field, item: &Item, bound: &[String]) -> bool {
    let is_bound = |name: &str| bound.iter().any(|bound| bound == name);
    match field.mark {
        // It stands in the clear.
        Mark::Encrypted => field.names().any(|name| item.contains_key(name)),
        // A constant is bound since its type has it.
        Mark::Authenticated if field.is_generated() => false,
        // An attribute that nothing protects; or none, which somebody could add while it is
        // accepted.
        Mark::Authenticated => {
            let is_loose = |name: &str| item.contains_key(name) && !is_bound(name);
            field.names().any(is_loose) || (field.accepts_plaintext && !field.names().any(is_bound))
        }
        Mark::PartitionKey | Mark::SortKey | Mark::Key | Mark::Plaintext => false,
    }
}

/// The groups of a record that are sealed again: those with a field in the clear.
pub(crate) fn groups_out_of_place(kind: &Kind, item: &Item) -> usize {
    let schema = kind.schema;
    let is_due = |group: &&'static str| {
        let mut fields = schema.iter().filter(|field| field.group == Some(*group));
        fields.any(|field| field.names().any(|name| item.contains_key(name)))
    };
    schema.groups().into_iter().filter(is_due).count()
}

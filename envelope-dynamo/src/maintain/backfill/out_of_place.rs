//! Which sealed records are not as today's struct wants them, as far as their items tell without a
//! key.

use envelope_core::OpenError;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::maintain::plain_fields::{authenticated_names, is_plain};
use crate::record::field::{Field, Mark};
use crate::record::kind::Kind;

/// Whether a field of a sealed record is not where the struct wants it.
pub(crate) fn is_out_of_place(kind: &Kind, item: &Item) -> Result<bool, ErrorKind> {
    let bound = authenticated_names(item).map_err(OpenError::from)?;
    Ok(kind.schema.iter().any(|field| is_due(field, item, &bound)))
}

/// Whether a field makes its record due. `bound` names the authenticated attributes of the record.
///
/// A record of before a field became searchable does not list the search tag. Whether a listed tag
/// is that of the current search key is not asked here.
fn is_due(field: &Field, item: &Item, bound: &[String]) -> bool {
    let is_bound = |name: &str| bound.iter().any(|bound| bound == name);
    if field.as_search_tag().is_some() {
        return !is_bound(field.name);
    }
    // A constant is bound since its type has it.
    if field.mark == Mark::Authenticated && field.is_generated() {
        return false;
    }
    // Nothing binds the field, and plaintext is accepted: somebody could add the attribute.
    let could_be_added = field.mark == Mark::Authenticated
        && field.accepts_plaintext
        && !field.names().any(is_bound);
    could_be_added
        || field.names().any(|name| item.contains_key(name) && is_plain(field, name, bound))
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

//! The one update of an item: what it sets and removes, and what must be as it was read.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::WrapKey;

use crate::dynamodb::{Item, MAX_ITEM_BYTES};
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::modify_record::Modification;
use crate::item::modify_record::plan::is_same;
use crate::item::size::item_bytes;
use crate::item::unique_value::UniqueValue;
use crate::maintain::backfill::conversion::Reading;
use crate::maintain::engine::update::{Expected, Update};
use crate::record::field::Mark;
use crate::record::item_key::{parse_number, record_id};
use crate::record::kind::Kind;
use crate::record::schema::{Schema, is_reserved};

/// The update of a plain item, or of a sealed record with a field in the clear.
pub(crate) fn update_of_modification(sealed: Modification) -> Update {
    let unique = sealed.unique.clone();
    let [expected, changes] = sealed.into_parts();
    let expected = expected.into_iter().map(|(name, value)| {
        let expected = Expected::of(&name, value.as_ref());
        (name, expected)
    });
    let mut update = Update { expected: expected.collect(), unique, ..Update::default() };
    for (name, value) in changes {
        match value {
            Some(value) => update.set.push((name, value)),
            None => update.remove.push(name),
        }
    }
    update
}

/// The update of an item that another program wrote.
pub(crate) async fn update_of_converted(
    reading: Reading,
    item: &Item,
    kinds: &[Kind],
    unique: Vec<UniqueValue>,
    wrap: &dyn WrapKey,
) -> Result<Update, Error> {
    let Reading { record, remove } = reading;
    let kind = *record.kind();
    let fail = |problem: ErrorKind| Error::new(record_id(&kind, item), problem);
    if let Some(attribute) = changed_key(kind.schema, item, record.item()).map_err(fail)? {
        return Err(fail(UsageError::KeyChanged { attribute }.into()));
    }
    let new = record.check_one_kind(kinds)?.seal(wrap).await?;
    let is_key = |name: &str| kind.schema.keys().any(|key| key.name == name);
    let set =
        new.iter().filter(|(name, value)| !is_key(name) && !is_same(item.get(*name), Some(value)));
    let set: Vec<_> = set.map(|(name, value)| (name.clone(), value.clone())).collect();
    let goes = |name: &String| {
        !new.contains_key(name)
            && !is_key(name)
            && (kind.schema.owner(name).is_some() || remove.contains(name))
    };
    let gone: Vec<_> = item.keys().filter(|name| goes(name)).cloned().collect();
    let mut written: BTreeSet<&str> = set.iter().map(|(name, _)| name.as_str()).collect();
    written.extend(gone.iter().chain(&remove).map(String::as_str));
    let expected = expected(kind.schema, item, &written);
    let update = Update { set, remove: gone, expected, unique };
    match item_bytes(&update.applied(item)) {
        bytes if bytes > MAX_ITEM_BYTES => Err(fail(UsageError::TooLarge { bytes }.into())),
        _ => Ok(update),
    }
}

/// The key attribute that the record has otherwise than the item.
fn changed_key(
    schema: Schema,
    item: &Item,
    record: &Item,
) -> Result<Option<&'static str>, ErrorKind> {
    for key in schema.keys() {
        let is_same = match (item.get(key.name), record.get(key.name)) {
            (Some(AttributeValue::N(one)), Some(AttributeValue::N(other))) => {
                parse_number(key.name, one)? == parse_number(key.name, other)?
            }
            (one, other) => one == other,
        };
        if !is_same {
            return Ok(Some(key.name));
        }
    }
    Ok(None)
}

/// The attributes that must be as they were read. From which of them the record was made, only the
/// reader knows; so it is all that the item has, but those that the struct lets be updated in
/// place. Those of the struct that the item has not, and those that must go, must still be absent.
///
/// The partition key is among them: an item that was deleted has no attribute that contradicts the
/// others.
fn expected(schema: Schema, item: &Item, written: &BTreeSet<&str>) -> Vec<(String, Expected)> {
    let is_depended_on = |name: &str| match schema.owner(name) {
        Some(field) if field.mark == Mark::Plaintext => field.in_encryption_context,
        Some(field) => field.mark != Mark::SortKey,
        None => true,
    };
    let protected =
        schema.iter().filter(|field| field.mark.is_protected()).flat_map(|field| field.names());
    let reserved = schema.reserved_names();
    let mut names: BTreeSet<&str> = written.clone();
    names.extend(item.keys().map(String::as_str).filter(|name| is_depended_on(name)));
    for name in protected {
        names.insert(name);
    }
    names.extend(reserved.iter().map(String::as_str));
    // Whatever another program stored there, its whole value counts.
    let expected = |name: &str| match item.get(name) {
        Some(value) => (name.to_owned(), Expected::Value(value.clone())),
        None => (name.to_owned(), Expected::Absent),
    };
    names.into_iter().map(expected).collect()
}

impl Expected {
    /// The attribute as it was read; of a payload its unique beginning is enough.
    fn of(name: &str, value: Option<&AttributeValue>) -> Self {
        match value {
            None => Self::Absent,
            Some(AttributeValue::B(payload)) if is_reserved(name) => {
                Self::Payload(payload.as_ref().to_vec())
            }
            Some(value) => Self::Value(value.clone()),
        }
    }
}

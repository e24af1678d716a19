//! Reads a record back before it is sealed, if it holds values that not every type reads back.
//!
//! serde buffers what it reads for untagged and internally tagged enums and for flattened fields.
//! Its buffer has no 128-bit integers and does not turn text into numbers, and a serializer cannot
//! see that its value is of such a type. Without this check, a stored record could be unreadable,
//! or could be read as another value.

use envelope_core::{FragileValues, ValueError};

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::assemble::{assemble, key_of};
use crate::item::reconcile::reconcile;
use crate::item::split::{FragileFields, Parts, key_item, split_unchecked};
use crate::record::Envelope;

const WIDE_INTEGERS: ValueError = ValueError::format(
    "it holds an `i128` or `u128` that reads back as another value: serde reads no 128-bit integers inside \
     untagged and internally tagged enums and in flattened fields (take 64 bits, or write text with \
     `#[serde(with = \"..\")]`)",
);

const TEXT_KEYS: ValueError = ValueError::format(
    "it holds a map whose keys are integers or booleans and read back as text: DynamoDB's keys are text, which \
     serde does not convert inside untagged and internally tagged enums and in flattened fields \
     (take keys that are text)",
);

const NULL_OPTIONS: ValueError = ValueError::format(
    "it holds `Some` of a value that is stored as null, such as `Some(None)`, which reads back as `None` (take \
     `None`, or a type of your own that distinguishes the two)",
);

/// Checks that the fragile values of `parts` read back unchanged.
pub(crate) fn check<T: Envelope>(parts: &Parts) -> Result<(), ErrorKind> {
    check_fragile::<T>(&parts.fragile, || read_back::<T>(parts))
}

/// Checks that the fragile values of each field are as `written` after they were read back.
pub(crate) fn check_fragile<T: Envelope>(
    written: &[(&'static str, FragileValues)],
    read_back: impl FnOnce() -> Result<FragileFields, ErrorKind>,
) -> Result<(), ErrorKind> {
    // The struct never reads a field that it only writes.
    let is_read = |name: &str| T::SCHEMA.stored_as(name).is_some_and(|field| field.is_read);
    let fragile: Vec<_> = written.iter().filter(|(name, _)| is_read(name)).collect();
    if fragile.is_empty() {
        return Ok(());
    }
    let refused = match read_back() {
        Ok(again) => fragile.iter().find_map(|(name, written)| {
            let read = fragile_in(&again, name);
            (read != *written).then(|| (*name, reason(|count| count(*written) != count(read))))
        }),
        // Another attribute does not deserialize: this check is not about that one.
        Err(ErrorKind::Data(DataError::Deserialize { attribute: Some(attribute), .. })) => fragile
            .iter()
            .find(|(name, _)| **name == *attribute)
            .map(|(name, written)| (*name, reason(|count| count(*written) > 0))),
        Err(_) => None,
    };
    match refused {
        None => Ok(()),
        Some((name, source)) => Err(ErrorKind::Usage(UsageError::Serialize {
            attribute: Some(name.to_owned()),
            source,
        })),
    }
}

/// The fragile values of each field, after `parts` were read back.
fn read_back<T: Envelope>(parts: &Parts) -> Result<FragileFields, ErrorKind> {
    let mut sealed = parts.fields.fields()?;
    for (_, fields) in &parts.groups {
        sealed.extend(fields.fields()?);
    }
    let mut authenticated: Vec<String> =
        parts.authenticated.iter().map(|name| name.clone().into_owned()).collect();
    authenticated.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut item = parts.item.clone();
    let chosen = reconcile::<T>(&mut item, sealed, &parts.withheld, &authenticated)?;
    Ok(split_unchecked(&assemble::<T>(chosen)?)?.fragile)
}

fn fragile_in(fields: &[(&'static str, FragileValues)], name: &str) -> FragileValues {
    fields.iter().find(|(own, _)| *own == name).map(|(_, fragile)| *fragile).unwrap_or_default()
}

/// Why a field is refused: the first kind of value for which `is_to_blame` is true.
fn reason(is_to_blame: impl Fn(fn(FragileValues) -> u64) -> bool) -> ValueError {
    if is_to_blame(|values| values.wide_integers) {
        WIDE_INTEGERS
    } else if is_to_blame(|values| values.text_keys) {
        TEXT_KEYS
    } else {
        NULL_OPTIONS
    }
}

/// Splits `record` into parts that read back as the same values.
pub(crate) fn split<T: Envelope>(record: &T) -> Result<Parts, ErrorKind> {
    let parts = split_unchecked(record)?;
    keys_read_back::<T>(&parts.item)?;
    check::<T>(&parts)?;
    Ok(parts)
}

/// Checks that the parts of composed keys, read back as their types, make the same keys again.
pub(crate) fn keys_read_back<T: Envelope>(item: &Item) -> Result<(), ErrorKind> {
    let mut composed = T::SCHEMA.composed_keys().peekable();
    if composed.peek().is_none() {
        return Ok(());
    }
    let again = key_of::<T>(item).and_then(key_item::<T>).unwrap_or_default();
    match composed.find(|field| item.get(field.name) != again.get(field.name)) {
        None => Ok(()),
        Some(field) => Err(ErrorKind::Usage(UsageError::Attribute {
            attribute: field.name.to_owned(),
            reason: "is a composed key with a part that does not read back as the value that was written",
        })),
    }
}

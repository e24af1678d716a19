//! The search tags of a schema file: of which fields they are computed, and by which steps.

use envelope_core::search::Step;
use serde::{Deserialize, Serialize};

use crate::maintain::schema_file::RecordSchema;
use crate::record::field::Mark;
use crate::record::search_tag::SearchTag;

/// A field that a search tag is computed from, in a [`RecordSchema`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TaggedFieldSchema {
    /// The stored name of the field.
    pub field: String,
    /// The steps that its text goes through before the tag is computed, in order: `trim`,
    /// `ascii_lowercase`, `digits`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

impl TaggedFieldSchema {
    /// The fields of a tag, in the order of its definition.
    pub(crate) fn of(tag: SearchTag) -> Vec<Self> {
        let field = |(name, steps): &(&str, &'static [Step])| Self {
            field: (*name).to_owned(),
            steps: steps.iter().map(|step| step.name().to_owned()).collect(),
        };
        tag.fields.iter().map(field).collect()
    }
}

/// Checks a search tag of a schema file: its name says its fields, and they are stored as the
/// fields of a tag must be (FORMAT 13.1).
pub(crate) fn check(
    record: &RecordSchema,
    name: &str,
    fields: &[TaggedFieldSchema],
) -> Result<(), String> {
    let at = format!("the search tag `{name}`");
    let names: Vec<_> = fields.iter().map(|field| field.field.as_str()).collect();
    let own = names.join("+");
    let has_own_name = match name.strip_prefix(&own) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('+').is_some_and(|last| !last.contains('+')),
        None => false,
    };
    if fields.is_empty() || !has_own_name {
        return Err(format!("{at} is not named after its fields, {own:?}"));
    }
    let is_key = |name: &str| {
        let keys = std::iter::once(&record.partition_key).chain(&record.sort_key);
        keys.filter(|key| key.format.is_none()).any(|key| key.name == name)
    };
    let mark = |name: &str| {
        let field = record.fields.get(name).filter(|field| field.group.is_none());
        field.map(|field| field.mark).or(is_key(name).then_some(Mark::PartitionKey))
    };
    let mut steps = fields.iter().flat_map(|field| &field.steps);
    if let Some(step) = steps.find(|step| Step::from_name(step).is_none()) {
        return Err(format!("{at} has the step `{step}`, which this version does not know"));
    }
    for name in &names {
        match mark(name) {
            Some(Mark::Encrypted | Mark::Authenticated | Mark::PartitionKey) => {}
            _ => return Err(format!("{at} names `{name}`, which is no field that it may have")),
        }
    }
    if names.iter().any(|name| mark(name) == Some(Mark::Encrypted)) {
        Ok(())
    } else {
        Err(format!("{at} has no encrypted field"))
    }
}

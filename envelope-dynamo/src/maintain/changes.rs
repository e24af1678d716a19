//! What a change of the schema does to records that are already stored.

mod search_tags;

use std::fmt;

use serde::Serialize;

use crate::maintain::{FieldSchema, KeySchema, RecordSchema, SchemaFile};
use crate::record::field::Mark;

/// One change between two schema files that harms stored records or weakens their protection.
///
/// [`SchemaFile::changes_since`] finds them. Printed, it names the place, what follows from the
/// change, and the repair.
///
/// ```
/// use envelope_dynamo::maintain::{Change, Effect, SchemaFile};
///
/// fn schema(plan: &str, reasons: &str) -> SchemaFile {
///     let text = r#"{ "envelope-schema": 1, "records": { "User": {
///         "table": "users", "form": "raw", "partition_key": { "name": "user_id", "type": "S" },
///         "fields": { "email": "encrypted", "plan": "PLAN" }, "reasons": { REASONS } } } }"#;
///     text.replace("PLAN", plan).replace("REASONS", reasons).parse().expect("a schema file")
/// }
///
/// // In CI: the file of the main branch, and the file of this one.
/// let before = schema("authenticated", "");
/// let changes: Vec<Change> = schema("plaintext", "").changes_since(&before);
/// assert_eq!(changes[0].place(), "User.plan");
/// assert_eq!(changes[0].effect(), Effect::LessProtected);
/// assert!(changes[0].problem().starts_with("#[authenticated] before, #[plaintext] now"));
/// println!("{}", changes[0].repair()); // change it back, or give a reason
///
/// let with_reason = schema("plaintext", r#""plan": "the shop updates it in place""#);
/// assert!(with_reason.changes_since(&before).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    record: String,
    attribute: Option<String>,
    effect: Effect,
    problem: String,
    repair: String,
}

/// What a [`Change`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Effect {
    /// More people can read or change the values from now on.
    LessProtected,
    /// Stored records are refused when they are read, until they are written again.
    Refused,
    /// Stored records do not open: they are bound to what was changed.
    DoesNotOpen,
    /// If the field was renamed, the stored values are not read under the new name.
    MayLoseValues,
    /// Queries of an index do not find stored records, until they are written again.
    NotListed,
}

impl Effect {
    /// The effect in words, for the head of a list.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LessProtected => "less protected",
            Self::Refused => "stored records are refused",
            Self::DoesNotOpen => "stored records do not open",
            Self::MayLoseValues => "stored values may be lost",
            Self::NotListed => "indexes do not list stored records",
        }
    }
}

impl Change {
    /// What the change does.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// The struct, and the attribute if one is concerned: `User.email`.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.attribute {
            Some(attribute) => format!("{}.{attribute}", self.record),
            None => self.record.clone(),
        }
    }

    /// What was changed, and what follows from it.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do about it.
    #[must_use]
    pub fn repair(&self) -> &str {
        &self.repair
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  repair: {}", self.place(), self.problem, self.repair)
    }
}

impl SchemaFile {
    /// The changes from `before` to this file that harm records stored under `before`.
    ///
    /// They are sorted by the name of the struct. A field that is less protected is not among them
    /// if `reasons` of its record has an entry for it that `before` does not have: a reason excuses
    /// one change, not every later one. A struct that has another name is compared with the one of
    /// the same table, keys and `entity(..)`; types of record that were removed are not compared.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let mut found = Vec::new();
        for (old_name, old) in &before.records {
            if let Some((name, new)) = self.successor(before, old_name, old) {
                let mut changes = Changes { record: name, old, new, found: &mut found };
                changes.of_protection();
                changes.of_what_is_bound();
                changes.of_fields();
                changes.of_index_keys();
                changes.of_search_tags();
            }
        }
        found
    }

    /// The record of the same name, or a new one that is stored in the same place.
    fn successor<'s>(
        &'s self,
        before: &Self,
        name: &'s str,
        old: &RecordSchema,
    ) -> Option<(&'s str, &'s RecordSchema)> {
        if let Some(same) = self.records.get(name) {
            return Some((name, same));
        }
        let is_place = |new: &RecordSchema| {
            (&new.table, &new.partition_key, &new.sort_key, &new.entity)
                == (&old.table, &old.partition_key, &old.sort_key, &old.entity)
        };
        self.records
            .iter()
            .find(|(name, new)| !before.records.contains_key(*name) && is_place(new))
            .map(|(name, new)| (name.as_str(), new))
    }
}

/// The changes of one record.
struct Changes<'c> {
    record: &'c str,
    old: &'c RecordSchema,
    new: &'c RecordSchema,
    found: &'c mut Vec<Change>,
}

impl Changes<'_> {
    /// Whether the file gives a reason for a change of the field. A reason that stood there before
    /// was given for an earlier change.
    fn is_excused(&self, name: &str) -> bool {
        let reason = self.new.reasons.get(name);
        reason.is_some_and(|reason| !reason.trim().is_empty())
            && reason != self.old.reasons.get(name)
    }

    fn add(&mut self, attribute: Option<&str>, effect: Effect, problem: String, repair: String) {
        self.found.push(Change {
            record: self.record.to_owned(),
            attribute: attribute.map(str::to_owned),
            effect,
            problem,
            repair,
        });
    }

    /// A change of something that every record is bound to.
    fn bound(&mut self, what: &str, old: &str, new: &str, repair: &str) {
        if old != new {
            self.add(
                None,
                Effect::DoesNotOpen,
                format!("{what} was {old} and is now {new}; every stored record is bound to it"),
                repair.to_owned(),
            );
        }
    }

    /// A type that is no longer protected, or is protected now.
    fn of_protection(&mut self) {
        let (old, new) = (self.old.unprotected, self.new.unprotected);
        if !old && new {
            self.add(
                None,
                Effect::Refused,
                "`unprotected` now: nothing in new records is authentic, and stored records, which \
                 are sealed, are refused"
                    .to_owned(),
                "change it back, or read every record with the old struct and put it with the new one"
                    .to_owned(),
            );
        }
        if old && !new {
            self.add(
                None,
                Effect::Refused,
                "no longer `unprotected`: stored records, which are not sealed, are refused"
                    .to_owned(),
                "seal them with a backfill, as when a plaintext table is taken in".to_owned(),
            );
        }
    }

    fn of_what_is_bound(&mut self) {
        let (old, new) = (self.old, self.new);
        if old.unprotected && new.unprotected {
            return self.of_keys();
        }
        let back =
            "change it back, or read every record with the old struct and put it with the new one";
        self.bound(
            "the logical table name",
            &quoted(&old.table),
            &quoted(&new.table),
            &format!(
                "keep `table = \"{}\"`, and name the physical table with `Table::named`",
                old.table
            ),
        );
        self.bound("`kms_context`", &shown(&old.form), &shown(&new.form), back);
        self.bound("`context(..)`", &shown(&old.context), &shown(&new.context), back);
        self.bound(
            "the set of `#[encryption_context]` fields",
            &shown(&old.pairs),
            &shown(&new.pairs),
            back,
        );
        self.bound("the partition key", &key(&old.partition_key), &key(&new.partition_key), back);
        self.bound("the sort key", &sort_key(old), &sort_key(new), back);
        self.bound("`entity(..)`", &shown(&old.entity), &shown(&new.entity), back);
    }

    /// Of an unprotected record, nothing but the key must stay as it is.
    fn of_keys(&mut self) {
        let keys = |record: &RecordSchema| (key(&record.partition_key), sort_key(record));
        let (old, new) = (keys(self.old), keys(self.new));
        if old != new {
            self.add(
                None,
                Effect::Refused,
                format!("the key was {old:?} and is now {new:?}; stored records are refused"),
                "change it back, or read every record with the old struct and put it with the new one"
                    .to_owned(),
            );
        }
    }

    fn of_fields(&mut self) {
        let (old, new) = (self.old, self.new);
        for (name, before) in &old.fields {
            if let Some((new_name, after)) = reader(new, name) {
                self.of_mark(new_name, before, after);
                self.of_accepted_plaintext(new_name, before, after);
                self.of_group(new_name, before, after);
                self.of_vanished_group(new_name, before, after);
                self.of_absence(new_name, before, after);
                self.of_aliases(new_name, before, after);
            }
        }
        for (name, after) in &new.fields {
            let is_known = old.fields.keys().any(|old| is_read_as(name, after, old));
            if !is_known && after.mark != Mark::Key {
                self.of_new_field(name, after);
            }
        }
    }

    /// A stored record keeps the keys of indexes that it was written with.
    fn of_index_keys(&mut self) {
        for (name, format) in &self.new.index_keys {
            let problem = match self.old.index_keys.get(name) {
                Some(old) if old == format => continue,
                Some(old) => format!(
                    "the key of an index was \"{old}\" and is now \"{format}\"; stored records keep \
                     their old keys, so queries of the index do not find them"
                ),
                None => format!(
                    "\"{format}\" is a new key of an index; stored records do not have it, so queries \
                     of the index do not find them"
                ),
            };
            if !self.is_excused(name) {
                self.add(
                    Some(name),
                    Effect::NotListed,
                    problem,
                    format!(
                        "write every stored record again (a put, or a `modify` that changes nothing), and \
                         say so in the schema file: `\"reasons\": {{ \"{name}\": \"..\" }}`"
                    ),
                );
            }
        }
    }

    fn of_mark(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        let (was, is) = (before.mark.name(), after.mark.name());
        if protection(after.mark) < protection(before.mark) {
            self.less_protected(name, format!("#[{was}] before, #[{is}] now"));
        }
        let is_protected = after.mark.is_protected();
        if before.mark == Mark::Plaintext && is_protected && !after.accepts_plaintext {
            self.add(
                Some(name),
                Effect::Refused,
                format!(
                    "#[{was}] before, #[{is}] now; records in which the field is plaintext are refused"
                ),
                format!(
                    "mark it `#[{is}(accept = \"plaintext\")]` until every record is written again"
                ),
            );
        }
    }

    /// `accept = "plaintext"` is taken away again once no record is plaintext any more.
    fn of_accepted_plaintext(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        let is_protected = after.mark.is_protected();
        let is_taken_away = before.accepts_plaintext && !after.accepts_plaintext && is_protected;
        if is_taken_away && !self.is_excused(name) {
            self.add(
                Some(name),
                Effect::Refused,
                "no longer `accept = \"plaintext\"`; records in which the field is still plaintext \
                 are refused"
                    .to_owned(),
                format!(
                    "write every such record again first, and then say so in the schema file: \
                     `\"reasons\": {{ \"{name}\": \"..\" }}`"
                ),
            );
        }
    }

    fn less_protected(&mut self, name: &str, what: String) {
        if !self.is_excused(name) {
            self.add(
                Some(name),
                Effect::LessProtected,
                format!("{what}; new records show the value to more people"),
                format!(
                    "change it back, or say why in the schema file: `\"reasons\": {{ \"{name}\": \"..\" }}`"
                ),
            );
        }
    }

    fn of_group(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        match (&before.group, &after.group) {
            (None, Some(group)) if before.mark == Mark::Encrypted => self.add(
                Some(name),
                Effect::Refused,
                format!(
                    "now in the group `{group}`; a reader without the key of the group is refused records \
                     that were written before"
                ),
                "write every record again before any reader is without the key of the group".to_owned(),
            ),
            (Some(old), new) if Some(old) != new.as_ref() && after.mark == Mark::Encrypted => {
                let now = match new {
                    Some(new) => format!("in the group `{new}` now"),
                    None => "sealed with the record now".to_owned(),
                };
                self.less_protected(name, format!("in the group `{old}` before, {now}"));
            }
            _ => {}
        }
    }

    /// A group in which no field is left is not opened, so nobody finds what is sealed in it.
    fn of_vanished_group(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        let Some(group) = &before.group else { return };
        if !self.new.groups.contains(group) {
            let effect = if after.is_optional { Effect::MayLoseValues } else { Effect::Refused };
            self.add(
                Some(name),
                effect,
                format!(
                    "in the group `{group}` before, in which no field is left; readers do not open \
                     that group, and find no value in records that were written before"
                ),
                format!("keep a field in the group `{group}` until every record is written again"),
            );
        }
    }

    fn of_aliases(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        let is_lost = |alias: &&String| reader(self.new, alias).is_none();
        let lost: Vec<_> = before.aliases.iter().filter(is_lost).map(String::as_str).collect();
        if lost.is_empty() || self.is_excused(name) {
            return;
        }
        let (effect, result) = if after.is_optional {
            (Effect::MayLoseValues, "their values are not read")
        } else {
            (Effect::Refused, "they are refused")
        };
        self.add(
            Some(name),
            effect,
            format!(
                "no longer read as {}; if records are still stored under that name, {result}",
                names(&lost)
            ),
            format!(
                "write every such record again first, and then say so in the schema file: \
                 `\"reasons\": {{ \"{name}\": \"..\" }}`"
            ),
        );
    }

    fn of_absence(&mut self, name: &str, before: &FieldSchema, after: &FieldSchema) {
        if before.is_optional && !after.is_optional {
            self.add(
                Some(name),
                Effect::Refused,
                "optional before, required now; records without a value are refused".to_owned(),
                "keep it an `Option`, or give it `#[serde(default)]`".to_owned(),
            );
        }
    }

    fn of_new_field(&mut self, name: &str, after: &FieldSchema) {
        let gone =
            self.old.fields.iter().filter(|(old, before)| {
                before.mark == after.mark && reader(self.new, old).is_none()
            });
        let gone: Vec<_> = gone.map(|(old, _)| old.as_str()).collect();
        let alias = match gone.as_slice() {
            [] => String::new(),
            [old, ..] => format!("if it was renamed, add `#[serde(alias = \"{old}\")]`"),
        };
        if !after.is_optional {
            let or = if alias.is_empty() { String::new() } else { format!("; {alias}") };
            self.add(
                Some(name),
                Effect::Refused,
                "a new field; records without it are refused".to_owned(),
                format!("make it an `Option`, or give it `#[serde(default)]`{or}"),
            );
        } else if !alias.is_empty() && !self.is_excused(name) {
            self.add(
                Some(name),
                Effect::MayLoseValues,
                format!("a new field, while {} is gone", names(&gone)),
                format!(
                    "{alias}; if it was not, say so in the schema file: `\"reasons\": {{ \"{name}\": \"..\" }}`"
                ),
            );
        }
    }
}

/// The field that reads what was stored under `name`.
fn reader<'s>(record: &'s RecordSchema, name: &str) -> Option<(&'s str, &'s FieldSchema)> {
    let mut fields = record.fields.iter();
    fields
        .find(|(own, field)| is_read_as(own, field, name))
        .map(|(own, field)| (own.as_str(), field))
}

fn is_read_as(own: &str, field: &FieldSchema, name: &str) -> bool {
    own == name || field.aliases.contains(name)
}

/// How well a mark protects a value: against readers, then against changes.
const fn protection(mark: Mark) -> u8 {
    match mark {
        Mark::Encrypted => 2,
        Mark::PartitionKey | Mark::SortKey | Mark::Key | Mark::Authenticated => 1,
        Mark::Plaintext => 0,
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn shown(value: &impl fmt::Debug) -> String {
    format!("{value:?}")
}

fn names(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn sort_key(record: &RecordSchema) -> String {
    record.sort_key.as_ref().map_or("absent".into(), key)
}

fn key(key: &KeySchema) -> String {
    let KeySchema { name, scalar, format } = key;
    let scalar = scalar.as_deref().unwrap_or("a type of its own");
    match format {
        Some(format) => format!("`{name}` ({scalar}, {format})"),
        None => format!("`{name}` ({scalar})"),
    }
}

//! Chooses each field's value where the marks of a record and of a struct differ (FORMAT 8): a
//! stored record may be older or newer than the struct.

use std::borrow::Cow;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::FieldValue;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::marks::{MarksError, Problem, WrittenMarks};
use crate::item::group::unknown_groups;
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::search_tag::is_search_tag;

/// The source of a field's value.
pub(crate) enum Source<'p> {
    /// An attribute of the item.
    Attribute(AttributeValue),
    /// A part of a composed key.
    Part(String),
    /// The payload.
    Sealed(FieldValue<'p>),
    /// Nothing: the field's group is withheld from the reader.
    Withheld,
}

/// Chooses, for each name, the value that the struct may read. Takes the values from `item`, and
/// leaves its key attributes there.
///
/// # Errors
///
/// If the marks of record and struct do not fit.
pub(crate) fn reconcile<'p, T: Envelope>(
    item: &mut Item,
    sealed: Vec<(&'p str, FieldValue<'p>)>,
    withheld: &[&str],
    authenticated: &[String],
) -> Result<Vec<(Cow<'p, str>, Source<'p>)>, ErrorKind> {
    let encrypted: Vec<_> = sealed.iter().map(|(name, _)| *name).collect();
    if has_duplicates(encrypted.clone()) {
        return Err(ErrorKind::Data(DataError::Malformed(
            "a field is sealed twice, in two groups of the record",
        )));
    }
    let has_unseen_groups =
        !withheld.is_empty() || !unknown_groups(T::SCHEMA, authenticated).is_empty();
    let rules =
        Rules::<T> { encrypted, authenticated, withheld, has_unseen_groups, marker: PhantomData };
    let mut chosen = Vec::with_capacity(item.len() + sealed.len());
    for field in
        T::SCHEMA.iter().filter(|field| field.group.is_some_and(|group| withheld.contains(&group)))
    {
        chosen.push((Cow::Borrowed(field.name), Source::Withheld));
    }
    for (name, value) in sealed {
        if rules.takes_sealed(name, item)? && !value.is_absent() {
            chosen.push((Cow::Borrowed(name), Source::Sealed(value)));
        }
    }
    let out_of_date = out_of_date::<T>(item);
    for (name, key) in keys::<T>(item) {
        rules.choose_attribute(Cow::Borrowed(name), key.clone(), &mut chosen)?;
    }
    let is_key = |name: &str| T::SCHEMA.owner(name).is_some_and(|field| field.mark.is_key());
    for (name, attribute) in item.extract_if(|name, _| !is_key(name)) {
        if !out_of_date.contains(&name.as_str()) {
            rules.choose_attribute(Cow::Owned(name), attribute, &mut chosen)?;
        }
    }
    Ok(chosen)
}

/// The key attributes of an item, under all of their names.
fn keys<T: Envelope>(item: &Item) -> impl Iterator<Item = (&'static str, &AttributeValue)> {
    let names = T::SCHEMA.keys().flat_map(Field::names);
    names.filter_map(|name| item.get(name).map(|key| (name, key)))
}

/// Chooses the parts of a composed key for fields that are stored nowhere else.
pub(crate) fn choose_parts<T: Envelope>(
    composed: &Field,
    key: &AttributeValue,
    chosen: &mut Vec<(Cow<'_, str>, Source<'_>)>,
) {
    for (part, text) in composed.parts(key).into_iter().flatten() {
        let field = T::SCHEMA.stored_as(part).filter(|field| field.mark == Mark::Key);
        let Some(name) = field.map(Field::read_name) else { continue };
        if chosen.iter().all(|(other, _)| other != name) {
            chosen.push((Cow::Borrowed(name), Source::Part(text.to_owned())));
        }
    }
}

/// The aliases under which the item has a plaintext field that it also has under its own name. The
/// value under the own name is newer: an update in place wrote it. If the item has two aliases
/// only, neither is known to be newer, and serde refuses them.
pub(crate) fn out_of_date<T: Envelope>(item: &Item) -> Vec<&'static str> {
    let renamed = T::SCHEMA.with_mark(Mark::Plaintext).filter(|field| !field.aliases.is_empty());
    let updated = renamed.filter(|field| item.contains_key(field.name));
    updated
        .flat_map(|field| field.aliases)
        .copied()
        .filter(|name| item.contains_key(*name))
        .collect()
}

fn has_duplicates(mut names: Vec<&str>) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| pair.first() == pair.last())
}

struct Rules<'w, T> {
    encrypted: Vec<&'w str>,
    authenticated: &'w [String],
    /// The groups that are withheld from the reader.
    withheld: &'w [&'w str],
    /// Whether the record has sealed groups that were not opened, whose fields are unknown.
    has_unseen_groups: bool,
    marker: PhantomData<fn() -> T>,
}

impl<T: Envelope> Rules<'_, T> {
    /// Chooses an attribute of the item, if the struct reads it.
    fn choose_attribute<'p>(
        &self,
        name: Cow<'p, str>,
        attribute: AttributeValue,
        chosen: &mut Vec<(Cow<'p, str>, Source<'p>)>,
    ) -> Result<(), ErrorKind> {
        match T::SCHEMA.generated(&name) {
            // The keys of indexes are made of the fields, not the fields of the keys.
            Some(field) if field.index_format().is_some() => {}
            Some(field) => {
                self.takes_attribute(&name)?;
                choose_parts::<T>(field, &attribute, chosen);
            }
            None if self.takes_attribute(&name)? => {
                chosen.push((name, Source::Attribute(attribute)));
            }
            None => {}
        }
        Ok(())
    }

    /// Whether the struct reads `name` from the payload (FORMAT 8-3, column "written encrypted").
    fn takes_sealed(&self, name: &str, item: &Item) -> Result<bool, ErrorKind> {
        if self.was_authenticated(name) {
            return Err(self.refuse(name, Problem::BothSealedAndReadable));
        }
        let owner = T::SCHEMA.owner(name);
        let in_the_clear = match owner {
            Some(field) if field.mark == Mark::Plaintext => {
                field.names().any(|own| item.contains_key(own))
            }
            _ => item.contains_key(name),
        };
        match owner {
            Some(field) if field.index_format().is_some() => Ok(false),
            Some(field) if field.as_search_tag().is_some() => Ok(false),
            // Either choice would lose a value when the record is stored again: this value, or the
            // values in the group.
            Some(Field { group: Some(group), .. }) if self.withheld.contains(group) => {
                Err(self.refuse(name, Problem::SealedOutsideOfGroup))
            }
            Some(Field { mark: Mark::Encrypted | Mark::Authenticated, .. }) if in_the_clear => {
                Err(self.refuse(name, Problem::AlsoInTheClear))
            }
            Some(Field { mark: Mark::Encrypted | Mark::Authenticated, .. }) => Ok(true),
            // Plaintext may be updated in place, so the value in the item is newer.
            Some(Field { mark: Mark::Plaintext | Mark::PartitionKey | Mark::SortKey, .. }) => {
                Ok(!in_the_clear)
            }
            // The value comes from the composed key.
            Some(Field { mark: Mark::Key, .. }) => Ok(false),
            None => Ok(T::DENY_UNKNOWN_FIELDS && !is_search_tag(name)),
        }
    }

    /// Whether the struct reads `name` from the item (FORMAT 8-3, the other columns).
    fn takes_attribute(&self, name: &str) -> Result<bool, ErrorKind> {
        match T::SCHEMA.owner(name) {
            Some(Field { mark: Mark::Plaintext | Mark::PartitionKey | Mark::SortKey, .. }) => {
                Ok(true)
            }
            Some(Field { mark: Mark::Key, .. }) => Ok(false),
            Some(Field { group: Some(group), .. }) if self.withheld.contains(group) => {
                Err(self.refuse(name, Problem::AlsoInTheClear))
            }
            Some(_) if self.was_authenticated(name) => Ok(true),
            Some(field) if field.accepts_plaintext && self.is_marked(field) => {
                Err(self.refuse(name, Problem::MarkedUnderAnotherName))
            }
            Some(field) if field.accepts_plaintext && self.has_unseen_groups => {
                Err(self.refuse(name, Problem::MayStandInUnseenGroup))
            }
            Some(field) if field.accepts_plaintext => Ok(true),
            Some(field) => Err(self.refuse(name, Problem::WrittenUnprotected(field.mark.name()))),
            None => Ok(T::DENY_UNKNOWN_FIELDS && !is_search_tag(name)),
        }
    }

    /// Binary search: the names are in deterministic order (FORMAT 4.2-1), and a record of 400 KB
    /// can have tens of thousands of names.
    fn was_authenticated(&self, name: &str) -> bool {
        let position = |other: &String| (other.len(), other.as_str()).cmp(&(name.len(), name));
        self.authenticated.binary_search_by(position).is_ok()
    }

    /// Whether the record was written with the field protected, under any of its names.
    fn is_marked(&self, field: &Field) -> bool {
        field.names().any(|name| self.was_authenticated(name) || self.encrypted.contains(&name))
    }

    fn refuse(&self, name: &str, problem: Problem) -> ErrorKind {
        let owned = |name: &&str| (*name).to_owned();
        let encrypted = self.encrypted.iter().map(owned).collect();
        let named = self
            .encrypted
            .iter()
            .filter(|name| T::SCHEMA.owner(name).is_some())
            .map(owned)
            .collect();
        let written = WrittenMarks { encrypted, authenticated: self.authenticated.to_vec() };
        MarksError { attribute: name.to_owned(), problem, written, named }.into()
    }
}

//! `#[serde(..)]` on a field.

use proc_macro2::TokenStream;
use syn::{Attribute, LitStr, Type};

use super::borrow;
use super::directions::{Directions, Predicates, bounds, strings};
use super::entries::serde_entries;
use super::forms;
use super::repeated::Seen;
use crate::errors::Errors;
use crate::parse::entry::{Entry, Value};

pub(crate) const FLATTEN: &str = "flatten";

/// `#[serde(..)]` on a field.
#[derive(Default)]
pub(crate) struct FieldSerde {
    /// The entries for serde's derive.
    pub(crate) entries: Vec<Entry>,
    /// The names given by `rename`.
    pub(crate) rename: Directions<Option<LitStr>>,
    /// Further names to read: from `alias`, and from the second and later `rename(deserialize)`.
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) skip: Directions<bool>,
    /// `skip`, `skip_serializing`, `skip_serializing_if` or `skip_deserializing`, as written.
    pub(crate) skips: Vec<TokenStream>,
    pub(crate) with: Directions<bool>,
    /// `default` without a path.
    pub(crate) default_trait: bool,
    /// `default` with a path.
    pub(crate) default_path: bool,
    pub(crate) bounds: Directions<Option<Predicates>>,
}

impl FieldSerde {
    /// Whether the field is neither written nor read.
    pub(crate) fn is_skipped(&self) -> bool {
        self.skip.serialize && self.skip.deserialize
    }
}

/// Reads the `#[serde(..)]` attributes of a field.
pub(crate) fn field(attributes: &[Attribute], ty: &Type, errors: &mut Errors) -> FieldSerde {
    let mut serde = FieldSerde::default();
    let mut seen = Seen::default();
    for entry in serde_entries(attributes) {
        if entry.name == "getter" {
            errors.report(
                &entry,
                "`#[serde(getter)]` is not supported here: it is for `#[serde(remote)]` \
                 definitions",
                "remove it; `#[serde(serialize_with = \"..\")]` changes how a field is written",
            );
        } else if entry.name == FLATTEN {
            refuse_flatten(&entry, errors);
        } else if forms::check(&entry, &forms::FIELD, errors)
            && seen.is_new(&entry, errors)
            && borrow::lifetimes_exist(&entry, ty, errors)
        {
            read_field_entry(&entry, &mut serde);
            serde.entries.push(entry);
        }
    }
    serde
}

/// Reports `flatten`, in a record or a view.
///
/// Only names tell the entries of a flattened field from other fields, and another version of the
/// struct has other fields. A field that one version seals could be a plaintext entry for another.
pub(crate) fn refuse_flatten(entry: &Entry, errors: &mut Errors) {
    errors.report(
        entry,
        "`#[serde(flatten)]` is not supported: each attribute of an item must belong to one field \
         by its name",
        "declare each attribute as a field of the struct; or remove `flatten`: the value is then \
         stored as \
         one attribute, which can be `#[encrypted]`",
    );
}

fn read_field_entry(entry: &Entry, serde: &mut FieldSerde) {
    match entry.name.as_str() {
        "rename" => rename(entry, serde),
        "alias" => serde.aliases.extend(entry.string()),
        "default" => match entry.value {
            Value::Nothing => serde.default_trait = true,
            _ => serde.default_path = true,
        },
        "with" => serde.with = Directions { serialize: true, deserialize: true },
        "serialize_with" => serde.with.serialize = true,
        "deserialize_with" => serde.with.deserialize = true,
        "bound" => bounds(entry, &mut serde.bounds),
        "skip" => {
            serde.skip = Directions { serialize: true, deserialize: true };
            serde.skips.push(entry.tokens.clone());
        }
        "skip_serializing" => {
            serde.skip.serialize = true;
            serde.skips.push(entry.tokens.clone());
        }
        "skip_deserializing" => {
            serde.skip.deserialize = true;
            serde.skips.push(entry.tokens.clone());
        }
        "skip_serializing_if" => serde.skips.push(entry.tokens.clone()),
        _ => {}
    }
}

/// `rename = ".."` or `rename(serialize = "..", deserialize = "..")` on a field.
fn rename(entry: &Entry, serde: &mut FieldSerde) {
    let Directions { mut serialize, deserialize } = strings(entry);
    let mut deserialize = deserialize.into_iter();
    if let Some(name) = serialize.pop() {
        serde.rename.serialize = Some(name);
    }
    if serde.rename.deserialize.is_none() {
        serde.rename.deserialize = deserialize.next();
    }
    serde.aliases.extend(deserialize);
}

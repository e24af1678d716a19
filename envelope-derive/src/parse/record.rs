//! The struct of a record: its options, its serde attributes, its fields and composed keys.

use syn::{Attribute, Data, DeriveInput, Fields, Generics, Ident, Visibility};

use super::composed_key::ComposedKey;
use super::deprecated::uses_deprecated;
use super::entry;
use super::field::Field;
use super::index::Index;
use super::options::Options;
use super::search_tag::SearchTag;
use super::serde::{self, ContainerSerde};
use crate::errors::Errors;
use crate::marks::{self, ENCRYPTION_CONTEXT, Mark, OnStruct, SEARCHABLE, TAG_PREFIX};
use crate::names::unraw;

/// A struct with named fields and its attributes.
pub(crate) struct Input {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) options: Options,
    pub(crate) serde: ContainerSerde,
    pub(crate) fields: Vec<Field>,
    /// The keys that are composed of fields.
    pub(crate) composed: Vec<ComposedKey>,
    /// The search tags: those of fields, then those of several fields.
    pub(crate) tags: Vec<SearchTag>,
    pub(crate) vis: Visibility,
    /// Whether generated code may use deprecated items.
    pub(crate) uses_deprecated: bool,
    /// The `#[repr(..)]` attributes; `packed` decides whether fields may be borrowed.
    pub(crate) repr: Vec<Attribute>,
}

impl Input {
    /// Parses the struct; `None` if the item is not a struct with named fields.
    pub(crate) fn parse(
        input: &DeriveInput,
        mut options: Options,
        errors: &mut Errors,
    ) -> Option<Self> {
        report_misplaced_marks(&input.attrs, errors);
        let composed = ComposedKey::parse_all(&input.attrs, errors);
        let serde = serde::container(&input.attrs, errors);
        let fields = named_fields(input, errors)?;
        let is_generic = !input.generics.params.is_empty();
        let fields: Vec<_> = fields
            .iter()
            .filter_map(|field| {
                let (rename_all, unmarked) = (serde.rename_all, options.unmarked);
                Field::parse(field, rename_all, unmarked, is_generic, &composed, errors)
            })
            .collect();
        let uses_deprecated =
            uses_deprecated(&input.attrs) || fields.iter().any(|field| field.uses_deprecated);
        let of_field =
            |field: &Field| SearchTag::of_field(&field.ident, &field.tags).collect::<Vec<_>>();
        let mut tags: Vec<_> = fields.iter().flat_map(of_field).collect();
        tags.append(&mut options.searchable);
        let is_repr = |attribute: &&Attribute| attribute.path().is_ident("repr");
        let repr = input.attrs.iter().filter(is_repr).cloned().collect();
        Some(Self {
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            options,
            serde,
            fields,
            composed,
            tags,
            vis: input.vis.clone(),
            uses_deprecated,
            repr,
        })
    }

    /// The fields that are written or read, in the order of the struct.
    pub(crate) fn stored_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.serde.is_skipped())
    }

    /// The field of this name, without `r#`.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_named(name))
    }

    /// The key that is composed under this mark.
    pub(crate) fn composed_key(&self, mark: Mark) -> Option<&ComposedKey> {
        self.composed.iter().find(|key| key.mark == mark)
    }

    /// The key that is composed under this name, as an identifier.
    pub(crate) fn composed_key_named(&self, ident: &Ident) -> Option<&ComposedKey> {
        let is_named =
            |key: &&ComposedKey| key.ident().is_some_and(|own| unraw(&own) == unraw(ident));
        self.composed.iter().find(is_named)
    }

    /// Whether the format of a composed key names the field.
    pub(crate) fn is_part_of_key(&self, field: &Field) -> bool {
        self.composed.iter().flat_map(ComposedKey::parts).any(|part| field.is_named(&part.field))
    }

    /// The composed keys of indexes. Indexes that share an attribute share its key.
    pub(crate) fn index_keys(&self) -> Vec<&ComposedKey> {
        let mut keys: Vec<&ComposedKey> = Vec::new();
        for key in self.options.indexes.iter().flat_map(Index::composed) {
            if keys.iter().all(|other| other.name.value != key.name.value) {
                keys.push(key);
            }
        }
        keys
    }

    /// The search tag that an index names: by the name of the tag, or by its field.
    pub(crate) fn tag_named(&self, ident: &Ident) -> Option<&SearchTag> {
        self.tags.iter().find(|tag| unraw(&tag.ident) == unraw(ident))
    }

    /// The name of a search tag: the stored names of its fields, and the name that is given to it
    /// (FORMAT 13.1-2).
    pub(crate) fn tag_name(&self, tag: &SearchTag) -> String {
        let field = |ident: &Ident| self.field(&unraw(ident)).map(|field| &field.name);
        let fields = tag.fields.iter().filter_map(|tagged| field(&tagged.ident));
        let names: Vec<_> = fields.chain(&tag.given).map(|name| name.value.as_str()).collect();
        names.join("+")
    }

    /// The attribute that holds a search tag.
    pub(crate) fn tag_attribute(&self, tag: &SearchTag) -> String {
        format!("{TAG_PREFIX}{}", self.tag_name(tag))
    }

    /// Whether a search tag is computed from the field.
    pub(crate) fn is_part_of_tag(&self, field: &Field) -> bool {
        self.tags.iter().any(|tag| tag.has_field(&unraw(&field.ident)))
    }

    /// Whether the format of an index's key names the field.
    pub(crate) fn is_part_of_index_key(&self, field: &Field) -> bool {
        let mut keys = self.options.indexes.iter().flat_map(Index::composed);
        keys.any(|key| key.parts().any(|part| field.is_named(&part.field)))
    }

    /// The names of all fields, without `r#`.
    pub(crate) fn field_names(&self) -> Vec<String> {
        self.fields.iter().map(|field| unraw(&field.ident)).collect()
    }
}

fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Fields> {
    const HELP: &str =
        "write a struct with named fields: `struct Name { #[partition_key] id: String, .. }`";
    let what = match &input.data {
        Data::Struct(data) => match &data.fields {
            fields @ Fields::Named(_) => return Some(fields),
            Fields::Unnamed(_) => "a tuple struct",
            Fields::Unit => "a unit struct",
        },
        // Enums are parsed elsewhere.
        Data::Enum(_) | Data::Union(_) => "a union",
    };
    errors.report(
        &input.ident,
        format_args!("`Envelope` cannot be derived for {what}: a record needs named fields"),
        HELP,
    );
    None
}

/// Reports attributes on the struct that belong to fields.
fn report_misplaced_marks(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        let Some(name) = entry::name(attribute) else { continue };
        let help = match on_struct(&name) {
            None | Some(OnStruct::ComposesKey) => continue,
            Some(OnStruct::MeantAsDefault) => {
                format!(
                    "move it to a field, or write `#[envelope(unmarked = \"{name}\")]` for all \
                     fields without a mark"
                )
            }
            Some(OnStruct::Misplaced) => "move it to a field".to_owned(),
        };
        errors.report(
            attribute,
            format_args!("`#[{name}]` belongs to a field, not to the struct"),
            help,
        );
    }
}

/// The meaning on the struct of a field's attribute; `None` for other names.
fn on_struct(name: &str) -> Option<OnStruct> {
    let beside_mark =
        marks::role(name).is_some() || [ENCRYPTION_CONTEXT, SEARCHABLE].contains(&name);
    Mark::named(name).map(Mark::on_struct).or(beside_mark.then_some(OnStruct::Misplaced))
}

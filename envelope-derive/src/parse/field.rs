//! A field: its mark and role, its names, and how serde treats it.

use proc_macro2::TokenStream;
use syn::{Attribute, Ident, LitStr, Type, Visibility};

use super::composed_key::ComposedKey;
use super::deprecated::uses_deprecated;
use super::mark_options::MarkOptions;
use super::search_tag::{self, WrittenTag};
use super::seconds;
use super::serde::{self, Directions, FieldSerde};
use super::written_marks::{self as written, WrittenMark, WrittenRole};
use crate::errors::Errors;
use crate::marks::{Mark, Role};
use crate::names::{Name, RenameRule, unraw};

/// A named field and its attributes.
pub(crate) struct Field {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// The field's own mark, or the mark of unmarked fields; `None` if there is none or several.
    pub(crate) mark: Option<Mark>,
    /// The marks as written, for rules that look at more than one.
    pub(crate) marks: Vec<WrittenMark>,
    /// The roles as written.
    pub(crate) roles: Vec<WrittenRole>,
    /// The name of the generated type by which serde stores the field as seconds, if it has one.
    pub(crate) seconds: Option<Ident>,
    /// The `#[searchable]` attributes.
    pub(crate) tags: Vec<WrittenTag>,
    /// `#[encryption_context]`, as written.
    pub(crate) encryption_context: Option<TokenStream>,
    /// Whether records in which the field is plaintext are read too.
    pub(crate) accepts_plaintext: bool,
    /// The group of encrypted fields that the field belongs to.
    pub(crate) group: Option<Name>,
    pub(crate) serde: FieldSerde,
    /// The name under which the field is written.
    pub(crate) name: Name,
    /// The other names under which the field is read.
    pub(crate) aliases: Vec<Name>,
    /// Whether the field is read under the name under which it is written.
    pub(crate) reads_written_name: bool,
    /// Whether generated code may use deprecated items for this field.
    pub(crate) uses_deprecated: bool,
}

impl Field {
    pub(super) fn parse(
        field: &syn::Field,
        rename_all: Directions<RenameRule>,
        unmarked: Option<Mark>,
        is_generic: bool,
        composed: &[ComposedKey],
        errors: &mut Errors,
    ) -> Option<Self> {
        let ident = field.ident.clone()?;
        let mut serde = serde::field(&field.attrs, &field.ty, errors);
        let roles = written::roles(&field.attrs, errors);
        let seconds = seconds::store_as_seconds(&roles, &ident, &field.ty, is_generic, &mut serde);
        written::report_container_options(&field.attrs, errors);
        let marks = written::marks(&field.attrs, errors);
        let encryption_context = written::encryption_context(&field.attrs, errors);
        let tags = search_tag::written_tags(&field.attrs, errors);
        let options: Vec<_> =
            marks.iter().map(|written| MarkOptions::parse(written, errors)).collect();
        let (name, aliases) = names(&ident, &serde, rename_all);
        let parsed = Self {
            vis: field.vis.clone(),
            mark: match marks.as_slice() {
                [] => unmarked,
                [written] => Some(written.mark),
                _ => None,
            },
            roles,
            seconds,
            tags,
            encryption_context,
            accepts_plaintext: options.iter().any(|options| options.accepts_plaintext),
            group: options.into_iter().find_map(|options| options.group),
            uses_deprecated: uses_deprecated(&field.attrs),
            ty: field.ty.clone(),
            marks,
            reads_written_name: reads_written_name(&ident, &name, &serde, rename_all),
            ident,
            serde,
            name,
            aliases,
        };
        parsed.report_missing_mark(&field.attrs, composed, errors);
        Some(parsed)
    }

    /// Whether `mark` is one of the field's marks, even if there are several.
    pub(crate) fn has_mark(&self, mark: Mark) -> bool {
        self.marks().any(|written| written == mark)
    }

    /// Whether one of the field's marks is that of a key attribute.
    pub(crate) fn is_key(&self) -> bool {
        self.marks().any(Mark::is_key)
    }

    /// The field's marks as written, or the mark of unmarked fields.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let unmarked = if self.marks.is_empty() { self.mark } else { None };
        self.marks.iter().map(|written| written.mark).chain(unmarked)
    }

    /// The field's role.
    pub(crate) fn role(&self) -> Option<&'static Role> {
        self.roles.first().map(|written| written.role)
    }

    /// Whether the field has this name, without `r#`.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        unraw(&self.ident) == name
    }

    /// Every name under which the field is written or read.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.aliases)
    }

    fn report_missing_mark(
        &self,
        attributes: &[Attribute],
        composed: &[ComposedKey],
        errors: &mut Errors,
    ) {
        if self.marks().next().is_some() || self.serde.is_skipped() {
            return;
        }
        if let Some((attribute, written, meant)) = written::misspelt_mark(attributes) {
            let problem = format_args!(
                "`#[{written}]` is not a mark, so the field `{}` has none",
                self.ident
            );
            errors.report(attribute, problem, format_args!("did you mean `#[{meant}]`?"));
            return;
        }
        let ident = &self.ident;
        errors.report(
            ident,
            format_args!("the field `{ident}` has no mark"),
            self.advised_marks(composed),
        );
    }

    /// The marks that the field can have, by what else it is.
    fn advised_marks(&self, composed: &[ComposedKey]) -> String {
        let is_part = |key: &&ComposedKey| key.parts().any(|part| self.is_named(&part.field));
        if let Some(role) = self.role() {
            let or_authenticated =
                if role.unauthenticated.is_none() { " or `#[authenticated]`" } else { "" };
            return format!(
                "`#[{}]` stands beside a mark: add `#[plaintext]`{or_authenticated}",
                role.name
            );
        }
        if composed.iter().any(|key| is_part(&key)) {
            return "the field is part of a composed key: add `#[key]` (stored only in the key) or \
                    `#[authenticated]` (also stored as an attribute)"
                .to_owned();
        }
        "add `#[encrypted]`, `#[authenticated]`, `#[plaintext]`, `#[partition_key]`, \
         `#[sort_key]` or `#[serde(skip)]` to the field; `#[envelope(unmarked = \"encrypted\")]` \
         on the struct marks all fields without a mark"
            .to_owned()
    }
}

/// The name under which a field is written, and the other names under which it is read.
fn names(
    ident: &Ident,
    serde: &FieldSerde,
    rename_all: Directions<RenameRule>,
) -> (Name, Vec<Name>) {
    let written = name_in(ident, serde.rename.serialize.as_ref(), rename_all.serialize);
    let read = name_in(ident, serde.rename.deserialize.as_ref(), rename_all.deserialize);
    let mut aliases: Vec<Name> = Vec::new();
    for name in std::iter::once(read).chain(serde.aliases.iter().map(Name::from)) {
        if name.value != written.value && aliases.iter().all(|alias| alias.value != name.value) {
            aliases.push(name);
        }
    }
    (written, aliases)
}

/// The name in one direction: from `rename`, or the field's name after the struct's `rename_all`.
fn name_in(ident: &Ident, given: Option<&LitStr>, rule: RenameRule) -> Name {
    given.map_or_else(|| Name { value: rule.apply(&unraw(ident)), span: ident.span() }, Name::from)
}

fn reads_written_name(
    ident: &Ident,
    written: &Name,
    serde: &FieldSerde,
    rename_all: Directions<RenameRule>,
) -> bool {
    let read = name_in(ident, serde.rename.deserialize.as_ref(), rename_all.deserialize);
    let mut aliases = serde.aliases.iter().map(Name::from);
    read.value == written.value || aliases.any(|alias| alias.value == written.value)
}

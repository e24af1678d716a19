//! A field, parsed: its mark, its names, and what serde does with it.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Ident, LitStr, Meta, Type, Visibility};

use crate::attr::{self, ENCRYPTION_CONTEXT, ENVELOPE, Mark, SERDE};
use crate::case::RenameRule;
use crate::errors::Errors;
use crate::input::{Name, unraw, uses_deprecated};
use crate::mark_options::MarkOptions;
use crate::role::{self, Role, WrittenRole};
use crate::serde_attr::{self, Directions, FieldSerde};
use crate::similar::similar;

/// A named field and its attributes.
pub(crate) struct Field {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    /// The one mark of the field, its own or the struct's; `None` if it is missing or in doubt.
    pub(crate) mark: Option<Mark>,
    /// The marks as written, for the rules that look at more than one.
    pub(crate) marks: Vec<Written>,
    /// What the library keeps the field for, as written.
    pub(crate) roles: Vec<WrittenRole>,
    /// The name of the generated code that writes and reads it as a time, if it is one.
    pub(crate) seconds: Option<Ident>,
    /// `#[encryption_context]`, as written.
    pub(crate) encryption_context: Option<TokenStream>,
    pub(crate) accepts_plaintext: bool,
    /// The group of encrypted fields that it belongs to.
    pub(crate) group: Option<Name>,
    pub(crate) serde: FieldSerde,
    /// The name under which the field is written.
    pub(crate) name: Name,
    /// The other names under which the field is read.
    pub(crate) aliases: Vec<Name>,
    /// Whether the field is read under the name that it is written under.
    pub(crate) reads_written_name: bool,
    pub(crate) is_deprecated: bool,
}

/// A mark, with the attribute that made it.
pub(crate) struct Written {
    pub(crate) mark: Mark,
    pub(crate) attribute: Attribute,
}

impl Field {
    pub(crate) fn parse(
        field: &syn::Field,
        rename_all: Directions<RenameRule>,
        unmarked: Option<Mark>,
        is_generic: bool,
        errors: &mut Errors,
    ) -> Option<Self> {
        let ident = field.ident.clone()?;
        let mut serde = serde_attr::field(&field.attrs, &field.ty, errors);
        let roles = role::written(&field.attrs, errors);
        let seconds = role::write_as_seconds(&roles, &ident, &field.ty, is_generic, &mut serde);
        report_container_options(&field.attrs, errors);
        let marks = written_marks(&field.attrs);
        report_arguments(&field.attrs, &marks, errors);
        let options: Vec<_> =
            marks.iter().map(|written| MarkOptions::parse(written, errors)).collect();
        let (name, aliases) = names(&ident, &serde, rename_all);
        let reads_written_name = reads_written_name(&ident, &name, &serde, rename_all);
        let parsed = Self {
            vis: field.vis.clone(),
            mark: match marks.as_slice() {
                [] => unmarked,
                [written] => Some(written.mark),
                _ => None,
            },
            roles,
            seconds,
            encryption_context: encryption_context(&field.attrs, errors),
            accepts_plaintext: options.iter().any(|options| options.accepts_plaintext),
            group: options.into_iter().find_map(|options| options.group),
            is_deprecated: uses_deprecated(&field.attrs),
            ty: field.ty.clone(),
            ident,
            marks,
            serde,
            name,
            aliases,
            reads_written_name,
        };
        parsed.report_missing_mark(&field.attrs, errors);
        Some(parsed)
    }

    /// Whether one of the field's marks, in doubt or not, is `mark`.
    pub(crate) fn has_mark(&self, mark: Mark) -> bool {
        self.mark == Some(mark) || self.marks.iter().any(|written| written.mark == mark)
    }

    /// Whether one of the field's marks is that of a key.
    pub(crate) fn is_key(&self) -> bool {
        self.has_mark(Mark::PartitionKey) || self.has_mark(Mark::SortKey)
    }

    /// What the library keeps the field for.
    pub(crate) fn role(&self) -> Option<Role> {
        self.roles.first().map(|written| written.role)
    }

    /// Every name under which the field is written or read.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.aliases)
    }

    fn report_missing_mark(&self, attributes: &[Attribute], errors: &mut Errors) {
        if !self.marks.is_empty() || self.mark.is_some() || self.serde.is_skipped() {
            return;
        }
        if let Some((attribute, written, meant)) = misspelt_mark(attributes) {
            let problem = format_args!(
                "`#[{written}]` does not say what happens to the field `{}`",
                self.ident
            );
            errors.report(attribute, problem, format_args!("did you mean `#[{meant}]`?"));
            return;
        }
        let ident = &self.ident;
        errors.report(
            ident,
            format_args!("nothing says what happens to the field `{ident}`"),
            "mark it `#[encrypted]`, `#[authenticated]`, `#[plaintext]`, `#[partition_key]`, `#[sort_key]` or \
             `#[serde(skip)]`, or the whole struct `#[envelope(unmarked = \"encrypted\")]`",
        );
    }
}

fn written_marks(attributes: &[Attribute]) -> Vec<Written> {
    let written = |attribute: &Attribute| {
        let mark = Mark::named(&attr::name(attribute)?)?;
        Some(Written { mark, attribute: attribute.clone() })
    };
    attributes.iter().filter_map(written).collect()
}

/// An attribute that looks like a misspelt mark.
///
/// The compiler reports attributes that no derive declares, but what it does not know could also be
/// meant for another.
fn misspelt_mark(attributes: &[Attribute]) -> Option<(&Attribute, String, &'static str)> {
    let known = [ENVELOPE, ENCRYPTION_CONTEXT, SERDE];
    attributes.iter().find_map(|attribute| {
        let name = attr::name(attribute)
            .filter(|name| !known.contains(&name.as_str()) && Role::named(name).is_none())?;
        let meant = similar(&name, &Mark::ALL.map(Mark::attribute))?;
        Some((attribute, name, meant))
    })
}

/// Reports `#[envelope(..)]` on a field.
fn report_container_options(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE)) {
        let entries = attr::attribute_entries(attribute);
        let mark = entries.iter().find_map(|entry| Mark::named(&entry.name));
        let help = match mark {
            Some(mark) => format!("`#[{}]` stands alone", mark.attribute()),
            None => "move it to the struct".to_owned(),
        };
        errors.report(attribute, "`#[envelope(..)]` belongs to the struct, not to a field", help);
    }
}

/// Reports `#[mark = ..]`, and options of marks that take none.
fn report_arguments(attributes: &[Attribute], marks: &[Written], errors: &mut Errors) {
    let without_options = marks
        .iter()
        .filter(|written| written.mark.options().is_empty())
        .map(|written| &written.attribute);
    let context =
        attributes.iter().filter(|attribute| attribute.path().is_ident(ENCRYPTION_CONTEXT));
    for attribute in without_options.chain(context) {
        let name = attr::name(attribute).unwrap_or_default();
        if !matches!(attribute.meta, Meta::Path(_)) {
            let problem = format_args!("`#[{name}]` takes no options");
            errors.report(attribute, problem, format_args!("write `#[{name}]` alone"));
        }
    }
}

fn encryption_context(attributes: &[Attribute], errors: &mut Errors) -> Option<TokenStream> {
    let mut found =
        attributes.iter().filter(|attribute| attribute.path().is_ident(ENCRYPTION_CONTEXT));
    let first = found.next()?.to_token_stream();
    for again in found {
        errors.report(again, "`#[encryption_context]` is given twice", "keep one of the two");
    }
    Some(first)
}

/// The name that a field is written under, and the others that it is read under.
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

/// The name in one direction: the one given, or what the struct's rule makes of the field's.
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

//! The marks and roles of a field, as written.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Meta};

use super::entry;
use super::options::ENVELOPE;
use super::serde::SERDE;
use crate::errors::Errors;
use crate::marks::{self, ENCRYPTION_CONTEXT, Mark, Role, SEARCHABLE};
use crate::names::similar;

/// A mark, with its attribute.
pub(crate) struct WrittenMark {
    pub(crate) mark: Mark,
    pub(crate) attribute: Attribute,
}

/// A role, with its attribute.
pub(crate) struct WrittenRole {
    pub(crate) role: &'static Role,
    pub(crate) attribute: Attribute,
}

/// The marks of a field.
pub(super) fn marks(attributes: &[Attribute], errors: &mut Errors) -> Vec<WrittenMark> {
    let written = |attribute: &Attribute| {
        let mark = Mark::named(&entry::name(attribute)?)?;
        if mark.options().is_empty() {
            report_options(attribute, mark.attribute(), errors);
        }
        Some(WrittenMark { mark, attribute: attribute.clone() })
    };
    attributes.iter().filter_map(written).collect()
}

/// The roles of a field.
pub(super) fn roles(attributes: &[Attribute], errors: &mut Errors) -> Vec<WrittenRole> {
    let written = |attribute: &Attribute| {
        let role = marks::role(&entry::name(attribute)?)?;
        report_options(attribute, role.name, errors);
        Some(WrittenRole { role, attribute: attribute.clone() })
    };
    attributes.iter().filter_map(written).collect()
}

/// `#[encryption_context]`, if the field has it.
pub(super) fn encryption_context(
    attributes: &[Attribute],
    errors: &mut Errors,
) -> Option<TokenStream> {
    let mut found =
        attributes.iter().filter(|attribute| attribute.path().is_ident(ENCRYPTION_CONTEXT));
    let first = found.next()?;
    report_options(first, ENCRYPTION_CONTEXT, errors);
    for again in found {
        report_options(again, ENCRYPTION_CONTEXT, errors);
        errors.report(again, "`#[encryption_context]` is given twice", "keep one of the two");
    }
    Some(first.to_token_stream())
}

/// Reports options of an attribute that takes none.
fn report_options(attribute: &Attribute, name: &str, errors: &mut Errors) {
    if !matches!(attribute.meta, Meta::Path(_)) {
        let problem = format_args!("`#[{name}]` takes no options");
        errors.report(attribute, problem, format_args!("write `#[{name}]`"));
    }
}

/// Reports `#[envelope(..)]` on a field.
pub(super) fn report_container_options(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE)) {
        let entries = entry::attribute_entries(attribute);
        let mark = entries.iter().find_map(|entry| Mark::named(&entry.name));
        let help = match mark {
            Some(mark) => format!("write `#[{}]`", mark.attribute()),
            None => "move it to the struct".to_owned(),
        };
        errors.report(attribute, "`#[envelope(..)]` belongs to the struct, not to a field", help);
    }
}

/// An attribute that looks like a misspelt mark, its name, and the mark that it resembles.
///
/// The compiler reports attributes that no derive declares, but it cannot know that the field now
/// lacks its mark.
pub(super) fn misspelt_mark(
    attributes: &[Attribute],
) -> Option<(&Attribute, String, &'static str)> {
    let known = [ENVELOPE, ENCRYPTION_CONTEXT, SEARCHABLE, SERDE];
    attributes.iter().find_map(|attribute| {
        let name = entry::name(attribute)
            .filter(|name| !known.contains(&name.as_str()) && marks::role(name).is_none())?;
        let meant = similar(&name, &Mark::ALL.map(Mark::attribute))?;
        Some((attribute, name, meant))
    })
}

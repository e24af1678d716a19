//! An enum of records: `enum Shop { User(User), Order(Order) }`.

use proc_macro2::TokenStream;
use syn::{DataEnum, DeriveInput, Fields, Ident, Type, Variant};

use super::deprecated::uses_deprecated;
use super::options::{CRATE, ENVELOPE};
use super::{crate_path, entry};
use crate::errors::Errors;

/// An enum of records and its one option.
pub(crate) struct Enum<'a> {
    pub(crate) input: &'a DeriveInput,
    /// The variants that hold a record, each with the type of the record.
    pub(crate) records: Vec<(&'a Ident, &'a Type)>,
    pub(crate) krate: TokenStream,
    /// Whether generated code may use deprecated items.
    pub(crate) uses_deprecated: bool,
}

impl<'a> Enum<'a> {
    pub(crate) fn parse(input: &'a DeriveInput, data: &'a DataEnum, errors: &mut Errors) -> Self {
        let krate = crate_option(input, errors);
        if !input.generics.params.is_empty() {
            let help =
                "write an enum for each set of types: `enum Entity { User(User<String>), .. }`";
            errors.report(&input.generics, "an enum of records cannot be generic", help);
        }
        let records = data.variants.iter().filter_map(|variant| record(variant, errors)).collect();
        if data.variants.is_empty() {
            let help = "add a variant for each kind of record in the table: `enum Entity { \
                 User(User), Order(Order) }`";
            errors.report(&input.ident, "the enum has no variants", help);
        }
        Self { input, records, krate, uses_deprecated: uses_deprecated(&input.attrs) }
    }
}

/// Reads `crate`. All other options belong to the records.
fn crate_option(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let mut krate = crate_path::default();
    let attributes = input.attrs.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE));
    for entry in attributes.flat_map(entry::attribute_entries) {
        if entry.name == CRATE {
            krate = crate_path::parse(&entry, errors).unwrap_or(krate);
        } else {
            let problem = format_args!("`{}` is not an option of an enum of records", entry.name);
            errors.report(
                &entry,
                problem,
                "remove it: the records define the table, the context and the marks",
            );
        }
    }
    krate
}

/// The name of a variant, and the record in it.
fn record<'a>(variant: &'a Variant, errors: &mut Errors) -> Option<(&'a Ident, &'a Type)> {
    let ident = &variant.ident;
    if let Fields::Unnamed(fields) = &variant.fields
        && let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len())
    {
        return Some((ident, &field.ty));
    }
    errors.report(
        variant,
        format_args!("the variant `{ident}` must hold exactly one record"),
        format_args!("derive `Envelope` on a struct, and write `{ident}({ident})`"),
    );
    None
}

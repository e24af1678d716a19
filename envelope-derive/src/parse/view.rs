//! The struct of a view: `#[view(of = User)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Data, DataStruct, DeriveInput, Field, Fields, Type};

use super::deprecated::uses_deprecated;
use super::entry::{self, Entry, Value};
use super::{crate_path, serde};
use crate::errors::Errors;
use crate::marks::Mark;

const VIEW: &str = "view";
const OPTIONS: [&str; 2] = ["of", "crate"];
const NAME_THE_RECORD: &str = "name the record: `#[view(of = User)]`";

/// A view and its options.
pub(crate) struct View<'a> {
    pub(crate) input: &'a DeriveInput,
    /// The record that it is a view of, if it says so.
    pub(crate) record: Option<Type>,
    pub(crate) krate: TokenStream,
    /// The fields, in the order of the struct.
    pub(crate) fields: Vec<&'a Field>,
    /// Whether generated code may use deprecated items.
    pub(crate) uses_deprecated: bool,
}

impl<'a> View<'a> {
    pub(crate) fn parse(input: &'a DeriveInput, errors: &mut Errors) -> Self {
        let mut view = Self {
            input,
            record: None,
            krate: crate_path::default(),
            fields: Vec::new(),
            uses_deprecated: false,
        };
        view.read_options(errors);
        view.fields = named_fields(input, errors);
        view.uses_deprecated = uses_deprecated(&input.attrs)
            || view.fields.iter().any(|field| uses_deprecated(&field.attrs));
        report_attributes(&input.attrs, "the struct", errors);
        for field in &view.fields {
            report_attributes(&field.attrs, "a field", errors);
        }
        if !input.generics.params.is_empty() {
            let help = "write a view for each type that the record is used with: `#[view(of = \
                 User<String>)]`";
            errors.report(&input.generics, "a view cannot be generic", help);
        }
        view
    }

    fn read_options(&mut self, errors: &mut Errors) {
        let attributes = self.input.attrs.iter();
        let attributes = attributes.filter(|attribute| attribute.path().is_ident(VIEW));
        let mut is_named = false;
        for entry in attributes.flat_map(entry::attribute_entries) {
            let known = OPTIONS.into_iter().find(|known| *known == entry.name);
            // A misspelt option counts as the one that it resembles.
            match known
                .or_else(|| entry::report_unknown_option(&entry, "#[view(..)]", &OPTIONS, errors))
            {
                Some("of") => (is_named, self.record) = (true, record(&entry, errors)),
                Some(_) => self.krate.clone_from(
                    &crate_path::parse(&entry, errors).unwrap_or_else(|| self.krate.clone()),
                ),
                None => {}
            }
        }
        if !is_named {
            errors.report(&self.input.ident, "the view does not name its record", NAME_THE_RECORD);
        }
    }
}

/// The type in `of = User`.
fn record(entry: &Entry, errors: &mut Errors) -> Option<Type> {
    let record = match &entry.value {
        Value::Assigned(value) => syn::parse2(value.clone()).ok(),
        _ => None,
    };
    if record.is_none() {
        errors.report(entry, "`of` takes the type of a record", NAME_THE_RECORD);
    }
    record
}

fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<&'a Field> {
    if let Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) = &input.data
        && !fields.named.is_empty()
    {
        return fields.named.iter().collect();
    }
    let help =
        "write a struct with the fields that it reads: `struct Usage { user_id: String, .. }`";
    errors.report(&input.ident, "a view must be a struct with named fields", help);
    Vec::new()
}

/// Reports attributes that belong to the record.
fn report_attributes(attributes: &[Attribute], place: &str, errors: &mut Errors) {
    for attribute in attributes {
        for entry in serde::serde_entries(std::slice::from_ref(attribute)) {
            if entry.name == serde::FLATTEN {
                serde::refuse_flatten(&entry, errors);
            }
        }
        let Some(name) = entry::name(attribute) else { continue };
        if Mark::named(&name).is_some() {
            let problem = format_args!("`#[{name}]` does not belong on {place} of a view");
            let help = "remove it: the record defines how its attributes are named and stored";
            errors.report(attribute.to_token_stream(), problem, help);
        }
    }
}

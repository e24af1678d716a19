//! `#[derive(View)]`: a struct of some of a record's readable attributes.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DataStruct, DeriveInput, Field, Fields, Type};

use crate::attr::{self, Entry, Mark, Value};
use crate::errors::Errors;
use crate::expand::allow_deprecated;
use crate::fallback;
use crate::input::{crate_path, uses_deprecated};
use crate::respan::here;
use crate::serde_attr;

const VIEW: &str = "view";
const OPTIONS: [&str; 2] = ["of", "crate"];
const NAME_THE_RECORD: &str = "name the record that it is a view of: `#[view(of = User)]`";

/// Generates `impl View`.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(input, &mut errors);
    let fields = named_fields(input, &mut errors);
    report_attributes(&input.attrs, "the struct", &mut errors);
    for field in &fields {
        report_attributes(&field.attrs, "a field", &mut errors);
    }
    if !input.generics.params.is_empty() {
        let help =
            "write a view for each type that the record is used with: `#[view(of = User<String>)]`";
        errors.report(&input.generics, "a view has no parameters", help);
    }
    match options.record {
        Some(record) if errors.is_empty() => expand(input, &record, &fields, &options.krate),
        Some(record) => {
            let (errors, stub) =
                (errors.into_compile_errors(), fallback::view(input, &record, &options.krate));
            quote!(#errors #stub)
        }
        None => errors.into_compile_errors(),
    }
}

fn expand(
    input: &DeriveInput,
    record: &Type,
    fields: &[&Field],
    krate: &TokenStream,
) -> TokenStream {
    let name = &input.ident;
    let names = fields.iter().map(|field| {
        let ident = &field.ident;
        quote!(__envelope::Attribute::name(&__attributes.#ident))
    });
    let values = fields.iter().map(|field| {
        let (ident, ty, place) = (&field.ident, &field.ty, here(field.ty.span()));
        let value = quote_spanned!(place=> __envelope::ViewedItem::value::<_, #ty, _>(__item, &__attributes.#ident)?);
        quote!(#ident: #value)
    });
    let deprecated = allow_deprecated(
        uses_deprecated(&input.attrs) || fields.iter().any(|field| uses_deprecated(&field.attrs)),
    );
    quote! {
        #[doc(hidden)]
        #deprecated
        const _: () = {
            use #krate::__private as __envelope;

            #[automatically_derived]
            impl __envelope::View for #name {
                type Record = #record;

                fn names() -> __envelope::Vec<&'static str> {
                    let __attributes = <#record as __envelope::Envelope>::attributes();
                    __envelope::list([#(#names),*])
                }

                fn read(__item: &__envelope::ViewedItem) -> __envelope::Result<Self, __envelope::ErrorKind> {
                    let __attributes = <#record as __envelope::Envelope>::attributes();
                    __envelope::Result::Ok(Self { #(#values),* })
                }
            }
        };
    }
}

/// The options of `#[view(..)]`.
struct Options {
    record: Option<Type>,
    krate: TokenStream,
}

impl Options {
    fn parse(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut options = Self { record: None, krate: quote!(::envelope_dynamo) };
        let attributes = input.attrs.iter().filter(|attribute| attribute.path().is_ident(VIEW));
        let entries: Vec<_> = attributes.flat_map(attr::attribute_entries).collect();
        let mut is_named = false;
        for entry in &entries {
            let known = OPTIONS.into_iter().find(|known| *known == entry.name);
            // A misspelt option counts as the one that was meant.
            match known.or_else(|| attr::report_unknown_option(entry, VIEW, &OPTIONS, errors)) {
                Some("of") => (is_named, options.record) = (true, record(entry, errors)),
                Some(_) => options.krate = crate_path(entry, errors).unwrap_or(options.krate),
                None => {}
            }
        }
        if !is_named {
            errors.report(
                &input.ident,
                "the view does not say what it is a view of",
                NAME_THE_RECORD,
            );
        }
        options
    }
}

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

/// The fields, in the order of the struct.
fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Vec<&'a Field> {
    if let Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) = &input.data
        && !fields.named.is_empty()
    {
        return fields.named.iter().collect();
    }
    let help =
        "write a struct with the fields that it reads: `struct Usage { user_id: String, .. }`";
    errors.report(&input.ident, "a view is a struct with named fields", help);
    Vec::new()
}

/// A view says which attributes, the record says everything else of them.
fn report_attributes(attributes: &[Attribute], place: &str, errors: &mut Errors) {
    for attribute in attributes {
        for entry in serde_attr::serde_entries(std::slice::from_ref(attribute)) {
            if entry.name == serde_attr::FLATTEN {
                serde_attr::refuse_flatten(&entry, errors);
            }
        }
        let Some(name) = attr::name(attribute) else { continue };
        if Mark::named(&name).is_some() {
            let problem = format_args!("`#[{name}]` on {place} of a view has no meaning");
            let help = "remove it: the record says how its attributes are named and stored";
            errors.report(attribute.to_token_stream(), problem, help);
        }
    }
}

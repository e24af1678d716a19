//! An enum of records: `enum Entity { User(User), Order(Order) }`, the kinds of item that one table
//! holds.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Fields, Ident, Type, Variant};

use crate::attr::{self, ENVELOPE, option};
use crate::errors::Errors;
use crate::expand::allow_deprecated;
use crate::fallback;
use crate::input::{crate_path, uses_deprecated};
use crate::respan::as_generated;

/// Generates `impl Entity`, or reports what keeps it from that.
pub(crate) fn derive(input: &DeriveInput, data: &DataEnum) -> TokenStream {
    let mut errors = Errors::default();
    let krate = options(input, &mut errors);
    if !input.generics.params.is_empty() {
        let help = "write an enum for each set of types: `enum Entity { User(User<String>), .. }`";
        errors.report(&input.generics, "an enum of records has no parameters", help);
    }
    let records: Vec<_> =
        data.variants.iter().filter_map(|variant| record(variant, &mut errors)).collect();
    if data.variants.is_empty() {
        let help =
            "name the records that the table holds: `enum Entity { User(User), Order(Order) }`";
        errors.report(&input.ident, "the enum has no variants", help);
    }
    match records.first() {
        Some((_, first)) if errors.is_empty() => {
            as_generated(expand(input, first, &records, &krate))
        }
        _ => {
            let stub = fallback::entities(input, &records, &krate);
            let errors = errors.into_compile_errors();
            quote!(#errors #stub)
        }
    }
}

/// The one option of an enum; all others are those of its records.
fn options(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let mut krate = quote!(::envelope_dynamo);
    let attributes = input.attrs.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE));
    for entry in attributes.flat_map(attr::attribute_entries) {
        if entry.name == option::CRATE {
            krate = crate_path(&entry, errors).unwrap_or(krate);
        } else {
            let problem = format_args!("`{}` is not an option of an enum of records", entry.name);
            errors.report(
                &entry,
                problem,
                "remove it: table, context and marks are those of the records",
            );
        }
    }
    krate
}

/// The name of a variant, and the record in it.
fn record<'a>(variant: &'a Variant, errors: &mut Errors) -> Option<(&'a Ident, &'a Type)> {
    let ident = &variant.ident;
    match &variant.fields {
        Fields::Unnamed(fields) => match fields.unnamed.first() {
            Some(field) if fields.unnamed.len() == 1 => return Some((ident, &field.ty)),
            _ => {}
        },
        Fields::Named(_) | Fields::Unit => {}
    }
    errors.report(
        variant,
        format_args!("the variant `{ident}` is not one record"),
        format_args!("derive `Envelope` on a struct, and write `{ident}({ident})`"),
    );
    None
}

fn expand(
    input: &DeriveInput,
    first: &Type,
    records: &[(&Ident, &Type)],
    krate: &TokenStream,
) -> TokenStream {
    let name = &input.ident;
    let deprecated = allow_deprecated(uses_deprecated(&input.attrs));
    let kinds = records.iter().map(|(_, ty)| quote!(__envelope::Kind::of::<#ty>()));
    let taken = records.iter().map(
        |(variant, _)| quote!(Self::#variant(__record) => __envelope::Entity::take_apart(__record)),
    );
    let opened = records.iter().enumerate().map(|(i, (variant, ty))| {
        let position = if i + 1 == records.len() { quote!(_) } else { quote!(#i) };
        quote! {
            __envelope::Result::Ok(#position) => {
                <#ty as __envelope::Entity>::open(__item, __provider).await.map(Self::#variant)
            }
        }
    });
    let members = records.iter().map(|(_, ty)| quote!(impl __envelope::EntityOf<#name> for #ty {}));
    quote! {
        #[doc(hidden)]
        #deprecated
        const _: () = {
            use #krate::__private as __envelope;

            #[automatically_derived]
            impl __envelope::Entity for #name {
                type First = #first;

                const KINDS: &'static [__envelope::Kind] = &[#(#kinds),*];

                fn take_apart(&self) -> __envelope::Result<__envelope::Unsealed, __envelope::Error> {
                    match self { #(#taken,)* }
                }

                fn open(
                    __item: __envelope::Item,
                    __provider: &(impl __envelope::UnwrapKey + ?__envelope::Sized),
                ) -> impl __envelope::Future<Output = __envelope::Result<Self, __envelope::Error>> + __envelope::Send {
                    async move {
                        match __envelope::Kind::only::<Self>(&__item) {
                            #(#opened)*
                            __envelope::Result::Err(__error) => __envelope::Result::Err(__error),
                        }
                    }
                }

                fn takes(_: &__envelope::Item) -> bool {
                    true
                }
            }

            #(#members)*

            const _: () = __envelope::Kind::assert_alike(<#name as __envelope::Entity>::KINDS);
        };
    }
}

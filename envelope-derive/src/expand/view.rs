//! `impl View`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::respan::here;
use super::scope::scope;
use crate::parse::View;

/// Generates `impl View`.
pub(crate) fn view(view: &View<'_>, record: &Type) -> TokenStream {
    let (name, fields) = (&view.input.ident, &view.fields);
    let names = fields.iter().map(|field| {
        let ident = &field.ident;
        quote!(__envelope::Attribute::name(&__attributes.#ident))
    });
    let values = fields.iter().map(|field| {
        let (ident, ty, place) = (&field.ident, &field.ty, here(field.ty.span()));
        let value = quote_spanned! {place=>
            __envelope::ViewedItem::value::<_, #ty, _>(__item, &__attributes.#ident)?
        };
        quote!(#ident: #value)
    });
    let tokens = quote! {
        #[automatically_derived]
        impl __envelope::View for #name {
            type Record = #record;

            fn names() -> __envelope::Vec<&'static str> {
                let __attributes = <#record as __envelope::Envelope>::attributes();
                __envelope::list([#(#names),*])
            }

            fn read(
                __item: &__envelope::ViewedItem,
            ) -> __envelope::Result<Self, __envelope::ErrorKind> {
                let __attributes = <#record as __envelope::Envelope>::attributes();
                __envelope::Result::Ok(Self { #(#values),* })
            }
        }
    };
    scope(&view.krate, view.uses_deprecated, &tokens)
}

//! `UniqueFields` for a struct with unique search tags, and `Unclaimed` for one without.

use proc_macro2::TokenStream;
use quote::quote;

use super::this::This;
use super::{bounds, search_tags};
use crate::check::Record;
use crate::parse::{Input, SearchTag};

/// The unique search tags.
fn tags(input: &Input) -> impl Iterator<Item = &SearchTag> {
    input.tags.iter().filter(|tag| tag.is_unique)
}

/// The members of `__Uniques`: one for each unique search tag.
pub(super) fn members(input: &Input) -> Vec<TokenStream> {
    let this = This::new(input);
    let mut taken = Vec::new();
    let members = tags(input).filter_map(|tag| {
        let (ident, ty) = (&tag.ident, search_tags::value_type(input, tag, &this));
        // Two tags of one name are a mistake, which is reported already.
        let is_new = !taken.contains(ident);
        taken.push(ident.clone());
        let this = &this.ty;
        is_new.then(|| quote!(pub #ident: __envelope::UniqueField<#this, #ty>))
    });
    members.collect()
}

/// `struct __Uniques`, if there are any.
pub(super) fn definition(record: &Record<'_>) -> Option<TokenStream> {
    let input = record.input;
    let members = members(input);
    let (parameters, where_clause) = This::new(input).generics(input);
    (!members.is_empty())
        .then(|| quote!(pub struct __Uniques #parameters #where_clause { #(#members,)* }))
}

/// `impl UniqueFields`, or `impl Unclaimed` if there are none.
pub(super) fn implementation(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let (name, (impl_generics, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
    let where_clause = bounds::where_clause(bounds::predicates(input));
    let fields = tags(input).map(|tag| {
        let (ident, attribute) = (&tag.ident, search_tags::attribute(input, tag, &ty_generics));
        quote!(#ident: __envelope::UniqueField::new(#attribute))
    });
    let mut fields = fields.peekable();
    if fields.peek().is_none() {
        return quote! {
            #[automatically_derived]
            impl #impl_generics __envelope::Unclaimed for #name #ty_generics #where_clause {}
        };
    }
    quote! {
        #[automatically_derived]
        impl #impl_generics __envelope::UniqueFields for #name #ty_generics #where_clause {
            type Uniques = __Uniques #ty_generics;

            fn uniques() -> Self::Uniques {
                __Uniques { #(#fields,)* }
            }
        }
    }
}

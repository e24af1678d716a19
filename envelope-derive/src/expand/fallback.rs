//! The code that replaces the implementation after a mistake. Code that uses the struct compiles
//! with it, so that one mistake is reported only once.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Ident, Type};

use super::keys::value_type;
use super::respan::as_generated;
use super::scope::scope;
use super::search_tags;
use super::this::This;
use super::unique;
use crate::check::{key, key_of_parts};
use crate::marks::Mark;
use crate::names::unraw;
use crate::parse::{ComposedKey, Enum, IndexKey, Input, View};

/// Generates an `impl Envelope` that accepts any key and never runs.
///
/// It has the attributes and indexes of the `parsed` struct, because closures in the user's code
/// name them.
pub(crate) fn record(
    input: &DeriveInput,
    parsed: Option<&Input>,
    krate: &TokenStream,
) -> TokenStream {
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let attributes = parsed.map(attributes).unwrap_or_default();
    let indexes = parsed.map(indexes).unwrap_or_default();
    let uniques = parsed.map(unique::members).unwrap_or_default();
    let (definitions, types) = members(
        input,
        parsed,
        [("__Attributes", attributes), ("__Indexes", indexes), ("__Uniques", uniques)],
    );
    let [attributes, indexes, uniques] = types;
    let [partition, sort] = parsed.map_or_else(|| [quote!(()), quote!(())], key_types);
    let stub = quote! {
        #definitions

        #[automatically_derived]
        impl #impl_generics __envelope::Envelope for #name #ty_generics #where_clause {
            const NAME: &'static str = "";
            const TABLE: &'static str = "";
            const SCHEMA: __envelope::Schema = __envelope::Schema::new(&[]);
            type Key = __envelope::AnyKey<#partition, #sort>;
            type Attributes = #attributes;

            type Indexes = #indexes;

            fn attributes() -> Self::Attributes {
                loop {}
            }

            fn indexes() -> Self::Indexes {
                loop {}
            }

            fn primary_key() -> __envelope::PrimaryKey<Self> {
                loop {}
            }

            fn serialize<__S: __envelope::serde::Serializer>(
                &self,
                _: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                loop {}
            }

            fn serialize_key<__S: __envelope::serde::Serializer>(
                _: Self::Key,
                _: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                loop {}
            }

            fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
                _: __D,
            ) -> __envelope::Result<Self::Key, __D::Error> {
                loop {}
            }

            fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
                _: __D,
            ) -> __envelope::Result<Self, __D::Error> {
                loop {}
            }
        }

        #[automatically_derived]
        impl #impl_generics __envelope::AuthenticatedVersion for #name #ty_generics #where_clause {}

        #[automatically_derived]
        impl #impl_generics __envelope::Unversioned for #name #ty_generics #where_clause {}

        #[automatically_derived]
        impl #impl_generics __envelope::Unclaimed for #name #ty_generics #where_clause {}

        #[automatically_derived]
        impl #impl_generics __envelope::UniqueFields for #name #ty_generics #where_clause {
            type Uniques = #uniques;

            fn uniques() -> Self::Uniques {
                loop {}
            }
        }
    };
    scoped(&stub, krate)
}

/// Generates the same for an enum, with its records as members.
pub(crate) fn enumeration(input: &Enum<'_>) -> TokenStream {
    let Enum { input, records, krate, .. } = input;
    let stub = record(input, None, krate);
    let name = &input.ident;
    let (_, ty_generics, _) = input.generics.split_for_impl();
    if !input.generics.params.is_empty() {
        return stub;
    }
    let members = records
        .iter()
        .map(|(_, ty)| quote!(impl __envelope::EntityOf<#name #ty_generics> for #ty {}));
    let members = scoped(&quote!(#(#members)*), krate);
    quote!(#stub #members)
}

/// Generates an `impl View` that never runs.
pub(crate) fn view(view: &View<'_>, record: &Type) -> TokenStream {
    let View { input, krate, .. } = view;
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    let stub = quote! {
        #[automatically_derived]
        impl #impl_generics __envelope::View for #name #ty_generics #where_clause {
            type Record = #record;

            fn names() -> __envelope::Vec<&'static str> {
                loop {}
            }

            fn read(_: &__envelope::ViewedItem) -> __envelope::Result<Self, __envelope::ErrorKind> {
                loop {}
            }
        }
    };
    scoped(&stub, krate)
}

/// The fallback code in its scope.
fn scoped(stub: &TokenStream, krate: &TokenStream) -> TokenStream {
    as_generated(scope(krate, true, stub))
}

/// A struct for each list of members, and its type; `()` for an empty list.
fn members<const N: usize>(
    input: &DeriveInput,
    parsed: Option<&Input>,
    lists: [(&str, Vec<TokenStream>); N],
) -> (TokenStream, [TokenStream; N]) {
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let mut definitions = TokenStream::new();
    let types = lists.map(|(name, members)| {
        let (Some(parsed), false) = (parsed, members.is_empty()) else { return quote!(()) };
        let this = This::new(parsed);
        let name = Ident::new(name, proc_macro2::Span::call_site());
        let (parameters, where_clause) = this.generics(parsed);
        definitions.extend(quote!(pub struct #name #parameters #where_clause { #(#members,)* }));
        quote!(#name #ty_generics)
    });
    (definitions, types)
}

/// Every field as a plaintext attribute, which all calls accept. Other mistakes with it are
/// reported once this one is mended.
fn attributes(parsed: &Input) -> Vec<TokenStream> {
    let this = This::new(parsed);
    let fields = parsed.fields.iter().map(|field| {
        let (vis, ident, ty, this) =
            (&field.vis, &field.ident, this.replace_self(&field.ty), &this.ty);
        quote!(#vis #ident: __envelope::Attribute<#this, #ty, __envelope::mark::Plaintext>)
    });
    let is_free = |ident: &Ident| parsed.fields.iter().all(|field| field.ident != *ident);
    let keys = parsed.composed.iter().chain(parsed.index_keys());
    let mut composed: Vec<_> = Vec::new();
    for ident in keys.filter_map(ComposedKey::ident).filter(is_free) {
        if !composed.contains(&ident) {
            composed.push(ident);
        }
    }
    let composed = composed.into_iter().map(|ident| {
        let (vis, this) = (&parsed.vis, &this.ty);
        quote! {
            #vis #ident:
                __envelope::Attribute<#this, __envelope::String, __envelope::mark::Plaintext>
        }
    });
    fields.chain(composed).collect()
}

/// Every index, with a key that all calls accept. Of several indexes with one name, only the first.
fn indexes(parsed: &Input) -> Vec<TokenStream> {
    let this = This::new(parsed);
    let [own_partition, _] = key_types(parsed);
    let named = |key: &Ident| {
        if let Some(tag) = parsed.tag_named(key) {
            return Some(search_tags::value_type(parsed, tag, &this));
        }
        let field = parsed.fields.iter().find(|field| unraw(&field.ident) == unraw(key));
        match (field, parsed.composed_key_named(key)) {
            (Some(field), _) => Some(this.replace_self(&field.ty)),
            (None, Some(key)) => Some(this.replace_self(value_type(&key_of_parts(parsed, key)))),
            (None, None) => None,
        }
    };
    let ty = |key: Option<&IndexKey>| match key? {
        IndexKey::Named(key) => named(key),
        IndexKey::Several(keys) => {
            let types = keys.iter().filter_map(named);
            Some(quote!(__envelope::Parts<(#(#types),*)>))
        }
        IndexKey::Composed(key) => Some(this.replace_self(value_type(&key_of_parts(parsed, key)))),
    };
    let mut taken = Vec::new();
    let indexes = parsed.options.indexes.iter().filter_map(|index| {
        let (ident, kind) = (index.ident(), index.kind());
        let is_new = !taken.contains(&ident);
        taken.push(ident.clone());
        let partition = ty(index.partition_key.as_ref()).unwrap_or_else(|| own_partition.clone());
        let sort = ty(index.sort_key.as_ref()).unwrap_or_else(|| quote!(()));
        let key = match &index.sort_key {
            Some(IndexKey::Several(keys)) => {
                let types: Vec<_> = keys.iter().filter_map(named).collect();
                let list = types
                    .into_iter()
                    .rev()
                    .fold(quote!(()), |rest, ty| quote!(__envelope::Then<#ty, #rest>));
                quote!(__envelope::SortedBy<#partition, #list>)
            }
            _ => quote!(__envelope::AnyKey<#partition, #sort>),
        };
        let this = &this.ty;
        is_new.then(|| quote!(pub #ident: __envelope::Index<#this, #key, __envelope::kind::#kind>))
    });
    indexes.collect()
}

/// The types of the keys; `()` for a key that was not parsed.
fn key_types(input: &Input) -> [TokenStream; 2] {
    [Mark::PartitionKey, Mark::SortKey]
        .map(|mark| key(input, mark).map_or_else(|| quote!(()), |key| value_type(&key)))
}

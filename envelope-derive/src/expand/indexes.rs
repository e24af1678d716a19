//! `Envelope::Indexes`: a struct with the secondary indexes. Also the primary key, in the same
//! form.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, TypeGenerics};

use super::copies;
use super::keys::{key_idents, key_pattern, value_type};
use super::this::This;
use crate::check::{Key, Record};
use crate::marks::Mark;
use crate::names::unraw;
use crate::parse::{ComposedKey, Field, Index};

/// `struct __Indexes`, if there are any, and a struct for the parts of each composed key.
pub(super) fn definition(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let this = This::new(input);
    let (parameters, where_clause) = this.generics(input);
    let parts = keys(record).filter(|(mark, _)| composed(record, *mark).is_some());
    let parts = parts.map(|(mark, key)| copies::parts(input, &parts_name(mark), key));
    let indexes = input.options.indexes.iter().map(|index| {
        let (ident, ty, record_type) = (index.ident(), key_type(index, record, &this), &this.ty);
        let kind = index.kind();
        quote!(pub #ident: __envelope::Index<#record_type, #ty, __envelope::kind::#kind>)
    });
    let indexes = (!input.options.indexes.is_empty()).then(|| {
        quote! {
            pub struct __Indexes #parameters #where_clause {
                #(#indexes,)*
            }
        }
    });
    quote!(#(#parts)* #indexes)
}

/// `type Indexes`, `fn indexes` and `fn primary_key`.
pub(super) fn implementation(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let partition = key_attribute(record, Mark::PartitionKey, &record.partition_key, &ty_generics);
    let sort = record
        .typed_sort_key()
        .map(|sort| key_attribute(record, Mark::SortKey, sort, &ty_generics));
    let primary = index_of(&quote!(__envelope::Option::None), &partition, sort.as_ref());
    let indexes = input.options.indexes.iter().map(|index| {
        let attribute = |key: &Ident| quote!(__attributes.#key);
        let partition = match &index.partition_key {
            Some(key) => attribute(key),
            None => quote!(__envelope::Index::partition_key(
                &<Self as __envelope::Envelope>::primary_key()
            )),
        };
        let sort = index.sort_key.as_ref().map(attribute);
        let (ident, name) = (index.ident(), &index.name);
        let value = index_of(&quote!(__envelope::Option::Some(#name)), &partition, sort.as_ref());
        quote!(#ident: #value)
    });
    let attributes = quote!(let __attributes = <Self as __envelope::Envelope>::attributes(););
    let (ty, value) = if input.options.indexes.is_empty() {
        (quote!(__envelope::NoIndexes), quote!(__envelope::NoIndexes))
    } else {
        (quote!(__Indexes #ty_generics), quote!(#attributes __Indexes { #(#indexes,)* }))
    };
    let schemas = input.options.indexes.iter().map(|index| {
        let ident = index.ident();
        quote!(__envelope::Index::schema(&__indexes.#ident))
    });
    let schemas = (!input.options.indexes.is_empty()).then(|| {
        quote! {
            fn index_schemas() -> __envelope::Vec<__envelope::IndexSchema> {
                let __indexes = <Self as __envelope::Envelope>::indexes();
                __envelope::list([#(#schemas),*])
            }
        }
    });
    quote! {
        type Indexes = #ty;

        fn indexes() -> Self::Indexes {
            #value
        }

        #schemas

        fn primary_key() -> __envelope::PrimaryKey<Self> {
            #attributes
            #primary
        }
    }
}

/// The keys whose values are passed in calls.
fn keys<'a>(record: &'a Record<'_>) -> impl Iterator<Item = (Mark, &'a Key<'a>)> {
    let sort = record.typed_sort_key().map(|sort| (Mark::SortKey, sort));
    std::iter::once((Mark::PartitionKey, &record.partition_key)).chain(sort)
}

fn composed<'a>(record: &'a Record<'_>, mark: Mark) -> Option<&'a ComposedKey> {
    record.input.composed_key(mark)
}

fn parts_name(mark: Mark) -> Ident {
    format_ident!("__{}", if mark == Mark::PartitionKey { "PartitionParts" } else { "SortParts" })
}

/// The attribute of a table key: a field's attribute, or one composed of its parts.
fn key_attribute(
    record: &Record<'_>,
    mark: Mark,
    key: &Key<'_>,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let Some(composed) = composed(record, mark) else {
        let fields = key.fields.iter().map(|field| &field.ident);
        return quote!(#(__attributes.#fields)*);
    };
    let (name, parts) = (&composed.name, parts_name(mark));
    let (pattern, idents) = (key_pattern("__part", key), key_idents("__part", key));
    let marker = copies::marker(record.input);
    quote! {
        __envelope::Attribute::<Self, _, __envelope::mark::Key>::composed(#name, |#pattern| {
            let __parts: #parts #ty_generics = #parts { #(#idents,)* #marker };
            __envelope::compose_key::<Self>(#name, &__parts)
        })
    }
}

/// The call that makes an index from its attributes.
fn index_of(
    name: &TokenStream,
    partition: &TokenStream,
    sort: Option<&TokenStream>,
) -> TokenStream {
    match sort {
        None => quote!(__envelope::Index::by_partition(#name, #partition)),
        Some(sort) => quote!(__envelope::Index::by_both(#name, #partition, #sort)),
    }
}

/// The type of an index's key. A local index has the partition key of the table.
fn key_type(index: &Index, record: &Record<'_>, this: &This) -> TokenStream {
    let field = |ident: &Ident| {
        let field = record
            .fields
            .iter()
            .map(|(field, _)| *field)
            .find(|field| unraw(&field.ident) == unraw(ident));
        field.map(|field: &Field| this.replace_self(&field.ty))
    };
    let partition = index.partition_key.as_ref().and_then(field);
    let partition =
        partition.unwrap_or_else(|| this.replace_self(value_type(&record.partition_key)));
    match index.sort_key.as_ref().and_then(field) {
        None => quote!(__envelope::Partition<#partition>),
        Some(sort) => quote!(__envelope::Composite<#partition, #sort>),
    }
}

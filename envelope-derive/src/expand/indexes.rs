//! `Envelope::Indexes`: a struct with the secondary indexes. Also the primary key, in the same
//! form.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, TypeGenerics};

use super::copies;
use super::keys::{key_idents, key_pattern, value_type};
use super::search_tags;
use super::this::This;
use crate::check::{Key, Record, key_of_parts};
use crate::marks::Mark;
use crate::names::unraw;
use crate::parse::{ComposedKey, Field, Index, IndexKey, Input};

/// `struct __Indexes`, if there are any, and a struct for the parts of each composed key.
pub(super) fn definition(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let this = This::new(input);
    let (parameters, where_clause) = this.generics(input);
    let parts = keys(record).filter(|(mark, _)| composed(record, *mark).is_some());
    let of_table = parts.map(|(mark, key)| copies::parts(input, &parts_name(mark), key));
    let index_keys = input.index_keys().into_iter();
    let of_indexes = index_keys
        .map(|key| copies::parts(input, &index_parts_name(input, key), &key_of_parts(input, key)));
    let parts = of_table.chain(of_indexes);
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
        if index.keys().any(|key| matches!(key, IndexKey::Several(_)))
            || sort_list(input, index).is_some()
        {
            let (ident, value) = (index.ident(), index_of_several(record, index, &ty_generics));
            return quote!(#ident: #value);
        }
        let attribute = |key: &IndexKey| index_attribute(record, key, &ty_generics);
        let partition = match &index.partition_key {
            Some(key) => attribute(key),
            None => table_partition_key(record, &ty_generics),
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

/// The keys whose values are passed in calls: a constant sort key only if an index has it too.
fn keys<'a>(record: &'a Record<'_>) -> impl Iterator<Item = (Mark, &'a Key<'a>)> {
    let mut in_indexes = record.input.options.indexes.iter().flat_map(Index::keys);
    let is_in_index = in_indexes.any(|key| match key {
        IndexKey::Named(ident) => {
            table_key(record, ident).is_some_and(|(mark, _)| mark == Mark::SortKey)
        }
        IndexKey::Composed(_) | IndexKey::Several(_) => false,
    });
    let sort = record.sort_key.as_ref().filter(|key| !key.fields.is_empty() || is_in_index);
    let sort = sort.map(|sort| (Mark::SortKey, sort));
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
    composed_attribute(record.input, composed, &parts_name(mark), key, ty_generics)
}

/// The attribute of an index's key: a field's attribute, a composed key of the table, or composed
/// for the index.
fn index_attribute(
    record: &Record<'_>,
    key: &IndexKey,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let input = record.input;
    match key {
        IndexKey::Named(ident) => match table_key(record, ident) {
            Some((mark, key)) => key_attribute(record, mark, key, ty_generics),
            None => field_attribute(input, ident, ty_generics),
        },
        // Only for one attribute; several are made by `index_of_several`.
        IndexKey::Several(fields) => quote!(#(__attributes.#fields)*),
        IndexKey::Composed(key) => {
            let (name, parts) = (index_parts_name(input, key), key_of_parts(input, key));
            composed_attribute(input, key, &name, &parts, ty_generics)
        }
    }
}

/// The attribute of a field, or that of a search tag.
fn field_attribute(input: &Input, ident: &Ident, ty_generics: &TypeGenerics<'_>) -> TokenStream {
    match input.tag_named(ident) {
        Some(tag) => search_tags::attribute(input, tag, ty_generics),
        None => quote!(__attributes.#ident),
    }
}

/// The partition key of the table, which a local index has too.
fn table_partition_key(record: &Record<'_>, ty_generics: &TypeGenerics<'_>) -> TokenStream {
    key_attribute(record, Mark::PartitionKey, &record.partition_key, ty_generics)
}

/// An index with several partition keys, several sort keys, or both.
fn index_of_several(
    record: &Record<'_>,
    index: &Index,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let name = &index.name;
    let partition = match &index.partition_key {
        Some(IndexKey::Several(fields)) => {
            let values: Vec<_> = (0..fields.len()).map(|i| format_ident!("__value_{i}")).collect();
            let fields: Vec<_> = fields
                .iter()
                .map(|field| field_attribute(record.input, field, ty_generics))
                .collect();
            let attributes =
                quote!(let __attributes = <Self as __envelope::Envelope>::attributes(););
            quote! {
                __envelope::PartitionKey::Several {
                    attributes: || {
                        #attributes
                        __envelope::list([
                            #(__envelope::KeyAttribute::partition(&#fields)),*
                        ])
                    },
                    operands: |__envelope::Parts((#(#values),*))| {
                        #attributes
                        __envelope::list([
                            #(__envelope::Attribute::key_operand(&#fields, #values)),*
                        ])
                    },
                }
            }
        }
        Some(key) => {
            let attribute = index_attribute(record, key, ty_generics);
            quote!(__envelope::PartitionKey::One(__envelope::Attribute::in_key(#attribute)))
        }
        None => {
            let attribute = table_partition_key(record, ty_generics);
            quote!(__envelope::PartitionKey::One(__envelope::Attribute::in_key(#attribute)))
        }
    };
    let sort = match (&index.sort_key, sort_list(record.input, index)) {
        (None, _) => quote!(__envelope::Option::None),
        (Some(_), Some(fields)) => {
            let keys = fields.iter().rev().fold(quote!(()), |rest, field| {
                let attribute = field_attribute(record.input, field, ty_generics);
                match record.input.tag_named(field) {
                    None => quote!(__envelope::NextSortKey::new(#attribute, #rest)),
                    Some(_) => quote!(__envelope::NextSearchedKey::new(#attribute, #rest)),
                }
            });
            quote!(__envelope::Option::Some(#keys))
        }
        (Some(key), None) => {
            let attribute = index_attribute(record, key, ty_generics);
            quote!(__envelope::Option::Some(__envelope::Attribute::in_key(#attribute)))
        }
    };
    quote!(__envelope::Index::by_several(__envelope::Option::Some(#name), #partition, #sort))
}

/// The fields of a sort key that is a list: of several fields, or of one search tag, which takes
/// other conditions than a field.
fn sort_list<'a>(input: &Input, index: &'a Index) -> Option<&'a [Ident]> {
    match index.sort_key.as_ref()? {
        IndexKey::Several(fields) => Some(fields),
        IndexKey::Named(ident) => input.tag_named(ident).map(|_| std::slice::from_ref(ident)),
        IndexKey::Composed(_) => None,
    }
}

/// The composed key of the table that an index names, unless a field has the name.
fn table_key<'a>(record: &'a Record<'_>, ident: &Ident) -> Option<(Mark, &'a Key<'a>)> {
    if record.input.field(&unraw(ident)).is_some() {
        return None;
    }
    let mark = record.input.composed_key_named(ident)?.mark;
    let key = if mark == Mark::PartitionKey {
        &record.partition_key
    } else {
        record.sort_key.as_ref()?
    };
    Some((mark, key))
}

/// An attribute that is composed of its parts. Without `with`, each part is written as its type is.
fn composed_attribute(
    input: &Input,
    composed: &ComposedKey,
    parts: &Ident,
    key: &Key<'_>,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let name = &composed.name;
    let (pattern, idents) = (key_pattern("__part", key), key_idents("__part", key));
    let marker = copies::marker(input);
    let is_typed = key.fields.iter().all(|field| !field.serde.with.serialize);
    let typed = is_typed.then(|| quote!(.with_typed_parts()));
    quote! {
        __envelope::Attribute::<Self, _, __envelope::mark::Key>::composed(#name, |#pattern| {
            let __parts: #parts #ty_generics = #parts { #(#idents,)* #marker };
            __envelope::compose_key::<Self>(#name, &__parts)
        }) #typed
    }
}

/// The name of the struct for the parts of an index's key.
fn index_parts_name(input: &Input, key: &ComposedKey) -> Ident {
    let keys = input.index_keys();
    let position = keys.iter().position(|other| other.name.value == key.name.value);
    format_ident!("__IndexParts{}", position.unwrap_or_default())
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
    let named = |ident: &Ident| {
        if let Some((_, key)) = table_key(record, ident) {
            return Some(this.replace_self(value_type(key)));
        }
        if let Some(tag) = record.input.tag_named(ident) {
            return Some(search_tags::value_type(record.input, tag, this));
        }
        let field = record
            .fields
            .iter()
            .map(|(field, _)| *field)
            .find(|field| unraw(&field.ident) == unraw(ident));
        field.map(|field: &Field| this.replace_self(&field.ty))
    };
    let several = |fields: &[Ident]| fields.iter().filter_map(named).collect::<Vec<_>>();
    let key = |key: &IndexKey| match key {
        IndexKey::Named(ident) => named(ident),
        IndexKey::Several(fields) => {
            let types = several(fields);
            Some(quote!(__envelope::Parts<(#(#types),*)>))
        }
        IndexKey::Composed(key) => {
            Some(this.replace_self(value_type(&key_of_parts(record.input, key))))
        }
    };
    let partition = index.partition_key.as_ref().and_then(key);
    let partition =
        partition.unwrap_or_else(|| this.replace_self(value_type(&record.partition_key)));
    if let Some(fields) = sort_list(record.input, index) {
        let sort = fields.iter().rev().fold(quote!(()), |rest, field| {
            let ty = named(field);
            match record.input.tag_named(field) {
                None => quote!(__envelope::Then<#ty, #rest>),
                Some(_) => quote!(__envelope::ThenSearched<#ty, #rest>),
            }
        });
        return quote!(__envelope::SortedBy<#partition, #sort>);
    }
    match index.sort_key.as_ref().and_then(key) {
        None => quote!(__envelope::Partition<#partition>),
        Some(sort) => quote!(__envelope::Composite<#partition, #sort>),
    }
}

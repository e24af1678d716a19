//! The key of a record: its type, and its value in generated code.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::check::{Key, Record};
use crate::parse::Field;

/// `type Key`. If the type is less visible than the struct, the compiler reports that at the
/// field's type.
pub(super) fn key_type(record: &Record<'_>) -> TokenStream {
    let partition = &record.partition_key;
    let place = partition.fields.first().map_or_else(Span::call_site, |field| field.ty.span());
    let partition = value_type(partition);
    match record.typed_sort_key().map(value_type) {
        None => quote_spanned!(place=> type Key = __envelope::Partition<#partition>;),
        Some(sort) => quote_spanned!(place=> type Key = __envelope::Composite<#partition, #sort>;),
    }
}

/// The type of a key's value in calls: the type of its field, or `Parts` of several.
pub(super) fn value_type(key: &Key<'_>) -> TokenStream {
    let types = key.fields.iter().map(|field| &field.ty);
    if key.fields.len() == 1 {
        quote!(#(#types)*)
    } else {
        quote!(__envelope::Parts<(#(#types),*)>)
    }
}

/// The fields of `__Key`.
pub(super) fn key_fields<'a>(record: &'a Record<'_>) -> Vec<(Ident, &'a Field)> {
    let sort = record
        .sort_key
        .iter()
        .flat_map(|key| key_idents("__sort", key).into_iter().zip(&key.fields));
    let partition = key_idents("__partition", &record.partition_key)
        .into_iter()
        .zip(&record.partition_key.fields);
    partition.chain(sort).map(|(ident, field)| (ident, *field)).collect()
}

/// The names of a key's values: `__sort`, or `__sort_0`, `__sort_1`, .. of several parts.
pub(super) fn key_idents(name: &str, key: &Key<'_>) -> Vec<Ident> {
    match key.fields.as_slice() {
        [_] => vec![format_ident!("{name}")],
        fields => (0..fields.len()).map(|i| format_ident!("{name}_{i}")).collect(),
    }
}

/// The pattern and the expression of a key's value: one name, or `Parts` of several.
pub(super) fn key_pattern(name: &str, key: &Key<'_>) -> TokenStream {
    match key_idents(name, key).as_slice() {
        [ident] => quote!(#ident),
        idents => quote!(__envelope::Parts((#(#idents),*))),
    }
}

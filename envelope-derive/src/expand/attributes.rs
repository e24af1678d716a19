//! `Envelope::Attributes`: a struct with an attribute for each stored field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ExprPath, Ident, LitStr, TypeGenerics};

use super::this::This;
use crate::check::Record;
use crate::marks::{LibraryWrites, Mark};
use crate::names::unraw;
use crate::parse::{Entry, Field, Input};

/// The serde entries that decide how a value is written and read.
const CODE: [&str; 4] = ["with", "serialize_with", "deserialize_with", "bound"];

/// `struct __Attributes`, and a wrapper for each value that serde writes or reads by other code
/// than its type's.
pub(super) fn definition(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let this = This::new(input);
    let (parameters, where_clause) = this.generics(input);
    let fields = attributes(record).map(|(field, mark)| {
        let (vis, ident, ty, this) =
            (&field.vis, &field.ident, this.replace_self(&field.ty), &this.ty);
        let mark = mark_type(input, field, mark);
        quote!(#vis #ident: __envelope::Attribute<#this, #ty, __envelope::mark::#mark>)
    });
    let composed = composed(record).map(|(ident, _)| {
        let (vis, this) = (&input.vis, &this.ty);
        quote!(#vis #ident: __envelope::Attribute<#this, __envelope::String, __envelope::mark::Key>)
    });
    let wrappers = attributes(record)
        .filter(|(field, mark)| is_wrapped(field, *mark) || is_wrapped_in_tag(input, field))
        .map(|(field, _)| wrapper(input, field));
    quote! {
        pub struct __Attributes #parameters #where_clause {
            #(#fields,)*
            #(#composed,)*
        }
        #(#wrappers)*
    }
}

/// `type Attributes` and `fn attributes`.
pub(super) fn implementation(record: &Record<'_>) -> TokenStream {
    let (_, ty_generics, _) = record.input.generics.split_for_impl();
    let values = attributes(record).map(|(field, mark)| {
        let (ident, value) = (&field.ident, attribute(record.input, field, mark, &ty_generics));
        quote!(#ident: #value)
    });
    let composed =
        composed(record).map(|(ident, name)| quote!(#ident: __envelope::Attribute::new(#name)));
    let checks = ungrouped(record);
    let optional = optional_fields(record);
    quote! {
        #optional

        type Attributes = __Attributes #ty_generics;

        fn attributes() -> Self::Attributes {
            use __envelope::CheckUngrouped as _;
            #(#checks)*
            __Attributes { #(#values,)* #(#composed,)* }
        }
    }
}

/// `fn optional_fields`: fields with a serde default, and those whose type has a value for an
/// absent attribute.
fn optional_fields(record: &Record<'_>) -> TokenStream {
    let has_default = record.input.serde.default.is_some();
    let fields = record.fields.iter().filter(|(field, _)| !field.serde.skip.deserialize);
    let fields = fields.filter_map(|(field, _)| {
        let (name, ty) = (&field.name.value, &field.ty);
        if has_default || default(field).is_some() {
            return Some(quote!((#name, true)));
        }
        let is_with = field.serde.with.deserialize;
        (!is_with).then(|| quote!((#name, __envelope::MayBeAbsent::<#ty>::__may_be_absent())))
    });
    quote! {
        fn optional_fields() -> __envelope::Vec<&'static str> {
            use __envelope::NotDeserialized as _;
            __envelope::optional([#(#fields),*])
        }
    }
}

/// A call for each field without a group, at its type: the compiler reports the type `Access<..>`
/// there.
fn ungrouped(record: &Record<'_>) -> impl Iterator<Item = TokenStream> {
    let fields = record.fields.iter().filter(|(field, _)| field.group.is_none());
    fields.map(|(field, _)| {
        let (ty, place) = (&field.ty, field.ty.span());
        quote_spanned!(place=> __envelope::Ungrouped::<#ty>::__ungrouped();)
    })
}

/// The mark as a type. A plaintext field in the encryption context counts as authenticated, because
/// the record is bound to its value. A plaintext field in the key of an index has a mark of its
/// own, because an update in place would leave the key as it was.
fn mark_type(input: &Input, field: &Field, mark: Mark) -> TokenStream {
    match mark {
        Mark::PartitionKey | Mark::SortKey | Mark::Key => quote!(Key),
        Mark::Plaintext if field.encryption_context.is_some() => quote!(Authenticated),
        Mark::Plaintext if only_library_writes(field) => quote!(Managed),
        Mark::Plaintext if input.is_part_of_index_key(field) => quote!(InIndexKey),
        Mark::Encrypted | Mark::Authenticated | Mark::Plaintext => quote!(#mark),
    }
}

fn only_library_writes(field: &Field) -> bool {
    field.role().is_some_and(|role| role.library_writes == LibraryWrites::Always)
}

/// The fields that are stored as an attribute of their own, and are both written and read.
fn attributes<'a>(record: &'a Record<'_>) -> impl Iterator<Item = (&'a Field, Mark)> {
    let fields = record.fields.iter().map(|(field, mark)| (*field, *mark));
    fields.filter(|(field, mark)| {
        let skip = &field.serde.skip;
        *mark != Mark::Key && !skip.serialize && !skip.deserialize
    })
}

/// The composed keys, each with its name as an identifier, unless a field or another key has that
/// identifier.
fn composed<'a>(record: &'a Record<'_>) -> impl Iterator<Item = (Ident, &'a str)> {
    let mut taken: Vec<_> = attributes(record).map(|(field, _)| field.ident.clone()).collect();
    let keys = record.input.composed.iter().chain(record.input.index_keys());
    keys.filter_map(move |key| {
        let ident = key.ident().filter(|ident| !taken.contains(ident))?;
        taken.push(ident.clone());
        Some((ident, key.name.value.as_str()))
    })
}

/// Whether the value is written or read by `with` or one of its variants.
fn is_wrapped(field: &Field, mark: Mark) -> bool {
    mark != Mark::Encrypted && (field.serde.with.serialize || field.serde.with.deserialize)
}

/// Whether a search takes the value of the field in its wrapper.
pub(super) fn is_wrapped_in_tag(input: &Input, field: &Field) -> bool {
    field.serde.with.serialize && input.is_part_of_tag(field)
}

/// A struct around one value, which serde writes and reads as in the record.
fn wrapper(input: &Input, field: &Field) -> TokenStream {
    let this = This::new(input);
    let (parameters, where_clause) = this.generics(input);
    let bound = input.serde.entries.iter().filter(|entry| entry.name == "bound");
    let code = field.serde.entries.iter().filter(|entry| CODE.contains(&entry.name.as_str()));
    let (name, ty, this) = (wrapper_name(field), this.replace_self(&field.ty), &this.ty);
    quote! {
        #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
        #[serde(crate = "__envelope::serde", transparent, #(#bound),*)]
        struct #name #parameters #where_clause {
            #[serde(#(#code),*)]
            value: #ty,
            #[serde(skip)]
            marker: __envelope::PhantomData<fn() -> #this>,
        }
    }
}

pub(super) fn wrapper_name(field: &Field) -> syn::Ident {
    format_ident!("__Value_{}", unraw(&field.ident))
}

fn attribute(
    input: &Input,
    field: &Field,
    mark: Mark,
    ty_generics: &TypeGenerics<'_>,
) -> TokenStream {
    let (name, place) = (&field.name.value, field.ty.span());
    if mark == Mark::Encrypted {
        return quote!(__envelope::Attribute::encrypted(#name));
    }
    let attribute = if is_wrapped(field, mark) {
        let wrapper = wrapper_name(field);
        let through = quote! {
            __envelope::Attribute::through(
                #name,
                |value| {
                    let written: #wrapper #ty_generics =
                        #wrapper { value, marker: __envelope::PhantomData };
                    __envelope::to_attribute_value(&written)
                },
                |stored| {
                    __envelope::from_attribute_value(stored)
                        .map(|read: #wrapper #ty_generics| read.value)
                },
            )
        };
        let scalar_type = quote!(__envelope::scalar_type::<#wrapper #ty_generics>);
        quote!(__envelope::Attribute::scalar_type(#through, #scalar_type))
    } else {
        quote_spanned!(place=> __envelope::Attribute::new(#name))
    };
    match default(field) {
        Some(default) => quote!(__envelope::Attribute::or_default(#attribute, #default)),
        None if input.serde.default.is_some() => {
            quote!(__envelope::Attribute::optional(#attribute))
        }
        None => attribute,
    }
}

/// The function that makes the value of an absent field.
fn default(field: &Field) -> Option<TokenStream> {
    if field.serde.default_trait {
        return Some(quote!(__envelope::Default::default));
    }
    let path = field
        .serde
        .entries
        .iter()
        .filter(|entry| entry.name == "default")
        .find_map(Entry::string)?;
    let path = LitStr::parse::<ExprPath>(&path).ok()?;
    Some(quote!(#path))
}

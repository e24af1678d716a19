//! Copies of the struct for serde's own derive: of the whole record, and of its key.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, LitStr};

use super::bounds;
use super::keys::{key_fields, key_idents};
use super::this::This;
use crate::check::{Key, Record};
use crate::names::unraw;
use crate::parse::{ContainerDefault, Entry, Field, Input};

/// A copy of the record, through which serde's derive writes and reads the original.
///
/// The copy has the user's serde attributes, so they mean exactly what serde documents, whether or
/// not the struct derives serde itself.
pub(super) fn record(input: &Input) -> TokenStream {
    let this = This::new(input);
    let predicates = bounds::declared(input).into_iter().chain(bounds::container_default(input));
    let (parameters, where_clause) = this.generics_where(input, predicates);
    let remote = LitStr::new(&input.ident.to_string(), input.ident.span());
    let entries = container_entries(&this, input);
    let fields = input.fields.iter().map(|field| record_field(&this, field));
    let repr = &input.repr;
    quote! {
        #[derive(__envelope::serde::Serialize, __envelope::serde::Deserialize)]
        #[serde(crate = "__envelope::serde", remote = #remote, #(#entries),*)]
        #(#repr)*
        struct __Record #parameters #where_clause {
            #(#fields,)*
        }
    }
}

/// A copy with the key fields only. serde writes and reads them as in the record.
pub(super) fn key(record: &Record<'_>) -> TokenStream {
    let derives = quote!(__envelope::serde::Serialize, __envelope::serde::Deserialize);
    of_key_fields(record.input, &derives, &format_ident!("__Key"), key_fields(record))
}

/// A copy with the fields of one composed key, under a name of its own. serde writes them as in the
/// record.
pub(super) fn parts(input: &Input, name: &Ident, key: &Key<'_>) -> TokenStream {
    let fields = key_idents("__part", key).into_iter().zip(key.fields.iter().copied());
    of_key_fields(input, &quote!(__envelope::serde::Serialize), name, fields)
}

fn of_key_fields<'a>(
    input: &Input,
    derives: &TokenStream,
    name: &Ident,
    fields: impl IntoIterator<Item = (Ident, &'a Field)>,
) -> TokenStream {
    let this = This::new(input);
    let (parameters, where_clause) = this.generics(input);
    let bound = input.serde.entries.iter().filter(|entry| entry.name == "bound");
    let fields = fields.into_iter().map(|(ident, field)| key_field(&this, &ident, field));
    let marker = has_unused_parameters(input).then(|| {
        let ty = &this.ty;
        quote!(#[serde(skip)] __marker: __envelope::PhantomData<fn() -> #ty>,)
    });
    quote! {
        #[derive(#derives)]
        #[serde(crate = "__envelope::serde", #(#bound),*)]
        struct #name #parameters #where_clause {
            #(#fields)*
            #marker
        }
    }
}

/// The value of `__marker` in a copy of the key, if the copy has it.
pub(super) fn marker(input: &Input) -> Option<TokenStream> {
    has_unused_parameters(input).then(|| quote!(__marker: __envelope::PhantomData,))
}

/// Whether the copy of the key may have parameters that its fields do not use. Rust refuses unused
/// type parameters and lifetimes, but allows unused constant parameters.
fn has_unused_parameters(input: &Input) -> bool {
    input.generics.type_params().next().is_some() || input.generics.lifetimes().next().is_some()
}

/// The serde entries of the copy.
fn container_entries(this: &This, input: &Input) -> Vec<TokenStream> {
    let mut entries = Vec::new();
    if !input.serde.is_renamed {
        let name = unraw(&input.ident);
        entries.push(quote!(rename = #name));
    }
    for entry in &input.serde.entries {
        let is_default =
            entry.name == "default" && input.serde.default == Some(ContainerDefault::Trait);
        entries.push(if is_default { container_default(this) } else { entry.to_token_stream() });
    }
    entries
}

/// `default` with a path to the default of the struct. Without a path, serde would call the default
/// of the copy.
fn container_default(this: &This) -> TokenStream {
    let path = format!("<{} as __envelope::Default>::default", this.ty);
    quote!(default = #path)
}

/// A field of the copy of the record.
///
/// serde reports a type that it cannot write or read at the first token of the field. That token
/// therefore gets the span of the type.
fn record_field(this: &This, field: &Field) -> TokenStream {
    let place = field.ty.span();
    let entries = field.serde.entries.iter().map(|entry| field_entry(this, entry));
    let serde =
        (!field.serde.entries.is_empty()).then(|| quote_spanned!(place=> #[serde(#(#entries),*)]));
    let mut ident = field.ident.clone();
    ident.set_span(ident.span().located_at(place));
    let ty = this.replace_self(&field.ty);
    quote!(#serde #ident: #ty)
}

/// A field of the copy of the key, stored under the same name and by the same code.
fn key_field(this: &This, ident: &Ident, field: &Field) -> TokenStream {
    let name = &field.name.value;
    let entries = field.serde.entries.iter().filter(|entry| {
        ["with", "serialize_with", "deserialize_with", "bound"].contains(&entry.name.as_str())
    });
    let ty = this.replace_self(&field.ty);
    quote!(#[serde(rename = #name, #(#entries),*)] #ident: #ty,)
}

/// An entry of a field. `Self` in `skip_serializing_if` becomes the struct; serde calls the
/// function where `Self` is the copy.
fn field_entry(this: &This, entry: &Entry) -> TokenStream {
    let path = (entry.name == "skip_serializing_if").then(|| entry.string()).flatten();
    match path
        .as_ref()
        .and_then(|path| Some((path, path.value().strip_prefix("Self::")?.to_owned())))
    {
        Some((path, rest)) => {
            let path = LitStr::new(&format!("<{}>::{rest}", this.ty), path.span());
            quote!(skip_serializing_if = #path)
        }
        None => entry.to_token_stream(),
    }
}

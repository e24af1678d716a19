//! The code for a record: `impl Envelope`, and the structs that it refers to.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::keys::{key_fields, key_pattern, key_type};
use super::respan::as_generated;
use super::scope::scope;
use super::{attributes, bounds, copies, indexes, schema, serde_checks, unique};
use crate::check::Record;
use crate::marks::{LibraryWrites, Mark, ROLES, Role};
use crate::parse::Field;

/// Generates the code for a record.
pub(crate) fn record(record: &Record<'_>, krate: &TokenStream) -> TokenStream {
    let input = record.input;
    let seconds = input.fields.iter().filter_map(|field| serde_checks::seconds(input, field));
    let written = serde_checks::written(input);
    let (whole, key) = (copies::record(input), copies::key(record));
    let (attributes, indexes) = (attributes::definition(record), indexes::definition(record));
    let (unique, implementation) = (unique::definition(record), implementation(record));
    let tokens = quote! {
        #(#seconds)*
        #written
        #whole
        #key
        #attributes
        #indexes
        #unique
        #implementation
    };
    as_generated(scope(krate, input.uses_deprecated, &tokens))
}

/// The documentation of the implementation for an unprotected struct.
const UNPROTECTED: &str = "**Unprotected**: records of this type are stored as they are. Nothing \
     in them is secret or authentic. Whoever can write the table can write, change and delete them.";

/// `impl Envelope`.
fn implementation(record: &Record<'_>) -> TokenStream {
    let input = record.input;
    let name = &input.ident;
    let (impl_generics, ty_generics, _) = input.generics.split_for_impl();
    let where_clause = bounds::where_clause(bounds::predicates(input));
    let constants = schema::constants(record);
    let (key, attributes) = (key_type(record), attributes::implementation(record));
    let (withheld, apply_managed_fields, markers) =
        (withheld(record), apply_managed_fields(record), markers(record));
    let partition = key_pattern("__partition", &record.partition_key);
    let pattern = match record.typed_sort_key().map(|sort| key_pattern("__sort", sort)) {
        None => quote!(__envelope::Partition { partition: #partition }),
        Some(sort) => quote!(__envelope::Composite { partition: #partition, sort: #sort }),
    };
    let idents: Vec<_> = key_fields(record).into_iter().map(|(ident, _)| ident).collect();
    let indexes = indexes::implementation(record);
    let (marker, unique) = (copies::marker(input), unique::implementation(record));
    let warning = input.options.unprotected.is_some().then(|| quote!(#[doc = #UNPROTECTED]));
    quote! {
        #warning
        #[automatically_derived]
        impl #impl_generics __envelope::Envelope for #name #ty_generics #where_clause {
            #constants
            #key
            #attributes
            #withheld
            #indexes
            #apply_managed_fields

            fn serialize<__S: __envelope::serde::Serializer>(
                &self,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                __Record::serialize(self, __serializer)
            }

            fn serialize_key<__S: __envelope::serde::Serializer>(
                __key: Self::Key,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                let #pattern = __key;
                let __key: __Key #ty_generics = __Key { #(#idents,)* #marker };
                __envelope::serde::Serialize::serialize(&__key, __serializer)
            }

            fn deserialize_key<__D: __envelope::serde::Deserializer<'static>>(
                __deserializer: __D,
            ) -> __envelope::Result<Self::Key, __D::Error> {
                let __key: __envelope::Result<__Key #ty_generics, __D::Error> =
                    __envelope::serde::Deserialize::deserialize(__deserializer);
                __key.map(|__Key { #(#idents,)* .. }| #pattern)
            }

            fn deserialize<__D: __envelope::serde::Deserializer<'static>>(
                __deserializer: __D,
            ) -> __envelope::Result<Self, __D::Error> {
                __Record::deserialize(__deserializer)
            }
        }
        #(#markers)*
        #unique
    }
}

/// `fn withheld`, for a struct with groups. The compiler reports a field in a group whose type is
/// not `Access<..>`, at the type, with the advice of the trait `InGroup`.
fn withheld(record: &Record<'_>) -> Option<TokenStream> {
    let grouped =
        record.fields.iter().filter_map(|(field, _)| Some((field, field.group.as_ref()?)));
    let mut states = grouped
        .map(|(field, group)| {
            let (ident, place) = (&field.ident, field.ty.span());
            let is_withheld =
                quote_spanned!(place=> __envelope::InGroup::is_withheld(&self.#ident));
            quote!((#group, #is_withheld))
        })
        .peekable();
    states.peek()?;
    Some(quote! {
        fn withheld(&self) -> __envelope::Vec<(&'static str, bool)> {
            __envelope::list([#(#states),*])
        }
    })
}

/// `fn apply_managed_fields`, for a struct with fields that the library writes.
fn apply_managed_fields(record: &Record<'_>) -> Option<TokenStream> {
    let is_written = |(field, _): &&(&Field, Mark)| {
        field.role().is_some_and(|role| role.library_writes != LibraryWrites::Never)
    };
    let mut written =
        record.fields.iter().filter(is_written).map(|(field, _)| &field.ident).peekable();
    written.peek()?;
    Some(quote! {
        fn apply_managed_fields(
            &mut self,
            __stored: &__envelope::Item,
        ) -> __envelope::Result<(), __envelope::ValueError> {
            let __attributes = <Self as __envelope::Envelope>::attributes();
            #(self.#written = __envelope::Attribute::read_managed(&__attributes.#written, __stored)?;)*
            __envelope::Result::Ok(())
        }
    })
}

/// The marker traits of the fields' roles, and of the roles that no field has.
fn markers(record: &Record<'_>) -> Vec<TokenStream> {
    let input = record.input;
    let (name, (impl_generics, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
    let where_clause = bounds::where_clause(bounds::predicates(input));
    let traits = record.fields.iter().filter_map(|(field, mark)| (field.role()?.implements)(*mark));
    let has = |role: &Role| {
        record.fields.iter().filter_map(|(field, _)| field.role()).any(|of| of.name == role.name)
    };
    let without = ROLES.into_iter().filter(|role| !has(role));
    let without = without.filter_map(|role| Some(role.implements_without?()));
    let markers = traits.chain(without).map(|marker| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #marker for #name #ty_generics #where_clause {}
        }
    });
    markers.collect()
}

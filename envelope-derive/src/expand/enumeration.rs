//! `impl Entity` for an enum of records.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::respan::as_generated;
use super::scope::scope;
use crate::parse::Enum;

/// Generates `impl Entity`.
pub(crate) fn enumeration(input: &Enum<'_>, first: &Type) -> TokenStream {
    let (name, records) = (&input.input.ident, &input.records);
    let kinds = records.iter().map(|(_, ty)| quote!(__envelope::Kind::of::<#ty>()));
    let taken = records.iter().map(
        |(variant, _)| quote!(Self::#variant(__record) => __envelope::Entity::split(__record)),
    );
    let plain = records.iter().map(
        |(variant, _)| quote!(Self::#variant(__record) => __envelope::Entity::split_plain(__record)),
    );
    let unprotected = records.iter().map(
        |(variant, _)| quote!(Self::#variant(__record) => __envelope::Entity::is_unprotected(__record)),
    );
    let index_keys = records.iter().map(|(variant, _)| {
        quote!(Self::#variant(__record) => {
            __envelope::Entity::mismatched_index_key(__record, __listed)
        })
    });
    let opened = records.iter().enumerate().map(|(i, (variant, ty))| {
        let position = if i + 1 == records.len() { quote!(_) } else { quote!(#i) };
        quote! {
            __envelope::Result::Ok(#position) => {
                <#ty as __envelope::Entity>::open(__item, __provider, __reading)
                    .await
                    .map(Self::#variant)
            }
        }
    });
    let visited = records.iter().map(|(variant, ty)| {
        // Without a second variant, the arm would be unreachable.
        let others = (records.len() > 1).then(|| quote!(_ => __envelope::Option::None,));
        quote! {
            <__V as __envelope::TypeVisitor<Self>>::record::<#ty>(
                __visitor,
                Self::#variant,
                |__entity| match __entity {
                    Self::#variant(__record) => __envelope::Option::Some(__record),
                    #others
                },
            );
        }
    });
    let members = records.iter().map(|(_, ty)| quote!(impl __envelope::EntityOf<#name> for #ty {}));
    // With the span of the record, the compiler reports a record that does not suit the others
    // there.
    let checks = records.iter().enumerate().map(|(i, (_, ty))| {
        quote_spanned! {ty.span()=>
            const _: () = __envelope::Kind::assert_shares_table(
                <#name as __envelope::Entity>::KINDS,
                #i,
            );
        }
    });
    // The bounds are on types without parameters. Without `for`, the compiler would report a record
    // with a version here, and not at the call that refuses it.
    let unversioned =
        records.iter().map(|(_, ty)| quote!(for<'__every> #ty: __envelope::Unversioned));
    let unclaimed = records.iter().map(|(_, ty)| quote!(for<'__every> #ty: __envelope::Unclaimed));
    let tokens = quote! {
        #[automatically_derived]
        impl __envelope::Entity for #name {
            type First = #first;

            const KINDS: &'static [__envelope::Kind] = &[#(#kinds),*];

            fn split(&self) -> __envelope::Result<__envelope::PendingItem, __envelope::Error> {
                match self { #(#taken,)* }
            }

            fn split_plain(
                &self,
            ) -> __envelope::Result<__envelope::PlainItem, __envelope::Error> {
                match self { #(#plain,)* }
            }

            fn open(
                __item: &mut __envelope::Item,
                __provider: &(impl __envelope::UnwrapKey + ?__envelope::Sized),
                __reading: __envelope::Reading<'_>,
            ) -> impl __envelope::Future<Output = __envelope::Result<Self, __envelope::Error>>
                   + __envelope::Send {
                async move {
                    match __envelope::Kind::only::<Self>(__item) {
                        #(#opened)*
                        __envelope::Result::Err(__error) => __envelope::Result::Err(__error),
                    }
                }
            }

            fn mismatched_index_key(
                &self,
                __listed: &__envelope::ListedKeys,
            ) -> __envelope::Option<&'static str> {
                match self { #(#index_keys)* }
            }

            fn is_unprotected(&self) -> bool {
                match self { #(#unprotected,)* }
            }

            fn takes(_: &__envelope::Item) -> bool {
                true
            }

            fn visit_types<__V: __envelope::TypeVisitor<Self>>(__visitor: &mut __V) {
                #(#visited)*
            }
        }

        #(#members)*

        #[automatically_derived]
        impl __envelope::Unversioned for #name where #(#unversioned),* {}

        #[automatically_derived]
        impl __envelope::Unclaimed for #name where #(#unclaimed),* {}

        #(#checks)*
    };
    as_generated(scope(&input.krate, input.uses_deprecated, &tokens))
}

//! Generated items that make the compiler report a type that serde cannot write, at the field.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::bounds;
use super::this::This;
use crate::parse::{Field, Input};

/// The type by which serde stores a field as seconds. It names the field's type only once, so that
/// the compiler reports a wrong type only once.
pub(super) fn seconds(input: &Input, field: &Field) -> Option<TokenStream> {
    let name = field.seconds.as_ref()?;
    let (ty, place) = (This::new(input).replace_self(&field.ty), field.ty.span());
    let codec = quote_spanned!(place=> __envelope::epoch_seconds::seconds::<#ty>());
    Some(quote! {
        struct #name;

        impl #name {
            fn serialize<__S: __envelope::serde::Serializer>(
                __time: &#ty,
                __serializer: __S,
            ) -> __envelope::Result<__S::Ok, __S::Error> {
                __envelope::epoch_seconds::Seconds::serialize(&Self::codec(), __time, __serializer)
            }

            fn deserialize<'de, __D: __envelope::serde::Deserializer<'de>>(
                __deserializer: __D,
            ) -> __envelope::Result<#ty, __D::Error> {
                __envelope::epoch_seconds::Seconds::deserialize(&Self::codec(), __deserializer)
            }

            const fn codec() -> __envelope::epoch_seconds::Seconds<#ty> {
                #codec
            }
        }
    })
}

/// A call for each field, at its type: the compiler reports a type that serde cannot write there.
/// serde's own code would have it reported only at the derive.
pub(super) fn written(input: &Input) -> TokenStream {
    let this = This::new(input);
    let (bare, inline) = bounds::apart(&input.generics);
    let parameters = this.replace_self(bare.split_for_impl().0);
    let predicates = inline.into_iter().chain(bounds::predicates(input));
    let where_clause =
        bounds::where_clause(predicates.map(|predicate| this.replace_self(predicate)));
    let types =
        input.fields.iter().filter(|field| bounds::is_written_by_type(field)).map(|field| {
            let ty = this.replace_self(&field.ty);
            quote_spanned!(field.ty.span()=> __envelope::is_written::<#ty>();)
        });
    quote! {
        const fn __written #parameters () #where_clause {
            #(#types)*
        }
    }
}

//! What stands in for the implementation when there are mistakes: so that code which uses the struct compiles, and one
//! mistake is reported once.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

/// Generates an `impl Envelope` that accepts any key and never runs.
pub(crate) fn expand(input: &DeriveInput, krate: &TokenStream) -> TokenStream {
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[doc(hidden)]
        const _: () = {
            use #krate::__private as __envelope;

            #[automatically_derived]
            impl #impl_generics __envelope::Envelope for #name #ty_generics #where_clause {
                const NAME: &'static str = "";
                const TABLE: &'static str = "";
                const FIELDS: &'static [__envelope::Field] = &[];
                type Key = __envelope::AnyKey;
                type Attributes = ();

                type Indexes = ();

                fn attributes() -> Self::Attributes {}

                fn indexes() -> Self::Indexes {}

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
        };
    }
}

//! The scope of generated code, in which `__envelope` is the crate.

use proc_macro2::TokenStream;
use quote::quote;

/// Puts generated code into a scope of its own. If the user's code may use deprecated items, so may
/// the generated code.
pub(super) fn scope(
    krate: &TokenStream,
    uses_deprecated: bool,
    tokens: &TokenStream,
) -> TokenStream {
    let deprecated = uses_deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #[doc(hidden)]
        #deprecated
        const _: () = {
            use #krate::__private as __envelope;
            #tokens
        };
    }
}

//! The collector of mistakes: all are reported at once, each with a help.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found in one derive input, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Records a mistake at `place`, with what to write instead.
    pub(crate) fn report(
        &mut self,
        place: impl ToTokens,
        problem: impl Display,
        help: impl Display,
    ) {
        self.0.push(syn::Error::new_spanned(place, format_args!("{problem}\nhelp: {help}")));
    }

    /// How many mistakes were found so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` per mistake.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

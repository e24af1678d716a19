//! `#[derive(Envelope)]`.
#![forbid(unsafe_code)]

mod attr;
mod bound;
mod case;
mod check;
mod errors;
mod expand;
mod fallback;
mod field;
mod input;
mod key_type;
mod serde_attr;
mod serde_form;
mod similar;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::errors::Errors;
use crate::input::{Input, Options};

/// Implements `Envelope`.
#[proc_macro_derive(
    Envelope,
    attributes(envelope, partition_key, sort_key, encrypted, authenticated, plaintext, encryption_context, serde)
)]
pub fn derive_envelope(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into()).into()
}

fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let options = Options::parse(&input.ident, &input.attrs, &mut errors);
    let krate = options.crate_path();
    let parsed = Input::parse(&input, options, &mut errors);
    match parsed.as_ref().and_then(|parsed| check::check(parsed, &mut errors)) {
        Some(record) => expand::expand(&record, &krate),
        None => {
            let (errors, stub) = (errors.into_compile_errors(), fallback::expand(&input, &krate));
            quote!(#errors #stub)
        }
    }
}

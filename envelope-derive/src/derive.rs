//! The derives. Each goes through the stages: parse, check, expand. After a mistake, the expansion
//! is the errors and the fallback code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput};

use crate::check;
use crate::errors::Errors;
use crate::expand::{self, fallback};
use crate::parse::{Enum, Input, Options, View};

/// `#[derive(Envelope)]`, on a struct or an enum.
pub(crate) fn envelope(input: &DeriveInput) -> TokenStream {
    match &input.data {
        Data::Enum(data) => enumeration(input, data),
        Data::Struct(_) | Data::Union(_) => record(input),
    }
}

fn record(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(&input.ident, &input.attrs, &mut errors);
    let krate = options.crate_path();
    let parsed = Input::parse(input, options, &mut errors);
    match parsed.as_ref().and_then(|parsed| check::check(parsed, &mut errors)) {
        Some(record) => expand::record(&record, &krate),
        None => failed(errors, &fallback::record(input, parsed.as_ref(), &krate)),
    }
}

fn enumeration(input: &DeriveInput, data: &DataEnum) -> TokenStream {
    let mut errors = Errors::default();
    let parsed = Enum::parse(input, data, &mut errors);
    match parsed.records.first() {
        Some((_, first)) if errors.is_empty() => expand::enumeration(&parsed, first),
        _ => failed(errors, &fallback::enumeration(&parsed)),
    }
}

/// `#[derive(View)]`.
pub(crate) fn view(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let view = View::parse(input, &mut errors);
    match &view.record {
        Some(record) if errors.is_empty() => expand::view(&view, record),
        Some(record) => failed(errors, &fallback::view(&view, record)),
        None => errors.into_compile_errors(),
    }
}

/// The errors, and the code that replaces the generated code.
fn failed(errors: Errors, stub: &TokenStream) -> TokenStream {
    let errors = errors.into_compile_errors();
    quote!(#errors #stub)
}

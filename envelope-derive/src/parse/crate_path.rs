//! The option `crate = ::path`: where generated code finds `envelope_dynamo`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;
use syn::parse::{Parse, ParseStream};

use super::entry::{Entry, Value};
use crate::errors::Errors;

/// The path without the option.
pub(super) fn default() -> TokenStream {
    quote!(::envelope_dynamo)
}

/// The path in `crate = ::path`.
///
/// A relative path is refused: a name in the user's scope could shadow its first segment.
pub(super) fn parse(entry: &Entry, errors: &mut Errors) -> Option<TokenStream> {
    let path = match &entry.value {
        Value::Assigned(value) => syn::parse2::<PathArgument>(value.clone()).ok(),
        _ => None,
    };
    let Some(PathArgument(path)) = path else {
        let path =
            entry.string().map_or_else(|| "::envelope_dynamo".to_owned(), |path| path.value());
        errors.report(entry, "`crate` takes a path", format_args!("write `crate = {path}`"));
        return None;
    };
    let starts_at_crate = path
        .segments
        .first()
        .is_some_and(|segment| segment.ident == "crate" || segment.ident == "$crate");
    if path.leading_colon.is_some() || starts_at_crate {
        return Some(path.into_token_stream());
    }
    let written = path.to_token_stream().to_string().replace(' ', "");
    let help = format_args!(
        "`crate = ::{written}` for a dependency, `crate = crate::{written}` for a module"
    );
    errors.report(&path, format_args!("the path `{written}` is relative"), help);
    // The help names this path first, so the fallback code most likely compiles with it.
    Some(quote!(::#path))
}

struct PathArgument(Path);

impl Parse for PathArgument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(Path::parse_mod_style).map(Self)
    }
}

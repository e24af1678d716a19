//! Gives every token of generated code the hygiene of the derive, and keeps its place in the
//! source.
//!
//! The user's tokens have the hygiene of the `macro_rules!` macro that they came through. So do
//! tokens that are generated with the span of such a token, and then the locals of generated code
//! are not found. Lints use the hygiene too: they would report a copied name a second time, and an
//! `#[allow]` does not help a user who forbids the lint.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Gives all `tokens` the hygiene of the derive.
pub(super) fn as_generated(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().map(token).collect()
}

fn token(mut token: TokenTree) -> TokenTree {
    match &mut token {
        TokenTree::Group(group) => {
            let mut copy = Group::new(group.delimiter(), as_generated(group.stream()));
            copy.set_span(here(group.span()));
            return TokenTree::Group(copy);
        }
        // `$crate` is the crate of the user's macro.
        TokenTree::Ident(ident) if ident == "$crate" => {}
        token => token.set_span(here(token.span())),
    }
    token
}

/// The same place in the source, with the hygiene of the derive.
pub(super) fn here(place: Span) -> Span {
    place.resolved_at(Span::call_site())
}

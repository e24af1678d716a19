//! Makes every token of generated code the derive's own, at the place in the source where it was.
//!
//! Tokens of the user's keep the marks of the `macro_rules!` macro that they came through, and so
//! do the tokens that are generated at their place: locals of generated code would not be found.
//! And lints judge code by these marks: a name of the user's that is copied would be reported
//! again, where no `#[allow]` helps those who `forbid` the lint.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Resolves all of `tokens` where the derive stands.
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
        // It means the crate of the macro that it came through.
        TokenTree::Ident(ident) if ident == "$crate" => {}
        token => token.set_span(here(token.span())),
    }
    token
}

/// The place in the source, with the names of generated code.
pub(super) fn here(place: Span) -> Span {
    place.resolved_at(Span::call_site())
}

//! The struct's own type and generics, for copies of the struct in generated code.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::bounds;
use crate::parse::Input;

/// The struct's own type, for code in which `Self` is another type.
pub(super) struct This {
    /// `User<'a, T>`
    pub(super) ty: TokenStream,
}

impl This {
    pub(super) fn new(input: &Input) -> Self {
        let (name, (_, ty_generics, _)) = (&input.ident, input.generics.split_for_impl());
        Self { ty: quote!(#name #ty_generics) }
    }

    /// The generics of a copy of the struct: its parameters and its `where` clause.
    pub(super) fn generics(&self, input: &Input) -> (TokenStream, Option<TokenStream>) {
        self.generics_where(input, bounds::declared(input))
    }

    /// The parameters of a copy of the struct, and a `where` clause of these predicates.
    pub(super) fn generics_where(
        &self,
        input: &Input,
        predicates: impl IntoIterator<Item = TokenStream>,
    ) -> (TokenStream, Option<TokenStream>) {
        let parameters = self.replace_self(input.generics.split_for_impl().0);
        let predicates = predicates.into_iter().map(|predicate| self.replace_self(predicate));
        (parameters, bounds::where_clause(predicates))
    }

    /// Replaces `Self`, which inside a copy would be the copy.
    pub(super) fn replace_self(&self, tokens: impl ToTokens) -> TokenStream {
        let mut tokens = tokens.into_token_stream().into_iter().peekable();
        let mut replaced = TokenStream::new();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if ident == "Self" => {
                    let ty = &self.ty;
                    let is_prefix = tokens.peek().is_some_and(starts_path_separator);
                    replaced.extend(if is_prefix { quote!(<#ty>) } else { ty.clone() });
                }
                TokenTree::Group(group) => {
                    let mut copy = Group::new(group.delimiter(), self.replace_self(group.stream()));
                    copy.set_span(group.span());
                    replaced.extend([TokenTree::Group(copy)]);
                }
                token => replaced.extend([token]),
            }
        }
        replaced
    }
}

/// Whether the token is the first of `::`.
fn starts_path_separator(token: &TokenTree) -> bool {
    let TokenTree::Punct(punct) = token else { return false };
    punct.as_char() == ':' && punct.spacing() == Spacing::Joint
}

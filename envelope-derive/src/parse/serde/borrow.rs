//! `#[serde(borrow)]` and its lifetimes.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Lifetime, LitStr, Token, Type};

use crate::errors::Errors;
use crate::parse::entry::Entry;

/// The lifetimes in `'a + 'b`.
pub(crate) fn lifetimes(string: &LitStr) -> Option<Vec<Lifetime>> {
    let lifetimes =
        string.parse_with(Punctuated::<Lifetime, Token![+]>::parse_separated_nonempty).ok()?;
    Some(lifetimes.into_iter().collect())
}

/// Checks that the type has the lifetimes that `borrow` names.
pub(crate) fn lifetimes_exist(entry: &Entry, ty: &Type, errors: &mut Errors) -> bool {
    if entry.name != "borrow" {
        return true;
    }
    let there = lifetimes_of(ty.to_token_stream());
    if there.is_empty() {
        let problem = "`#[serde(borrow)]` is on a type without lifetimes";
        errors.report(entry, problem, "remove it");
        return false;
    }
    let asked = entry.string().and_then(|string| lifetimes(&string)).unwrap_or_default();
    let missing = asked.iter().find(|lifetime| !there.contains(&lifetime.ident.to_string()));
    if let Some(lifetime) = missing {
        let problem = format_args!(
            "`#[serde(borrow)]` names `{lifetime}`, which the field's type does not have"
        );
        errors.report(
            entry,
            problem,
            "write `#[serde(borrow)]` to borrow for all lifetimes of the type",
        );
    }
    missing.is_none()
}

/// The names of the lifetimes in a type.
fn lifetimes_of(ty: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    let mut after_quote = false;
    for token in ty {
        match token {
            TokenTree::Group(group) => found.extend(lifetimes_of(group.stream())),
            TokenTree::Ident(ident) if after_quote => found.push(ident.to_string()),
            token => {
                after_quote = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\'');
                continue;
            }
        }
        after_quote = false;
    }
    found
}

//! The entries inside the parentheses of an attribute: `name`, `name = value`, `name(..)`.
//!
//! A list is split at its commas, without a grammar for the values. One malformed entry therefore
//! does not hide mistakes in the others, and serde receives its entries exactly as written.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, LitStr, Meta};

use crate::errors::Errors;
use crate::names::{list, similar};

/// One entry of an attribute's list.
pub(crate) struct Entry {
    /// The entry as it was written.
    pub(crate) tokens: TokenStream,
    /// The text before `=` or `(`; without quotes if it is a string literal.
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What follows the name of an entry.
pub(crate) enum Value {
    /// `name`
    Nothing,
    /// `name = tokens`
    Assigned(TokenStream),
    /// `name(tokens)`
    List(TokenStream),
    /// Anything else.
    Malformed,
}

impl Entry {
    fn new(tokens: Vec<TokenTree>) -> Self {
        let end = tokens.iter().position(ends_name).unwrap_or(tokens.len());
        let (head, rest) = tokens.split_at(end);
        let name = match head {
            [TokenTree::Literal(literal)] => unquoted(literal),
            head => head.iter().map(ToString::to_string).collect(),
        };
        let value = match rest {
            [] => Value::Nothing,
            [TokenTree::Group(group)] => Value::List(group.stream()),
            [TokenTree::Punct(_), value @ ..] => Value::Assigned(value.iter().cloned().collect()),
            _ => Value::Malformed,
        };
        Self { tokens: tokens.into_iter().collect(), name, value }
    }

    /// The string literal in `name = ".."`.
    pub(crate) fn string(&self) -> Option<LitStr> {
        match &self.value {
            Value::Assigned(value) => syn::parse2(value.clone()).ok(),
            _ => None,
        }
    }

    /// Whether the name is written as a string literal.
    pub(crate) fn is_quoted(&self) -> bool {
        let first = self.tokens.clone().into_iter().next();
        first.is_some_and(|token| syn::parse2::<LitStr>(token.into_token_stream()).is_ok())
    }
}

impl ToTokens for Entry {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

/// Whether a token ends the name of an entry: `=` or `(`.
fn ends_name(token: &TokenTree) -> bool {
    match token {
        TokenTree::Punct(punct) => punct.as_char() == '=',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        _ => false,
    }
}

fn unquoted(literal: &Literal) -> String {
    syn::parse2::<LitStr>(literal.to_token_stream())
        .map_or_else(|_| literal.to_string(), |literal| literal.value())
}

/// The token inside an invisible group. A `macro_rules!` macro passes a literal in such a group.
fn visible(token: TokenTree) -> TokenTree {
    match &token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            let mut inner = group.stream().into_iter();
            match (inner.next(), inner.next()) {
                (Some(only), None) => visible(only),
                _ => token,
            }
        }
        _ => token,
    }
}

/// Splits a list at its commas.
pub(crate) fn entries(list: TokenStream) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut current = Vec::new();
    for token in list {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                entries.push(std::mem::take(&mut current));
            }
            token => current.push(visible(token)),
        }
    }
    entries.push(current);
    entries.into_iter().filter(|tokens| !tokens.is_empty()).map(Entry::new).collect()
}

/// The entries of `#[name(..)]`; none for `#[name]`.
pub(crate) fn attribute_entries(attribute: &Attribute) -> Vec<Entry> {
    match &attribute.meta {
        Meta::List(list) => entries(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => Vec::new(),
    }
}

/// The name of an attribute that consists of one word.
pub(crate) fn name(attribute: &Attribute) -> Option<String> {
    attribute.path().get_ident().map(ToString::to_string)
}

/// Reports an unknown option. Returns the known option that it resembles, if there is one, so that
/// a misspelt option is not reported a second time as missing.
pub(crate) fn report_unknown_option<'a>(
    entry: &Entry,
    attribute: &str,
    allowed: &[&'a str],
    errors: &mut Errors,
) -> Option<&'a str> {
    let meant = similar(&entry.name, allowed);
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`{attribute}` takes {}", list(allowed)),
    };
    errors.report(entry, format_args!("`{}` is not an option of `{attribute}`", entry.name), help);
    meant
}

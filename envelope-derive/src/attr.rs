//! The names of the attributes, and the entries inside their parentheses.
//!
//! Entries are taken apart without a grammar of their own, so that one malformed entry does not
//! hide the mistakes in the others, and so that whatever serde understands can be handed on to
//! serde as it was written.

use proc_macro2::{Delimiter, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, LitStr, Meta};

use crate::errors::Errors;
use crate::similar::similar;

pub(crate) const ENVELOPE: &str = "envelope";
pub(crate) const ENCRYPTION_CONTEXT: &str = "encryption_context";
pub(crate) const SERDE: &str = "serde";

/// The options of `#[envelope(..)]`.
pub(crate) mod option {
    pub(crate) const TABLE: &str = "table";
    pub(crate) const CRATE: &str = "crate";
    pub(crate) const UNMARKED: &str = "unmarked";
    pub(crate) const KMS_CONTEXT: &str = "kms_context";
    pub(crate) const CONTEXT: &str = "context";
    pub(crate) const ENTITY: &str = "entity";
    pub(crate) const INDEX: &str = "index";
    pub(crate) const ALL: [&str; 7] = [TABLE, UNMARKED, KMS_CONTEXT, CONTEXT, ENTITY, INDEX, CRATE];

    /// The options of `#[partition_key]` and `#[sort_key]` on the struct.
    pub(crate) const NAME: &str = "name";
    pub(crate) const FORMAT: &str = "format";

    /// The option of `#[encrypted]` and `#[authenticated]`.
    pub(crate) const ACCEPT: &str = "accept";
    /// The other option of `#[encrypted]`.
    pub(crate) const GROUP: &str = "group";
}

/// What happens to a field: the attributes of which each stored field carries exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    PartitionKey,
    SortKey,
    /// Stored in a composed key alone.
    Key,
    Encrypted,
    Authenticated,
    Plaintext,
}

impl Mark {
    pub(crate) const ALL: [Self; 6] = [
        Self::PartitionKey,
        Self::SortKey,
        Self::Key,
        Self::Encrypted,
        Self::Authenticated,
        Self::Plaintext,
    ];

    /// The name of the attribute.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::PartitionKey => "partition_key",
            Self::SortKey => "sort_key",
            Self::Key => "key",
            Self::Encrypted => "encrypted",
            Self::Authenticated => "authenticated",
            Self::Plaintext => "plaintext",
        }
    }

    /// The mark whose attribute is written as `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.attribute() == name)
    }

    /// Whether it is that of a key attribute.
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::PartitionKey | Self::SortKey)
    }

    /// The options that the attribute takes in parentheses.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Encrypted => &[option::ACCEPT, option::GROUP],
            Self::Authenticated => &[option::ACCEPT],
            Self::PartitionKey | Self::SortKey | Self::Key | Self::Plaintext => &[],
        }
    }
}

impl ToTokens for Mark {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::PartitionKey => quote!(PartitionKey),
            Self::SortKey => quote!(SortKey),
            Self::Key => quote!(Key),
            Self::Encrypted => quote!(Encrypted),
            Self::Authenticated => quote!(Authenticated),
            Self::Plaintext => quote!(Plaintext),
        });
    }
}

/// One entry of an attribute's list.
pub(crate) struct Entry {
    /// The entry as it was written.
    pub(crate) tokens: TokenStream,
    /// What stands before `=` or `(`; unquoted if it is a string literal.
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

/// The token inside an invisible group, which is how a literal arrives from a `macro_rules!` macro.
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

/// Reports an option that does not exist, with those that do; returns the one that was meant, if
/// that can be told.
pub(crate) fn report_unknown_option<'a>(
    entry: &Entry,
    attribute: &str,
    allowed: &[&'a str],
    errors: &mut Errors,
) -> Option<&'a str> {
    let meant = similar(&entry.name, allowed);
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("`#[{attribute}(..)]` takes {}", list(allowed)),
    };
    errors.report(
        entry,
        format_args!("`{}` is not an option of `#[{attribute}]`", entry.name),
        help,
    );
    meant
}

/// "`a`, `b` and `c`".
pub(crate) fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [words @ .., last] => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", words.join(", "))
        }
    }
}

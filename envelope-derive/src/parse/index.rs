//! The secondary indexes: `index(name = "by_plan", partition_key = plan, sort_key = created)`. A
//! key is a field, or composed of fields.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use super::composed_key::ComposedKey;
use super::entry::{self, Entry, Value};
use crate::errors::Errors;

const NAME: &str = "name";
const PARTITION_KEY: &str = "partition_key";
const SORT_KEY: &str = "sort_key";
const LOCAL: &str = "local";
const OPTIONS: [&str; 4] = [NAME, PARTITION_KEY, SORT_KEY, LOCAL];

/// Attributes of each role in the key of a global index (Amazon DynamoDB Developer Guide,
/// "Multi-attribute keys").
const MAX_ATTRIBUTES: usize = 4;

/// An example for the help of messages.
pub(crate) const EXAMPLE: &str =
    "`index(name = \"by_plan\", partition_key = plan, sort_key = created)`";

/// An index.
pub(crate) struct Index {
    pub(crate) written: TokenStream,
    pub(crate) name: LitStr,
    /// The partition key; `None` for a local index, which has the table's.
    pub(crate) partition_key: Option<IndexKey>,
    pub(crate) sort_key: Option<IndexKey>,
    pub(crate) is_local: bool,
}

/// A key of an index.
pub(crate) enum IndexKey {
    /// A field, or a composed key of the table.
    Named(Ident),
    /// Composed of fields, in an attribute of its own.
    Composed(ComposedKey),
    /// Several fields, each an attribute of the key.
    Several(Vec<Ident>),
}

impl ToTokens for IndexKey {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Named(ident) => ident.to_tokens(tokens),
            Self::Composed(key) => key.to_tokens(tokens),
            Self::Several(fields) => fields.iter().for_each(|field| field.to_tokens(tokens)),
        }
    }
}

impl IndexKey {
    /// The fields that are attributes of the key.
    pub(crate) fn fields(&self) -> &[Ident] {
        match self {
            Self::Named(field) => std::slice::from_ref(field),
            Self::Several(fields) => fields,
            Self::Composed(_) => &[],
        }
    }
}

impl Index {
    /// The keys that are given, the partition key first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &IndexKey> {
        self.partition_key.iter().chain(&self.sort_key)
    }

    /// The keys that are composed of fields.
    pub(crate) fn composed(&self) -> impl Iterator<Item = &ComposedKey> {
        self.keys().filter_map(|key| match key {
            IndexKey::Composed(key) => Some(key),
            IndexKey::Named(_) | IndexKey::Several(_) => None,
        })
    }

    /// The type in `envelope_dynamo::__private::kind`.
    pub(crate) fn kind(&self) -> Ident {
        Ident::new(if self.is_local { "Local" } else { "Global" }, Span::call_site())
    }

    /// The name in Rust code.
    pub(crate) fn ident(&self) -> Ident {
        let name = snake_case(&self.name.value());
        let mut ident = Ident::parse_any
            .parse_str(&name)
            .unwrap_or_else(|_| Ident::new("index", self.name.span()));
        if syn::parse_str::<Ident>(&name).is_err() {
            ident = match name.as_str() {
                "self" | "super" | "crate" => Ident::new(&format!("{name}_"), self.name.span()),
                _ => Ident::new_raw(&name, self.name.span()),
            };
        }
        ident.set_span(self.name.span());
        ident
    }
}

/// Reads one `index(..)`; `None` after a mistake that leaves no usable index.
pub(super) fn parse(entry: &Entry, errors: &mut Errors) -> Option<Index> {
    let Value::List(list) = &entry.value else {
        errors.report(
            entry,
            "`index` takes its options in parentheses",
            format_args!("write {EXAMPLE}"),
        );
        return None;
    };
    let (mut name, mut partition_key, mut sort_key, mut is_local) = (None, None, None, false);
    let mut seen: Vec<&str> = Vec::new();
    for option in entry::entries(list.clone()) {
        let known = OPTIONS.into_iter().find(|known| *known == option.name);
        let Some(known) =
            known.or_else(|| entry::report_unknown_option(&option, "index(..)", &OPTIONS, errors))
        else {
            continue;
        };
        if seen.contains(&known) {
            errors.report(&option, format_args!("`{known}` is given twice"), "keep one of the two");
            continue;
        }
        seen.push(known);
        match known {
            NAME => name = index_name(&option, errors),
            PARTITION_KEY => partition_key = key(&option, errors),
            SORT_KEY => sort_key = key(&option, errors),
            _ => is_local = flag(&option, errors),
        }
    }
    if !seen.contains(&NAME) {
        errors.report(
            entry,
            "the index has no name",
            format_args!("write the name of the index in DynamoDB: {EXAMPLE}"),
        );
    }
    let misses = |option, key: &Option<IndexKey>| seen.contains(&option) && key.is_none();
    if misses(PARTITION_KEY, &partition_key) || misses(SORT_KEY, &sort_key) {
        return None;
    }
    Some(Index { written: entry.to_token_stream(), name: name?, partition_key, sort_key, is_local })
}

fn index_name(option: &Entry, errors: &mut Errors) -> Option<LitStr> {
    let Some(name) = option.string() else {
        errors.report(option, "`name` takes a string", "write `name = \"by_plan\"`");
        return None;
    };
    // Amazon DynamoDB Developer Guide, "Naming rules".
    let value = name.value();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(3..=255).contains(&value.len()) || !value.chars().all(allowed) {
        errors.report(
            &name,
            format_args!("{value:?} is not a valid index name"),
            "use 3 to 255 letters, digits, `_`, `-` and `.`",
        );
        return None;
    }
    Some(name)
}

/// The key in `partition_key = field`, `partition_key = (field, other)` or `partition_key(name =
/// "..", format = "..")`.
fn key(option: &Entry, errors: &mut Errors) -> Option<IndexKey> {
    match &option.value {
        Value::List(list) => {
            ComposedKey::parse_in_index(option, list.clone(), errors).map(IndexKey::Composed)
        }
        Value::Assigned(value) => match parenthesized(value.clone()) {
            Some(list) => several(option, list, errors).map(IndexKey::Several),
            None => field(option, errors).map(IndexKey::Named),
        },
        _ => field(option, errors).map(IndexKey::Named),
    }
}

/// The tokens in `(..)`.
fn parenthesized(value: TokenStream) -> Option<TokenStream> {
    let mut tokens = value.into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Parenthesis => {
            Some(group.stream())
        }
        _ => None,
    }
}

/// The fields in `partition_key = (field, other)`.
fn several(option: &Entry, list: TokenStream, errors: &mut Errors) -> Option<Vec<Ident>> {
    let name = &option.name;
    let fields: Option<Vec<_>> = entry::entries(list)
        .into_iter()
        .map(|entry| Ident::parse_any.parse2(entry.tokens).ok().and_then(field_ident))
        .collect();
    match fields {
        Some(fields) if (2..=MAX_ATTRIBUTES).contains(&fields.len()) => Some(fields),
        Some(fields) => {
            let problem = format_args!(
                "a key of several attributes has 2 to {MAX_ATTRIBUTES} fields, and `{name}` has {}",
                fields.len()
            );
            let help = format_args!("for one attribute write `{name} = plan`, without parentheses");
            errors.report(option, problem, help);
            None
        }
        None => {
            let problem = format_args!("`{name}` takes the names of fields");
            errors.report(option, problem, format_args!("write `{name} = (clinic, doctor)`"));
            None
        }
    }
}

/// The field in `partition_key = field`.
fn field(option: &Entry, errors: &mut Errors) -> Option<Ident> {
    let name = &option.name;
    let Value::Assigned(value) = &option.value else {
        errors.report(
            option,
            format_args!("`{name}` takes the name of a field"),
            format_args!("write `{name} = plan`"),
        );
        return None;
    };
    let ident = Ident::parse_any.parse2(value.clone()).ok().and_then(field_ident);
    if ident.is_none() {
        let help = match option.string() {
            Some(field) => format!("write `{name} = {}`, without quotes", field.value()),
            None => format!("write `{name} = plan`"),
        };
        errors.report(value, format_args!("`{name}` takes the name of a field"), help);
    }
    ident
}

/// The name of a field. A keyword names the field `r#keyword`, but `self`, `super` and `crate`
/// cannot be fields.
pub(super) fn field_ident(ident: Ident) -> Option<Ident> {
    let name = ident.unraw().to_string();
    match name.as_str() {
        "self" | "Self" | "super" | "crate" | "_" => None,
        _ if syn::parse_str::<Ident>(&name).is_ok() => Some(ident),
        _ => Some(Ident::new_raw(&name, ident.span())),
    }
}

fn flag(option: &Entry, errors: &mut Errors) -> bool {
    if !matches!(option.value, Value::Nothing) {
        let help = "write `index(name = \"by_day\", local, sort_key = day)`";
        errors.report(option, format_args!("`{}` takes no value", option.name), help);
    }
    true
}

/// `by-plan.v2` and `ByPlanV2` as `by_plan_v2`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for letter in name.chars() {
        match letter {
            '-' | '.' => snake.push('_'),
            letter if letter.is_ascii_uppercase() => {
                if after_lower {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            letter => {
                if snake.is_empty() && letter.is_ascii_digit() {
                    snake.push('_');
                }
                snake.push(letter);
            }
        }
        after_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_of_indexes_become_names_of_fields() {
        for (index, field) in [
            ("by_plan", "by_plan"),
            ("by-plan", "by_plan"),
            ("ByPlan", "by_plan"),
            ("GSI1", "gsi1"),
            ("gsi1pk-gsi1sk.index", "gsi1pk_gsi1sk_index"),
            ("planCreated", "plan_created"),
            ("2nd", "_2nd"),
        ] {
            assert_eq!(snake_case(index), field);
        }
    }
}

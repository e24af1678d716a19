//! The options of the struct: `#[envelope(table = "users", ..)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::{Attribute, Ident, LitStr, Meta};

use super::crate_path;
use super::entry::{self, Entry, Value};
use super::index::{self, Index};
use super::search_tag::SearchTag;
use crate::errors::Errors;
use crate::marks::{Mark, SEARCHABLE};
use crate::names::Name;

/// The name of the attribute.
pub(super) const ENVELOPE: &str = "envelope";

const TABLE: &str = "table";
pub(super) const CRATE: &str = "crate";
const UNMARKED: &str = "unmarked";
const KMS_CONTEXT: &str = "kms_context";
const CONTEXT: &str = "context";
const ENTITY: &str = "entity";
const INDEX: &str = "index";
const UNPROTECTED: &str = "unprotected";
const ALL: [&str; 9] =
    [TABLE, UNMARKED, KMS_CONTEXT, CONTEXT, ENTITY, INDEX, SEARCHABLE, UNPROTECTED, CRATE];

const NAME_THE_TABLE: &str =
    "name the table that the records belong to: `#[envelope(table = \"users\")]`";

const UNMARKED_VALUES: [(&str, Mark); 2] =
    [("plaintext", Mark::Plaintext), ("encrypted", Mark::Encrypted)];

const KMS_CONTEXT_VALUES: [(&str, ContextForm); 3] =
    [("raw", ContextForm::Raw), ("hashed", ContextForm::Hashed), ("table", ContextForm::Table)];

/// The options of `#[envelope(..)]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) table: Option<LitStr>,
    /// The path of the crate, if it is not `::envelope_dynamo`.
    krate: Option<TokenStream>,
    /// The mark of fields without one.
    pub(crate) unmarked: Option<Mark>,
    pub(crate) context_form: ContextForm,
    pub(crate) context: Vec<Pair>,
    /// The constant attribute that tells the records of this struct from others in the table.
    pub(crate) entity: Option<Pair>,
    pub(crate) indexes: Vec<Index>,
    /// The search tags of several fields.
    pub(crate) searchable: Vec<SearchTag>,
    /// Whether records are stored as they are; the option as it was written.
    pub(crate) unprotected: Option<TokenStream>,
    /// `kms_context` and `context` as they were written: an unprotected struct has neither.
    pub(crate) of_kms: Vec<TokenStream>,
}

/// `kms_context = ".."`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ContextForm {
    #[default]
    Raw,
    Hashed,
    Table,
}

/// A constant name and its value: a pair of the encryption context, or an attribute of the item.
pub(crate) struct Pair {
    pub(crate) name: Name,
    pub(crate) value: LitStr,
}

impl Options {
    /// Reads the `#[envelope(..)]` attributes of the struct `ident`.
    pub(crate) fn parse(ident: &Ident, attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(ENVELOPE)) {
            if let Meta::NameValue(_) = attribute.meta {
                let problem = "the options of `#[envelope]` belong in parentheses";
                errors.report(attribute, problem, "write `#[envelope(table = \"users\")]`");
                seen.push(TABLE);
            }
            for entry in entry::attribute_entries(attribute) {
                options.read(&entry, &mut seen, errors);
            }
        }
        if !seen.contains(&TABLE) {
            errors.report(ident, "the struct does not name its table", NAME_THE_TABLE);
        }
        options
    }

    /// Reads one option. A misspelt option counts as the one that it resembles.
    fn read(&mut self, entry: &Entry, seen: &mut Vec<&str>, errors: &mut Errors) {
        let known = ALL.into_iter().find(|known| *known == entry.name);
        let Some(name) =
            known.or_else(|| entry::report_unknown_option(entry, "#[envelope(..)]", &ALL, errors))
        else {
            return;
        };
        if seen.contains(&name) && ![INDEX, SEARCHABLE].contains(&name) {
            errors.report(entry, format_args!("`{name}` is given twice"), "keep one of the two");
            return;
        }
        seen.push(name);
        if [KMS_CONTEXT, CONTEXT].contains(&name) {
            self.of_kms.push(entry.to_token_stream());
        }
        match name {
            TABLE => self.table = table(entry, errors),
            ENTITY => self.entity = entity(entry, errors),
            CRATE => self.krate = crate_path::parse(entry, errors),
            // After a wrong value here, fields without a mark are not reported too.
            UNMARKED => {
                self.unmarked = choice(entry, &UNMARKED_VALUES, errors).or(Some(Mark::Encrypted))
            }
            KMS_CONTEXT => {
                self.context_form = choice(entry, &KMS_CONTEXT_VALUES, errors).unwrap_or_default()
            }
            INDEX => self.indexes.extend(index::parse(entry, errors)),
            SEARCHABLE => self.searchable.extend(SearchTag::parse_compound(entry, errors)),
            UNPROTECTED => self.unprotected = Some(unprotected(entry, errors)),
            _ => self.context = context(entry, errors),
        }
    }

    /// The path under which generated code finds the crate.
    pub(crate) fn crate_path(&self) -> TokenStream {
        self.krate.clone().unwrap_or_else(crate_path::default)
    }
}

impl ContextForm {
    /// The variant of `envelope_dynamo::message::ContextForm`.
    pub(crate) fn variant(self) -> Ident {
        match self {
            Self::Raw => format_ident!("Raw"),
            Self::Hashed => format_ident!("Hashed"),
            Self::Table => format_ident!("Table"),
        }
    }
}

/// The name in `table = ".."`.
fn table(entry: &Entry, errors: &mut Errors) -> Option<LitStr> {
    let Some(table) = entry.string() else {
        errors.report(entry, "`table` takes a string", NAME_THE_TABLE);
        return None;
    };
    if table.value().is_empty() {
        errors.report(&table, "the table has an empty name", NAME_THE_TABLE);
    }
    Some(table)
}

/// The value that the string in `name = ".."` stands for.
fn choice<T: Copy>(entry: &Entry, allowed: &[(&str, T)], errors: &mut Errors) -> Option<T> {
    let written = entry.string();
    let value = written.as_ref().map(LitStr::value);
    let chosen =
        allowed.iter().find(|(name, _)| value.as_deref() == Some(*name)).map(|(_, value)| *value);
    if chosen.is_none() {
        let allowed: Vec<_> =
            allowed.iter().map(|(name, _)| format!("`{} = {name:?}`", entry.name)).collect();
        let problem = match &value {
            Some(value) => format!("`{}` cannot be {value:?}", entry.name),
            None => format!("`{}` takes a string", entry.name),
        };
        let place = written.map_or_else(|| entry.tokens.clone(), LitStr::into_token_stream);
        errors.report(place, problem, format_args!("choose one of {}", allowed.join(", ")));
    }
    chosen
}

/// The option `unprotected`, which is a word alone.
fn unprotected(entry: &Entry, errors: &mut Errors) -> TokenStream {
    if !matches!(entry.value, Value::Nothing) {
        let help = "write `#[envelope(table = \"shop\", unprotected)]`, or remove the option";
        errors.report(entry, "`unprotected` takes no value", help);
    }
    entry.to_token_stream()
}

/// The pairs in `context(name = "value", "other-name" = "value")`.
fn context(entry: &Entry, errors: &mut Errors) -> Vec<Pair> {
    let Value::List(list) = &entry.value else {
        errors.report(
            entry,
            "`context` takes pairs in parentheses",
            "write `context(purpose = \"billing\")`",
        );
        return Vec::new();
    };
    entry::entries(list.clone()).iter().filter_map(|pair| context_pair(pair, errors)).collect()
}

fn context_pair(entry: &Entry, errors: &mut Errors) -> Option<Pair> {
    let pair = pair(entry);
    if pair.is_none() {
        errors.report(
            entry,
            "each entry of `context` is a name and a string",
            "write `context(purpose = \"billing\", \"cost-center\" = \"42\")`",
        );
    }
    pair
}

/// The attribute and its value in `entity(kind = "order")`.
fn entity(entry: &Entry, errors: &mut Errors) -> Option<Pair> {
    let pairs = match &entry.value {
        Value::List(list) => entry::entries(list.clone()),
        _ => Vec::new(),
    };
    let pair = match pairs.as_slice() {
        [only] => pair(only),
        _ => None,
    };
    if pair.is_none() {
        let problem = "`entity` takes one attribute name and its value, in parentheses";
        errors.report(entry, problem, "write `entity(kind = \"order\")`");
    }
    pair
}

/// `name = "value"`. The name may be a keyword, such as `type`, which many tables have.
fn pair(entry: &Entry) -> Option<Pair> {
    let name = match entry.is_quoted() {
        true => entry.name.clone(),
        false => Ident::parse_any.parse_str(&entry.name).ok()?.unraw().to_string(),
    };
    let value = entry.string()?;
    let span =
        entry.tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span());
    Some(Pair { name: Name { value: name, span }, value })
}

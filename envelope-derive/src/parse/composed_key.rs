//! Composed keys: `#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]` on the
//! struct, and the same in the options of an index.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Ident, LitStr, Meta};

use super::entry::{self, Entry};
use super::format::{Part, Piece, pieces};
use crate::errors::Errors;
use crate::marks::{Mark, OnStruct};
use crate::names::Name;

const NAME: &str = "name";
const FORMAT: &str = "format";

/// A key attribute that is composed of constant text and fields.
pub(crate) struct ComposedKey {
    /// The mark of the generated attribute. The key of an index is not protected.
    pub(crate) mark: Mark,
    pub(crate) name: Name,
    pub(crate) format: LitStr,
    pub(crate) pieces: Vec<Piece>,
    written: TokenStream,
}

/// The separators of parts, as in `envelope-dynamo`. No part contains one of them.
const SEPARATORS: [char; 4] = ['#', '|', '/', ':'];

impl ComposedKey {
    /// Reads the key attributes of the struct.
    pub(super) fn parse_all(attributes: &[Attribute], errors: &mut Errors) -> Vec<Self> {
        let keys = attributes.iter().filter_map(|attribute| {
            let mark = Mark::named(&entry::name(attribute)?)
                .filter(|mark| mark.on_struct() == OnStruct::ComposesKey)?;
            Self::parse(attribute, mark, errors)
        });
        keys.collect()
    }

    fn parse(attribute: &Attribute, mark: Mark, errors: &mut Errors) -> Option<Self> {
        let key = mark.attribute();
        let entries = entry::attribute_entries(attribute);
        let (name, format) = name_and_format(&entries, &format!("#[{key}(..)]"), errors);
        let (Some(name), Some(format), Meta::List(_)) = (name, format, &attribute.meta) else {
            let problem = format_args!("`#[{key}]` on the struct needs `name` and `format`");
            let help = format_args!(
                "write `#[{key}(name = \"{}\", format = \"USER#{{user_id}}\")]`, or move the \
                 attribute to the key field",
                if mark == Mark::PartitionKey { "pk" } else { "sk" }
            );
            errors.report(attribute, problem, help);
            return None;
        };
        Self::new(mark, &name, format, attribute.to_token_stream(), errors)
    }

    /// Reads the key of an index: `partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}")`.
    pub(super) fn parse_in_index(
        option: &Entry,
        list: TokenStream,
        errors: &mut Errors,
    ) -> Option<Self> {
        let key = &option.name;
        let mut entries = entry::entries(list);
        // `partition_key(plan)` is one mistake, not two.
        if !entries.iter().any(|entry| [NAME, FORMAT].contains(&entry.name.as_str())) {
            entries.clear();
        }
        let (name, format) = name_and_format(&entries, &format!("{key}(..)"), errors);
        let (Some(name), Some(format)) = (name, format) else {
            let problem = format_args!("`{key}(..)` of an index needs `name` and `format`");
            let help = format_args!(
                "write `{key}(name = \"{}\", format = \"USER#{{user_id}}\")`, or name a field: \
                 `{key} = plan`",
                if key == Mark::PartitionKey.attribute() { "gsi1pk" } else { "gsi1sk" }
            );
            errors.report(option, problem, help);
            return None;
        };
        Self::new(Mark::Plaintext, &name, format, option.to_token_stream(), errors)
    }

    fn new(
        mark: Mark,
        name: &LitStr,
        format: LitStr,
        written: TokenStream,
        errors: &mut Errors,
    ) -> Option<Self> {
        match pieces(&format.value()) {
            Ok(pieces) => Some(Self { mark, name: Name::from(name), format, pieces, written }),
            Err((problem, help)) => {
                errors.report(&format, problem, help);
                None
            }
        }
    }

    /// The name of the key attribute as an identifier.
    pub(crate) fn ident(&self) -> Option<Ident> {
        let word = |c: char| if c.is_alphanumeric() { c } else { '_' };
        let text: String = self.name.value.chars().map(word).collect();
        syn::parse_str(&text).or_else(|_| syn::parse_str(&format!("_{text}"))).ok()
    }

    /// The placeholders, in order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Part(part) => Some(part),
            Piece::Literal(_) => None,
        })
    }

    /// The pairs of neighbouring parts without a separator between them.
    pub(crate) fn unseparated(&self) -> impl Iterator<Item = (&Part, &Part)> {
        let adjacent = self.pieces.windows(2).filter_map(|pieces| match pieces {
            [Piece::Part(first), Piece::Part(second)] => Some((first, second)),
            _ => None,
        });
        let joined = self.pieces.windows(3).filter_map(|pieces| match pieces {
            [Piece::Part(first), Piece::Literal(text), Piece::Part(second)]
                if !text.contains(SEPARATORS) =>
            {
                Some((first, second))
            }
            _ => None,
        });
        adjacent.chain(joined)
    }
}

/// The values of `name` and `format` in the parentheses of `what`.
fn name_and_format(
    entries: &[Entry],
    what: &str,
    errors: &mut Errors,
) -> (Option<LitStr>, Option<LitStr>) {
    let (mut name, mut format) = (None, None);
    for entry in entries {
        let allowed = [NAME, FORMAT];
        let known = allowed.into_iter().find(|known| *known == entry.name);
        match known.or_else(|| entry::report_unknown_option(entry, what, &allowed, errors)) {
            Some(NAME) => name = entry.string(),
            Some(_) => format = entry.string(),
            None => {}
        }
    }
    (name, format)
}

impl ToTokens for ComposedKey {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.written.to_tokens(tokens);
    }
}

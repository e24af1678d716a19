//! Composed keys: `#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]` on the
//! struct.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Ident, LitStr, Meta};

use super::entry;
use super::format::{Part, Piece, pieces};
use crate::errors::Errors;
use crate::marks::{Mark, OnStruct};
use crate::names::Name;

const NAME: &str = "name";
const FORMAT: &str = "format";

/// A key attribute that is composed of constant text and fields.
pub(crate) struct ComposedKey {
    pub(crate) mark: Mark,
    pub(crate) name: Name,
    pub(crate) format: LitStr,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) attribute: Attribute,
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
        let attribute_name = format!("#[{key}(..)]");
        let (mut name, mut format) = (None, None);
        for entry in &entry::attribute_entries(attribute) {
            let allowed = [NAME, FORMAT];
            let known = allowed.into_iter().find(|known| *known == entry.name);
            match known
                .or_else(|| entry::report_unknown_option(entry, &attribute_name, &allowed, errors))
            {
                Some(NAME) => name = entry.string(),
                Some(_) => format = entry.string(),
                None => {}
            }
        }
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
        let pieces = match pieces(&format.value()) {
            Ok(pieces) => pieces,
            Err((problem, help)) => {
                errors.report(&format, problem, help);
                return None;
            }
        };
        Some(Self { mark, name: Name::from(&name), format, pieces, attribute: attribute.clone() })
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

impl ToTokens for ComposedKey {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.attribute.to_tokens(tokens);
    }
}

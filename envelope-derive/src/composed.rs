//! Composed keys: `#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]` on the
//! struct.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Attribute, Ident, LitStr, Meta};

use crate::attr::{self, Mark, option};
use crate::errors::Errors;
use crate::field::Field;
use crate::input::Name;

/// A key attribute that is made of constant text and fields.
pub(crate) struct ComposedKey {
    pub(crate) mark: Mark,
    pub(crate) name: Name,
    pub(crate) format: LitStr,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) attribute: Attribute,
}

/// The characters that set parts apart, as `envelope-dynamo` has them: no part contains one.
const SEPARATORS: [char; 4] = ['#', '|', '/', ':'];

/// A piece of a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Part(Part),
}

/// `{field}` or `{field:020}` in a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The name of the field in the struct, without `r#`.
    pub(crate) field: String,
    /// The number of digits that it is filled up to with zeros.
    pub(crate) digits: Option<usize>,
}

impl ComposedKey {
    /// Reads the key attributes of the struct.
    pub(crate) fn parse_all(attributes: &[Attribute], errors: &mut Errors) -> Vec<Self> {
        let keys = attributes.iter().filter_map(|attribute| {
            let mark = Mark::named(&attr::name(attribute)?).filter(|mark| mark.is_key())?;
            Self::parse(attribute, mark, errors)
        });
        keys.collect()
    }

    fn parse(attribute: &Attribute, mark: Mark, errors: &mut Errors) -> Option<Self> {
        let key = mark.attribute();
        let (mut name, mut format) = (None, None);
        for entry in &attr::attribute_entries(attribute) {
            let allowed = [option::NAME, option::FORMAT];
            let known = allowed.into_iter().find(|known| *known == entry.name);
            match known.or_else(|| attr::report_unknown_option(entry, key, &allowed, errors)) {
                Some(option::NAME) => name = entry.string(),
                Some(_) => format = entry.string(),
                None => {}
            }
        }
        let (Some(name), Some(format), Meta::List(_)) = (name, format, &attribute.meta) else {
            let problem = format_args!(
                "on the struct, `#[{key}]` composes a key: it takes a name and a format"
            );
            let help = format_args!(
                "`#[{key}(name = \"{}\", format = \"USER#{{user_id}}\")]`, or move it to the field that is the key",
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

    /// Its name as an identifier.
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

    /// The neighbouring parts with no separator between them, and the text between them.
    pub(crate) fn unseparated(&self) -> impl Iterator<Item = (&Part, &str, &Part)> {
        let adjacent = self.pieces.windows(2).filter_map(|pieces| match pieces {
            [Piece::Part(first), Piece::Part(second)] => Some((first, "", second)),
            _ => None,
        });
        let joined = self.pieces.windows(3).filter_map(|pieces| match pieces {
            [Piece::Part(first), Piece::Literal(text), Piece::Part(second)]
                if !text.contains(SEPARATORS) =>
            {
                Some((first, text.as_str(), second))
            }
            _ => None,
        });
        adjacent.chain(joined)
    }

    /// The pieces as an expression, with the names under which the fields are stored.
    pub(crate) fn expand(&self, fields: &[Field]) -> TokenStream {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => quote!(__envelope::Piece::Literal(#text)),
            Piece::Part(part) => {
                let name =
                    fields.iter().find(|field| part.is(field)).map(|field| &field.name.value);
                match part.digits {
                    None => quote!(__envelope::Piece::Part(#name)),
                    Some(digits) => quote!(__envelope::Piece::Padded(#name, #digits)),
                }
            }
        });
        quote!(&[#(#pieces),*])
    }
}

impl ToTokens for ComposedKey {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.attribute.to_tokens(tokens);
    }
}

impl Part {
    pub(crate) fn is(&self, field: &Field) -> bool {
        crate::input::unraw(&field.ident) == self.field
    }
}

/// Takes a format apart; otherwise says what is wrong, and what would be right.
fn pieces(format: &str) -> Result<Vec<Piece>, (String, String)> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        literal.push_str(before);
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            literal.push_str(brace.get(..1).unwrap_or_default());
            rest = after;
        } else if let Some((placeholder, after)) =
            brace.strip_prefix('{').and_then(|open| open.split_once('}'))
        {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Part(part(placeholder)?));
            rest = after;
        } else {
            let problem = "a brace in the format opens or closes nothing".to_owned();
            return Err((
                problem,
                "write `{field}`, or `{{` and `}}` for the braces themselves".to_owned(),
            ));
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// `field` or `field:020`.
fn part(placeholder: &str) -> Result<Part, (String, String)> {
    let (field, spec) = match placeholder.split_once(':') {
        Some((field, spec)) => (field, Some(spec)),
        None => (placeholder, None),
    };
    if Ident::parse_any.parse_str(field).is_err() {
        let problem = format!("`{{{placeholder}}}` does not name a field");
        return Err((
            problem,
            "write the name of a field in the braces: `{order_id}`, `{created:020}`".to_owned(),
        ));
    }
    let digits = match spec
        .map(|spec| spec.strip_prefix('0').and_then(|digits| digits.parse().ok()))
    {
        None => None,
        Some(Some(digits @ 1..=39)) => Some(digits),
        Some(_) => {
            let problem = format!("`{{{placeholder}}}` is not a way to write a part of a key");
            let help = format!(
                "`{{{field}}}`, or `{{{field}:020}}` for an integer that is filled up with zeros to 20 digits (39 at most), so that it sorts"
            );
            return Err((problem, help));
        }
    };
    Ok(Part { field: field.trim_start_matches("r#").to_owned(), digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: &str, digits: Option<usize>) -> Piece {
        Piece::Part(Part { field: field.to_owned(), digits })
    }

    #[test]
    fn a_format_is_text_and_fields() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        assert_eq!(pieces("PROFILE"), Ok(vec![literal("PROFILE")]));
        assert_eq!(pieces("{id}"), Ok(vec![of("id", None)]));
        assert_eq!(
            pieces("A#{a:020}#{b}#"),
            Ok(vec![literal("A#"), of("a", Some(20)), literal("#"), of("b", None), literal("#")])
        );
        assert_eq!(pieces("{{{a}}}"), Ok(vec![literal("{"), of("a", None), literal("}")]));
        assert_eq!(pieces(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_format_is_said_to_be_none() {
        for format in [
            "{", "}", "{a", "a}", "{}", "{:020}", "{a:20}", "{a:>20}", "{a:0}", "{a:00}",
            "{a:040}", "{a b}", "{0}",
        ] {
            assert!(pieces(format).is_err(), "{format}");
        }
    }
}

//! Composed keys: one key attribute made of constant text and fields, and taken apart again.

use std::borrow::Cow;

use envelope_core::ValueError;
use serde::Serialize;

use crate::attribute::{KeySerializer, to_attribute_value};
use crate::error::ErrorKind;

/// Punctuation that does not count as a separator: it stands in identifiers, dates and addresses.
const ORDINARY: [char; 5] = ['-', '_', '.', '@', '+'];

/// How a key attribute is composed: `ORDER#{created:020}#{order_id}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    text: &'static str,
    pieces: &'static [Piece],
}

/// A piece of a composed key.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// Constant text.
    Literal(&'static str),
    /// The field that is stored under this name, as text.
    Part(&'static str),
    /// An integer, filled up with zeros to so many digits.
    Padded(&'static str, usize),
}

/// A part's value as text.
pub(crate) struct Part {
    text: String,
    is_integer: bool,
}

impl Part {
    /// The text of a value: as serde writes it for the key of a map.
    pub(crate) fn of<V: Serialize + ?Sized>(value: &V) -> Result<Self, ValueError> {
        let text = value.serialize(KeySerializer).map_err(|_| NOT_A_PART)?;
        let is_integer = matches!(to_attribute_value(value)?, aws_sdk_dynamodb::types::AttributeValue::N(_));
        Ok(Self { text, is_integer })
    }

    fn padded(&self, digits: usize) -> Result<Cow<'_, str>, &'static str> {
        if !self.is_integer {
            return Err("is filled up with zeros in a composed key, so it must be an integer");
        }
        if self.text.starts_with('-') {
            return Err("is filled up with zeros in a composed key so that it sorts, which a negative number does not");
        }
        if self.text.len() > digits {
            return Err("has more digits than its place in a composed key, so that it would not sort");
        }
        Ok(Cow::Owned(format!("{:0>digits$}", self.text)))
    }
}

const NOT_A_PART: ValueError = ValueError::format(
    "a part of a composed key is a string, a character, an integer, a boolean or an enum variant without data",
);

impl Format {
    /// The pieces of `text`.
    pub(crate) const fn new(text: &'static str, pieces: &'static [Piece]) -> Self {
        Self { text, pieces }
    }

    /// As it was written.
    pub(crate) const fn text(&self) -> &'static str {
        self.text
    }

    /// The constant text with which every key of this format begins.
    pub(crate) fn beginning(&self) -> &'static str {
        match self.pieces.first() {
            Some(Piece::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// Whether there is only one key of this format.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.pieces, [Piece::Literal(_)])
    }

    /// The key of these parts; `None` if one of them is not given.
    ///
    /// # Errors
    ///
    /// When a part could not be told from what surrounds it.
    pub(crate) fn compose<'p>(&self, part: impl Fn(&str) -> Option<&'p Part>) -> Result<Option<String>, ErrorKind> {
        let mut key = String::new();
        let mut texts = Vec::new();
        for piece in self.pieces {
            let name = match piece {
                Piece::Literal(literal) => {
                    key.push_str(literal);
                    continue;
                }
                Piece::Part(name) | Piece::Padded(name, _) => name,
            };
            let Some(part) = part(name) else { return Ok(None) };
            let text = match piece {
                Piece::Padded(_, digits) => part.padded(*digits).map_err(|reason| refused(name, reason))?,
                _ => Cow::Borrowed(part.text.as_str()),
            };
            if text.is_empty() {
                return Err(refused(name, "is a part of a composed key and empty"));
            }
            if text.contains(|c| self.separates(c)) {
                return Err(refused(name, "is a part of a composed key and contains a separator of its format"));
            }
            key.push_str(&text);
            texts.push((*name, text));
        }
        let mut found = self.split(&key).unwrap_or_default().into_iter();
        match texts.iter().find(|(_, text)| found.next().is_none_or(|(_, found)| found != text)) {
            Some((name, _)) => Err(refused(
                name,
                "is a part of a composed key and contains the text that follows it there: the key could not be taken apart",
            )),
            None => Ok(Some(key)),
        }
    }

    /// The parts of a key, by name, as they stand in it; `None` if it is not of this format.
    pub(crate) fn split<'k>(&self, key: &'k str) -> Option<Vec<(&'static str, &'k str)>> {
        let mut rest = key;
        let mut parts = Vec::new();
        let mut pieces = self.pieces.iter().peekable();
        while let Some(piece) = pieces.next() {
            let name = match piece {
                Piece::Literal(literal) => {
                    rest = rest.strip_prefix(literal)?;
                    continue;
                }
                Piece::Part(name) | Piece::Padded(name, _) => name,
            };
            let end = match pieces.peek() {
                Some(Piece::Literal(literal)) => rest.find(literal)?,
                _ => rest.len(),
            };
            let (text, after) = rest.split_at_checked(end)?;
            if text.is_empty() || text.contains(|c| self.separates(c)) {
                return None;
            }
            parts.push((*name, text));
            rest = after;
        }
        rest.is_empty().then_some(parts)
    }

    /// Whether a character sets the parts apart: punctuation of the format, if it is not ordinary in a part.
    fn separates(&self, c: char) -> bool {
        let is_in = |piece: &Piece| matches!(piece, Piece::Literal(literal) if literal.contains(c));
        c.is_ascii_punctuation() && !ORDINARY.contains(&c) && self.pieces.iter().any(is_in)
    }
}

fn refused(part: &str, reason: &'static str) -> ErrorKind {
    ErrorKind::Attribute { attribute: part.to_owned(), reason }
}

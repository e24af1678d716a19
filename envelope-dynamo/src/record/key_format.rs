//! Composed keys: one key attribute that consists of constant text and fields.

use std::borrow::Cow;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;
use serde::Serialize;

use crate::convert::{KeySerializer, to_attribute_value};
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;

/// The characters that separate the parts of composed keys. No part may contain one.
///
/// All formats share one set, so that a value cannot contain a separator that the format of another
/// entity uses. The set omits `-`, `_`, `.`, `@` and `+`, because identifiers and addresses contain
/// them. The derive refuses a format with two parts and no separator between them.
const SEPARATORS: [char; 4] = ['#', '|', '/', ':'];

/// The format of a composed key, such as `ORDER#{created:020}#{order_id}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyFormat {
    text: &'static str,
    pieces: &'static [Piece],
}

/// A piece of a composed key.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// Constant text.
    Literal(&'static str),
    /// The field with this stored name, as text.
    Part(&'static str),
    /// The integer field with this stored name, padded with zeros to this number of digits.
    Padded(&'static str, usize),
}

impl Piece {
    /// The text of the part `name` in a key.
    fn text_of<'p>(&self, name: &str, part: &'p Part) -> Result<Cow<'p, str>, ErrorKind> {
        let text = match self {
            Self::Padded(_, digits) => {
                part.padded(*digits).map_err(|reason| refused(name, reason))?
            }
            Self::Part(_) | Self::Literal(_) => Cow::Borrowed(part.text.as_str()),
        };
        match not_a_part(&text) {
            None => Ok(text),
            Some(reason) => Err(refused(name, reason)),
        }
    }
}

/// The value of a part, as text.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    text: String,
    is_integer: bool,
}

impl Part {
    /// The part of an index's key that a field is stored as; `None` for a field without a value.
    pub(crate) fn of_attribute(attribute: &AttributeValue) -> Result<Option<Self>, ValueError> {
        let is_integer = |number: &str| {
            let digits = number.strip_prefix('-').unwrap_or(number);
            !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        Ok(Some(match attribute {
            AttributeValue::Null(_) => return Ok(None),
            AttributeValue::S(text) => Self { text: text.clone(), is_integer: false },
            AttributeValue::Bool(value) => Self { text: value.to_string(), is_integer: false },
            AttributeValue::N(number) if is_integer(number) => {
                Self { text: number.clone(), is_integer: true }
            }
            _ => return Err(NOT_A_PART),
        }))
    }

    /// Serializes a value to the text that serde would write for a map key.
    pub(crate) fn of<V: Serialize + ?Sized>(value: &V) -> Result<Self, ValueError> {
        let text = value.serialize(KeySerializer::new()).map_err(|_| NOT_A_PART)?;
        let is_integer = matches!(to_attribute_value(value)?, AttributeValue::N(_));
        Ok(Self { text, is_integer })
    }

    fn padded(&self, digits: usize) -> Result<Cow<'_, str>, &'static str> {
        if !self.is_integer {
            return Err("is padded with zeros in a composed key, so it must be an integer");
        }
        if self.text.starts_with('-') {
            return Err("is padded with zeros in a composed key, so it must not be negative: the \
                 key would sort wrongly");
        }
        if self.text.len() > digits {
            return Err(
                "has more digits than its composed key reserves for it, so the key would sort \
                 wrongly",
            );
        }
        Ok(Cow::Owned(format!("{:0>digits$}", self.text)))
    }
}

const NOT_A_PART: ValueError = ValueError::format(
    "a part of a composed key must be a string, a character, an integer, a boolean or an \
     enum variant without data",
);

impl KeyFormat {
    /// Creates the format that was declared as `text` and consists of `pieces`.
    pub(crate) const fn new(text: &'static str, pieces: &'static [Piece]) -> Self {
        Self { text, pieces }
    }

    /// The format with the names under which the parts are stored.
    #[cfg(feature = "maintain")]
    pub(crate) fn stored_text(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.replace('{', "{{").replace('}', "}}"),
            Piece::Part(name) => format!("{{{name}}}"),
            Piece::Padded(name, digits) => format!("{{{name}:0{digits}}}"),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// The format as it was declared.
    pub(crate) const fn text(&self) -> &'static str {
        self.text
    }

    /// Whether both formats have the same text around their parts, so that a key of one matches
    /// the other.
    pub(crate) const fn is_same_form(self, other: Self) -> bool {
        let (mut one, mut two) = (self.pieces, other.pieces);
        while let ([first, rest_one @ ..], [second, rest_two @ ..]) = (one, two) {
            let is_same = match (first, second) {
                (Piece::Literal(first), Piece::Literal(second)) => are_equal(first, second),
                (Piece::Literal(_), _) | (_, Piece::Literal(_)) => false,
                _ => true,
            };
            if !is_same {
                return false;
            }
            (one, two) = (rest_one, rest_two);
        }
        one.is_empty() && two.is_empty()
    }

    /// The names of the fields in the key.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Part(name) | Piece::Padded(name, _) => Some(*name),
        })
    }

    /// The constant text at the start of every key of this format.
    pub(crate) const fn prefix(&self) -> &'static str {
        match self.pieces {
            [Piece::Literal(literal), ..] => literal,
            _ => "",
        }
    }

    /// Whether there is only one key of this format.
    pub(crate) const fn is_constant(&self) -> bool {
        matches!(self.pieces, [Piece::Literal(_)])
    }

    /// Composes the key from its parts; `None` if a part is missing.
    ///
    /// # Errors
    ///
    /// If a part is empty, contains a separator, or cannot be padded.
    pub(crate) fn compose<'p>(
        &self,
        part: impl Fn(&str) -> Option<&'p Part>,
    ) -> Result<Option<String>, ErrorKind> {
        let mut key = String::new();
        for piece in self.pieces {
            let name = match piece {
                Piece::Literal(literal) => {
                    key.push_str(literal);
                    continue;
                }
                Piece::Part(name) | Piece::Padded(name, _) => name,
            };
            let Some(part) = part(name) else { return Ok(None) };
            key.push_str(&piece.text_of(name, part)?);
        }
        Ok(Some(key))
    }

    /// Composes the beginning that all keys with these first parts share, up to the next part. It
    /// ends with the separator after the last of them, so that `7` does not begin `70`. Says
    /// whether it is the whole key.
    ///
    /// # Errors
    ///
    /// As [`compose`](Self::compose).
    pub(crate) fn compose_first(&self, parts: &[Part]) -> Result<(String, bool), ErrorKind> {
        let (mut key, mut parts) = (String::new(), parts.iter());
        for piece in self.pieces {
            match piece {
                Piece::Literal(literal) => key.push_str(literal),
                Piece::Part(name) | Piece::Padded(name, _) => {
                    let Some(part) = parts.next() else { return Ok((key, false)) };
                    key.push_str(&piece.text_of(name, part)?);
                }
            }
        }
        Ok((key, true))
    }

    /// Splits a key into its parts, by name; `None` if the key does not match the format.
    pub(crate) fn split<'k>(&self, key: &'k str) -> Option<Vec<(&'static str, &'k str)>> {
        let mut rest = key;
        let mut parts = Vec::new();
        let mut pieces = self.pieces;
        while let [piece, following @ ..] = pieces {
            pieces = following;
            let name = match piece {
                Piece::Literal(literal) => {
                    rest = rest.strip_prefix(literal)?;
                    continue;
                }
                Piece::Part(name) | Piece::Padded(name, _) => name,
            };
            let end = match following {
                [] => rest.len(),
                [Piece::Literal(last)] => rest.strip_suffix(last)?.len(),
                // The literal contains a separator and a part does not: the first match is right.
                [Piece::Literal(literal), ..] => rest.find(literal)?,
                [Piece::Part(_) | Piece::Padded(..), ..] => return None,
            };
            let (text, after) = rest.split_at_checked(end)?;
            if not_a_part(text).is_some() {
                return None;
            }
            parts.push((*name, text));
            rest = after;
        }
        rest.is_empty().then_some(parts)
    }
}

/// The reason why a text cannot be a part of a composed key, if any.
fn not_a_part(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is a part of a composed key, but empty");
    }
    text.contains(SEPARATORS).then_some(
        "is a part of a composed key, but contains a separator: no part may contain `#`, \
         `|`, `/` or `:`",
    )
}

fn refused(part: &str, reason: &'static str) -> ErrorKind {
    ErrorKind::Usage(UsageError::Attribute { attribute: part.to_owned(), reason })
}

/// `==` of texts, in constants.
pub(crate) const fn are_equal(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let ([first, rest_a @ ..], [second, rest_b @ ..]) = (a, b) {
        if *first != *second {
            return false;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.is_empty() && b.is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    /// A format that the derive accepts: there is a separator between two parts.
    fn format() -> impl Strategy<Value = KeyFormat> {
        let between = "[AB-]{0,1}[#|/:][AB-]{0,1}";
        let literals = ("[AB#-]{0,3}", prop::collection::vec(between, 0..3), "[AB#-]{0,3}");
        literals.prop_map(|(first, between, last)| {
            let mut pieces = vec![Piece::Literal(first.leak()), Piece::Part("a")];
            for (text, name) in between.into_iter().zip(["b", "c"]) {
                pieces.extend([Piece::Literal(text.leak()), Piece::Part(name)]);
            }
            pieces.push(Piece::Literal(last.leak()));
            pieces.retain(|piece| !matches!(piece, Piece::Literal("")));
            KeyFormat::new("", pieces.leak())
        })
    }

    fn parts() -> impl Strategy<Value = [String; 3]> {
        ["[AB-]{1,3}", "[AB-]{1,3}", "[AB-]{1,3}"]
    }

    fn compose(format: KeyFormat, values: &[String; 3]) -> Result<String, ErrorKind> {
        let texts = values.each_ref().map(|text| Part { text: text.clone(), is_integer: false });
        let of = |name: &str| {
            NAMES.iter().zip(&texts).find(|(other, _)| **other == name).map(|(_, part)| part)
        };
        format.compose(of).map(|key| key.expect("all parts are given"))
    }

    /// The parts that the format contains.
    fn named(format: KeyFormat, values: &[String; 3]) -> Vec<(&'static str, &str)> {
        let is_named = |name: &str| {
            format.pieces.iter().any(|piece| matches!(piece, Piece::Part(part) if *part == name))
        };
        let all = NAMES.into_iter().zip(values.iter().map(String::as_str));
        all.filter(|(name, _)| is_named(name)).collect()
    }

    fn separators(format: KeyFormat) -> String {
        let literals = format.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(literal) => Some(*literal),
            _ => None,
        });
        literals.collect::<String>().chars().filter(|c| SEPARATORS.contains(c)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn the_parts_of_a_key_come_back_from_it(format in format(), values in parts()) {
            let key = compose(format, &values).unwrap();
            prop_assert_eq!(format.split(&key), Some(named(format, &values)));
        }

        /// Values change neither the number nor the order of separators, so only the formats decide
        /// whether keys can be equal. If keys are equal, both formats match, and a table that knows
        /// both kinds refuses the key.
        #[test]
        fn keys_of_formats_with_other_separators_are_never_equal(
            one in format(), other in format(), values in parts(), others in parts(),
        ) {
            let (key, second) = (compose(one, &values).unwrap(), compose(other, &others).unwrap());
            let in_key: String = key.chars().filter(|c| SEPARATORS.contains(c)).collect();
            prop_assert_eq!(in_key, separators(one));
            if separators(one) != separators(other) {
                prop_assert_eq!(other.split(&key), None);
                prop_assert_ne!(&key, &second);
            }
            prop_assert!(key != second || other.split(&key).is_some());
        }

        #[test]
        fn different_parts_make_different_keys(
            format in format(), values in parts(), others in parts(),
        ) {
            let same = named(format, &values) == named(format, &others);
            let keys = [values, others].map(|parts| compose(format, &parts).unwrap());
            let [key, other] = keys;
            prop_assert_eq!(key == other, same);
        }

        #[test]
        fn a_separator_is_refused_in_every_part_of_every_format(
            format in format(), values in parts(), separator in "[#|/:]", at in 0..3_usize,
        ) {
            let mut values = values;
            let value = values.get_mut(at).unwrap();
            value.push_str(&separator);
            let is_named = named(format, &values).len() > at;
            prop_assert_eq!(compose(format, &values).is_err(), is_named);
        }
    }

    #[test]
    fn a_part_may_contain_the_characters_of_identifiers() {
        let format = KeyFormat::new("U-{a}", &[Piece::Literal("U-"), Piece::Part("a")]);
        for id in ["a-b_c.d", "zoe+1@example.com", "U-U-", "=~!$%&*(),;?", "ä 秘密"] {
            let values = [id, "", ""].map(str::to_owned);
            assert_eq!(format.split(&compose(format, &values).unwrap()), Some(vec![("a", id)]));
        }
    }
}

//! The position in a query or a scan, as text, so that another process can continue there.

use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::dynamodb::Item;

const VERSION: u8 = 1;

const FINGERPRINT_BYTES: usize = 16;

const CHECKSUM_BYTES: usize = 4;

/// A position in a query or a scan, after the last record that was taken.
///
/// A token is text: it implements `Display`, `FromStr`, and serde's traits. The text has letters,
/// digits, `-` and `_`: about 60 characters, and 4 for every 3 bytes of key. Send it to another
/// process or to a client, and continue later with `.resume(token)`. The records that were taken
/// are not read again.
///
/// ```
/// use envelope_dynamo::ResumeToken;
///
/// // A web service reads the token that its client got with the page before. It comes in the body
/// // of a request: an address would be in logs, and the token has key attributes.
/// let changed = "dGhpcyBpcyBubyB0b2tlbg".parse::<ResumeToken>();
/// assert!(changed.is_err());
/// ```
///
/// A token belongs to one query or scan: the table, the index, the partition, the condition on the
/// sort key, the direction, the segments, and the filter without its values. Any other query or
/// scan refuses it. Limits and page sizes may differ, and so may the values in a filter. For
/// example, `minutes.gt(30)` may continue as `minutes.gt(60)`: records after the position are
/// compared with the new value, and records before it are not read again.
///
/// # Security
///
/// A token contains the key attributes of a record, of the table and of the index, in base64. It
/// also has a digest, without a key, of the query that it belongs to. The partition key and the
/// values of the condition on the sort key are in the digest. So whoever has the token can guess
/// these values and check the guesses. Values of a filter are not in it, and neither are values of
/// encrypted fields. In their place, the token has the search tag, by which nobody can guess
/// without the search key.
///
/// A token of a search continues while search keys are rotated and retired. It may repeat a record
/// that has moved to another search key, and it never skips a record that has stayed.
///
/// A token is not authenticated: whoever makes one up chooses where the query or scan continues,
/// but cannot choose another query or scan.
#[derive(Clone, PartialEq)]
pub struct ResumeToken {
    pub(crate) fingerprint: Fingerprint,
    /// One for each segment.
    pub(crate) positions: Vec<Position>,
}

/// How far a query, or a segment of a scan, was taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Position {
    Start,
    After(Item),
    End,
}

impl Position {
    /// The exclusive start key of the next request.
    pub(crate) fn into_start(self) -> Option<Item> {
        match self {
            Self::After(key) => Some(key),
            Self::Start | Self::End => None,
        }
    }
}

impl ResumeToken {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.fingerprint.0);
        for position in &self.positions {
            match position {
                Position::Start => bytes.push(0),
                Position::End => bytes.push(1),
                Position::After(key) => write_key(key, &mut bytes),
            }
        }
        bytes.extend(checksum(&bytes));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk()?;
        let (version, rest) = body.split_first()?;
        let (fingerprint, mut rest) = rest.split_first_chunk()?;
        if *version != VERSION || checksum(body) != *sum {
            return None;
        }
        let mut positions = Vec::new();
        while !rest.is_empty() {
            positions.push(match take_byte(&mut rest)? {
                0 => Position::Start,
                1 => Position::End,
                attributes => Position::After(read_key(attributes - 2, &mut rest)?),
            });
        }
        Some(Self { fingerprint: Fingerprint(*fingerprint), positions })
    }
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode_to_string(self.to_bytes()))
    }
}

impl FromStr for ResumeToken {
    type Err = ResumeTokenError;

    fn from_str(text: &str) -> Result<Self, ResumeTokenError> {
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| ResumeTokenError(()))?;
        Self::from_bytes(&bytes).ok_or(ResumeTokenError(()))
    }
}

impl Serialize for ResumeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResumeToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Prints no keys.
impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(..)")
    }
}

/// A text is not a [`ResumeToken`], or was cut or changed.
///
/// A text that is a token proves nothing about who made it: see [`ResumeToken`].
///
/// ```
/// use envelope_dynamo::ResumeToken;
///
/// // The status of a web service for `/visits?from=..`.
/// fn status(from: Option<&str>) -> u16 {
///     match from.map(str::parse::<ResumeToken>).transpose() {
///         Ok(_from) => 200, // `.resume(_from)`; the first page without a token
///         Err(_) => 400,    // the client has to start again
///     }
/// }
/// assert_eq!((status(None), status(Some("cut"))), (200, 400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeTokenError(());

impl fmt::Display for ResumeTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not a resume token, or was cut or changed")
    }
}

impl std::error::Error for ResumeTokenError {}

/// A digest of everything that decides which records a query or a scan returns, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; FINGERPRINT_BYTES]);

impl Fingerprint {
    /// The digest of texts and values. Each is preceded by its type and length.
    pub(crate) fn of(texts: &[&str], values: &[AttributeValue]) -> Self {
        let mut described = Vec::new();
        for text in texts {
            write_bytes(b'T', text.as_bytes(), &mut described);
        }
        for value in values {
            write_value(value, &mut described);
        }
        Self(first_bytes(&described))
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    first_bytes(bytes)
}

/// The first bytes of the SHA-256 digest.
fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    std::array::from_fn(|i| digest.get(i).copied().unwrap_or_default())
}

/// Writes the number of attributes plus two, then names and values. A key has at most four
/// attributes.
fn write_key(key: &Item, bytes: &mut Vec<u8>) {
    let mut attributes: Vec<_> = key.iter().collect();
    attributes.sort_unstable_by_key(|(name, _)| *name);
    bytes.push(u8::try_from(attributes.len() + 2).unwrap_or(u8::MAX));
    for (name, value) in attributes {
        write_bytes(b'T', name.as_bytes(), bytes);
        write_value(value, bytes);
    }
}

fn write_value(value: &AttributeValue, bytes: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) => write_bytes(b'S', text.as_bytes(), bytes),
        AttributeValue::N(number) => write_bytes(b'N', number.as_bytes(), bytes),
        AttributeValue::B(blob) => write_bytes(b'B', blob.as_ref(), bytes),
        // DynamoDB has no keys of other types.
        _ => write_bytes(b'?', &[], bytes),
    }
}

fn write_bytes(tag: u8, value: &[u8], bytes: &mut Vec<u8>) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    bytes.push(tag);
    bytes.extend(length.to_be_bytes());
    bytes.extend(value);
}

fn read_key(attributes: u8, rest: &mut &[u8]) -> Option<Item> {
    (0..attributes)
        .map(|_| {
            let (b'T', name) = take_bytes(rest)? else { return None };
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
            let value = match take_bytes(rest)? {
                (b'S', bytes) => AttributeValue::S(text(bytes)?),
                (b'N', bytes) => AttributeValue::N(text(bytes)?),
                (b'B', bytes) => AttributeValue::B(Blob::new(bytes)),
                _ => return None,
            };
            Some((text(name)?, value))
        })
        .collect()
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

fn take_bytes<'b>(rest: &mut &'b [u8]) -> Option<(u8, &'b [u8])> {
    let tag = take_byte(rest)?;
    let (length, others) = rest.split_first_chunk()?;
    let (value, others) = others.split_at_checked(u16::from_be_bytes(*length).into())?;
    *rest = others;
    Some((tag, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            any::<String>().prop_map(AttributeValue::S),
            any::<i64>().prop_map(|number| AttributeValue::N(number.to_string())),
            any::<Vec<u8>>().prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
        ]
    }

    fn position() -> impl Strategy<Value = Position> {
        let key = proptest::collection::hash_map(any::<String>(), value(), 0..4);
        prop_oneof![Just(Position::Start), Just(Position::End), key.prop_map(Position::After)]
    }

    proptest! {
        #[test]
        fn a_token_round_trips_as_text(
            positions in proptest::collection::vec(position(), 0..5),
            text in any::<String>(),
        ) {
            let token = ResumeToken { fingerprint: Fingerprint::of(&[&text], &[]), positions };
            let written = token.to_string();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            prop_assert!(written.chars().all(is_plain));
            prop_assert_eq!(written.parse::<ResumeToken>().unwrap(), token);
        }

        #[test]
        fn a_cut_or_changed_text_is_no_token(
            at in any::<prop::sample::Index>(),
            flip in 1..=255u8,
        ) {
            let key = Item::from([("id".to_owned(), AttributeValue::S("u_1".into()))]);
            let token = ResumeToken {
                fingerprint: Fingerprint::of(&["users"], &[]),
                positions: vec![Position::After(key)],
            };
            let mut bytes = token.to_bytes();
            let at = at.index(bytes.len());
            prop_assert_eq!(ResumeToken::from_bytes(&bytes[..at]), None);
            bytes[at] ^= flip;
            prop_assert_eq!(ResumeToken::from_bytes(&bytes), None);
        }

        #[test]
        fn no_bytes_cause_a_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            let mut whole = bytes.clone();
            whole.extend(checksum(&bytes));
            let _ = ResumeToken::from_bytes(&bytes);
            let _ = ResumeToken::from_bytes(&whole);
            let _ = text.parse::<ResumeToken>();
        }
    }

    #[test]
    fn fingerprints_depend_on_lengths_and_types() {
        assert_ne!(Fingerprint::of(&["ab", "c"], &[]), Fingerprint::of(&["a", "bc"], &[]));
        let (text, number) = (AttributeValue::S("1".into()), AttributeValue::N("1".into()));
        assert_ne!(Fingerprint::of(&[], &[text]), Fingerprint::of(&[], &[number]));
    }

    #[test]
    fn a_token_is_printed_without_its_keys() {
        let key = Item::from([("id".to_owned(), AttributeValue::S("zoe@example.com".into()))]);
        let token = ResumeToken {
            fingerprint: Fingerprint::of(&["users"], &[]),
            positions: vec![Position::After(key)],
        };
        assert_eq!(format!("{token:?}"), "ResumeToken(..)");
        assert_eq!(
            "abc".parse::<ResumeToken>().unwrap_err().to_string(),
            "the text is not a resume token, or was cut or changed"
        );
    }
}

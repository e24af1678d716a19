//! Search tags: how a record is found by an encrypted field (FORMAT 13).
//!
//! A search tag is an HMAC of a field's value under a key that is derived from a [`SearchKey`].
//! Equal values have equal tags, so that an index can find a value that it does not know. This
//! module computes tags. It does no I/O: where search keys come from, and how tags are stored and
//! queried, is not decided here.
//!
//! ```
//! use envelope_core::search::{Definition, SearchKey, SearchValue, Step, Tag};
//!
//! let fields = [("email", &[Step::Trim, Step::AsciiLowercase][..])];
//! let by_email = Definition::new("users", "email", &fields);
//! let key = SearchKey::generate()?;
//! let tagger = key.tagger(&by_email);
//!
//! let stored = tagger.tag(&[SearchValue::Text("zoe@example.com")]).expect("not empty");
//! let asked = tagger.tag(&[SearchValue::Text(" Zoe@Example.com")]).expect("not empty");
//! assert_eq!(stored, asked);
//! assert_eq!(Tag::parse(stored.as_bytes())?.generation(), tagger.generation());
//! assert_eq!(tagger.tag(&[SearchValue::Text("  ")]), None, "an empty value has no tag");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//!
//! Whoever reads storage sees which records have equal values, and how often. Whoever holds a
//! search key can test guesses of values against stored tags, at millions a second. A search key
//! opens no record.

mod definition;
mod key;
mod message;
mod sealed;
mod step;
mod tag;

pub use definition::{Definition, NAME_SEPARATOR, TaggedField, components};
pub use key::{SearchKey, Tagger};
pub use message::{SearchMessage, SearchValue};
pub use step::Step;
pub use tag::{Generation, TAG_BYTES, TAG_PREFIX, Tag};

#[cfg(test)]
mod tests;

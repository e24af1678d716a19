//! Converts Rust values to DynamoDB attributes and back.
//!
//! `#[derive(Envelope)]` uses this conversion for every field that is stored as an attribute. You
//! need this module only for two cases:
//!
//! | to | use |
//! |---|---|
//! | store a field as a DynamoDB set | [`string_set`], [`number_set`], [`binary_set`] |
//! | use a time type of your own for `#[ttl]`, `#[created]` or `#[updated]` | [`EpochSeconds`] |
//!
//! ```
//! use std::collections::BTreeSet;
//!
//! use envelope_dynamo::convert::EpochSeconds;
//! use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item};
//!
//! struct Moment(i64);
//!
//! impl EpochSeconds for Moment {
//!     fn to_epoch_seconds(&self) -> Option<i64> {
//!         Some(self.0)
//!     }
//!
//!     fn from_epoch_seconds(seconds: Option<i64>) -> Option<Self> {
//!         seconds.map(Self)
//!     }
//! }
//!
//! #[derive(Envelope)]
//! #[envelope(table = "articles")]
//! struct Article {
//!     #[partition_key]
//!     article_id: String,
//!     #[encrypted]
//!     text: String,
//!     #[plaintext]
//!     #[serde(with = "envelope_dynamo::convert::string_set")]
//!     #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
//!     tags: BTreeSet<String>,
//!     #[plaintext]
//!     #[ttl]
//!     expires: Moment,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let article = Article {
//!     article_id: "a_1".to_owned(),
//!     text: "not yet published".to_owned(),
//!     tags: BTreeSet::from(["rust".to_owned()]),
//!     expires: Moment(1_800_000_000),
//! };
//! let item = to_item(&article, &LocalKeyProvider::new(RootKey::generate()?)).await?;
//! assert_eq!(item["tags"].as_ss().unwrap(), &["rust"]);
//! assert_eq!(item["expires"].as_n().unwrap(), "1800000000");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # How types are stored
//!
//! Each type is stored as `serde_dynamo` stores it, so a struct that already lives in a table keeps
//! its attributes. Everything that `serde_dynamo` reads is read. Two more cases are read, because
//! otherwise a value could be written but not read again, or an ignored value could make a record
//! unreadable:
//!
//! - The elements of a set may be newtypes or options, as they may be when they are written.
//! - The value of an ignored field is not inspected. Its type may be one that this version of the
//!   AWS SDK does not know.
//!
//! Two cases differ from `serde_dynamo`:
//!
//! - 128-bit integers are stored as numbers. `serde_dynamo` refuses them.
//! - A whole number of more than 64 bits that is read without a requested type becomes a 128-bit
//!   integer. `serde_dynamo` reads the nearest `f64`.

pub(crate) mod absent;
pub(crate) mod de;
pub(crate) mod epoch_seconds;
pub(crate) mod key;
pub(crate) mod number;
pub(crate) mod scalar;
pub(crate) mod searched;
pub(crate) mod ser;
pub(crate) mod sets;
pub(crate) mod storable;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::ValueError;

pub(crate) use crate::convert::absent::absent_value;
pub(crate) use crate::convert::de::Deserializer;
pub use crate::convert::epoch_seconds::EpochSeconds;
pub(crate) use crate::convert::key::{KeyDeserializer, KeySerializer};
pub(crate) use crate::convert::scalar::scalar_type;
pub(crate) use crate::convert::ser::Serializer;
pub use crate::convert::sets::{binary_set, number_set, string_set};
pub(crate) use crate::convert::storable::check_storable;
pub(crate) use crate::convert::value::{
    from_attribute_value, to_attribute_counting, to_attribute_value,
};

/// DynamoDB's name for the type of an attribute.
pub(crate) const fn type_name(attribute: &AttributeValue) -> &'static str {
    match attribute {
        AttributeValue::S(_) => "S",
        AttributeValue::N(_) => "N",
        AttributeValue::B(_) => "B",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::Null(_) => "NULL",
        AttributeValue::L(_) => "L",
        AttributeValue::M(_) => "M",
        AttributeValue::Ss(_) => "SS",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Bs(_) => "BS",
        _ => "an unknown type",
    }
}

/// The maximum nesting of lists and maps: twice what DynamoDB stores (32 levels), and small enough
/// that the recursion fits on any stack.
const MAX_LEVELS: u8 = 64;

/// How many more levels of lists and maps are allowed.
#[derive(Clone, Copy)]
struct Depth(u8);

impl Depth {
    const fn full() -> Self {
        Self(MAX_LEVELS)
    }

    fn descend(self) -> Result<Self, ValueError> {
        self.0.checked_sub(1).map(Self).ok_or(ValueError::format("nested too deeply"))
    }
}

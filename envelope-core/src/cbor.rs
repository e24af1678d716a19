//! CBOR (RFC 8949) as the format uses it: definite lengths, and shortest heads (RFC 8949, section
//! 4.2.1).
//!
//! [`Serializer`] and [`Deserializer`] convert the sealed fields of a record with serde. Both are
//! human-readable in serde's sense. So a type has the same representation whether it is sealed,
//! authenticated or plaintext, and whether or not serde buffers it (`flatten`, tagged and untagged
//! enums). [`FieldWriter`](crate::FieldWriter) and [`read_fields`](crate::read_fields) use them:
//!
//! ```
//! use std::net::IpAddr;
//!
//! use envelope_core::{Content, Context, DataKey, FieldWriter, UntrustedPayload};
//!
//! let (key, context) = (DataKey::generate()?, Context::new("logins"));
//! let mut fields = FieldWriter::new(64, []);
//! fields.field("ip", &IpAddr::from([127, 0, 0, 1]))?;
//! let sealed = fields.finish().seal(Content::Record, &context, &key)?;
//!
//! // A text as in JSON, not the four bytes of a binary format.
//! let plaintext = UntrustedPayload::parse(sealed)?.open(Content::Record, &context, &key)?;
//! assert_eq!(plaintext.expose(), b"\xa1\x62ip\x69127.0.0.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod de;
mod head;
mod ser;
mod skip;

pub use de::Deserializer;
pub use ser::Serializer;

pub(crate) use head::{
    FALSE, NULL, ReadError, Reader, TRUE, UNDEFINED, head_bytes, major, write_head,
};
pub(crate) use skip::skip;

/// How deeply sealed values may nest, when writing and when reading. The limit keeps hostile input
/// from exhausting the stack.
pub const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests;

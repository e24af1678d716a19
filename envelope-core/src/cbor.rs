//! CBOR (RFC 8949) as the format uses it: definite lengths, shortest heads (RFC 8949, section
//! 4.2.1).
//!
//! [`Serializer`] and [`Deserializer`] carry the sealed fields of a record through serde. Both are
//! human-readable in serde's sense, so that a type has one representation whether it is sealed,
//! authenticated or plain, and whether or not serde buffers it on the way (`flatten`, tagged and
//! untagged enums).

mod de;
mod head;
mod ser;
mod skip;

pub use de::Deserializer;
pub use ser::Serializer;

pub(crate) use head::{ReadError, Reader, head_bytes, major, write_head};
pub(crate) use skip::skip;

/// How deeply sealed values may nest, when writing and when reading: deeper input cannot exhaust
/// the stack.
pub const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests;

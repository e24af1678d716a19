//! Field-level encryption for DynamoDB.
#![forbid(unsafe_code)]

mod attribute;
mod key;
mod record;

pub use attribute::{binary_set, number_set, string_set};
pub use envelope_core::ContextForm;
pub use key::{Composite, IntoKey, KeyPart, Partition, RecordKey};
pub use record::{Envelope, Field, Mark};

/// What generated code names; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use ::core::marker::PhantomData;
    pub use ::core::result::Result;
    pub use ::serde;
}

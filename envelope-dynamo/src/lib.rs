//! Field-level encryption for DynamoDB.
#![forbid(unsafe_code)]

mod attribute;
mod binding;
mod error;
mod item;
mod key;
mod kms;
mod marks;
mod read;
mod record;
mod size;
mod table;
mod write;

pub use attribute::{binary_set, number_set, string_set};
pub use envelope_core::{
    ContextError, ContextForm, DataKey, EncryptionContext, Fault, FormatError, GeneratedKey, KeyError, KeyErrorKind,
    KeyFuture, KeyKind, KeyProvider, LocalKeyProvider, OpenError, RootKey, RootKeyError, SealError, UnwrapKey,
    ValueError, WrapKey, WrappedKey,
};
pub use envelope_derive::Envelope;
pub use error::{DynamoDbError, Error, ErrorKind, RecordId};
pub use item::{from_item, to_item};
pub use key::{Composite, IntoKey, KeyPart, Partition, RecordKey};
pub use kms::{KmsKeyProvider, KmsKeyWrapper};
pub use marks::{MarksError, WrittenMarks};
pub use record::{Envelope, Field, Mark};
pub use table::{Delete, Get, Put, Table};

/// What generated code names; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use ::core::default::Default;
    pub use ::core::marker::PhantomData;
    pub use ::core::result::Result;
    pub use ::serde;

    pub use crate::key::AnyKey;
    pub use crate::{Composite, ContextForm, Envelope, Field, Mark, Partition};
}

//! Field-level encryption for DynamoDB: mark the secret fields of a struct, keep the keys in AWS
//! KMS.
//!
//! ```
//! # use aws_sdk_dynamodb::types::AttributeValue;
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
//!
//! #[derive(Debug, PartialEq, Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//!     #[authenticated]
//!     plan: String,
//!     #[plaintext]
//!     logins: u64,
//! }
//!
//! let user = User { user_id: "u_1".into(), email: "zoe@example.com".into(), plan: "pro".into(), logins: 3 };
//!
//! // In production a `KmsKeyProvider`, and a `Table` that puts and gets; here what they rest on.
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let mut item = to_item(&user, &provider).await?;
//! assert!(!item.contains_key("email") && item.contains_key("encrypted_payload"));
//!
//! // Plaintext may be updated in place; what is authenticated may not.
//! item.insert("logins".into(), AttributeValue::N("4".into()));
//! assert_eq!(from_item::<User>(item.clone(), &provider).await?, User { logins: 4, ..user });
//! item.insert("plan".into(), AttributeValue::S("enterprise".into()));
//! assert!(from_item::<User>(item, &provider).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! | to | use |
//! |---|---|
//! | say which fields are sealed | [`derive(Envelope)`](macro@Envelope) |
//! | store and read records | [`Table`] |
//! | read many, and go on where a reading stopped | [`Table::query`], [`Table::scan`], [`Table::index`], [`Records`], [`ResumeToken`] |
//! | store, read or delete many records at once | [`Table::batch_put`], [`Table::batch_get`], [`Table::batch_delete`] |
//! | demand something of a record, or change it in place | [`Condition`], [`Table::update`], [`AttributePath`], [`Envelope::attribute`] |
//! | read some readable attributes without the data key | [`derive(View)`](macro@View), [`Table::view`] |
//! | read or write records of several types together | [`transact_get()`], [`transact_write()`] |
//! | seal and open items of your own | [`to_item()`], [`from_item()`] |
//! | have KMS wrap the data keys | [`KmsKeyProvider`], [`KmsKeyWrapper`] for a service that only writes |
//! | write and read thousands of records per call to KMS | [`HierarchicalKeyProvider`], [`BranchKeyTable`] |
//! | read the same records again and again, or write in bursts | [`CachedKeyProvider`], [`SharedKeyProvider`] |
//! | let some readers see only some of the fields | [`Access`], [`GroupKeyProvider`] |
//! | let several regions or partners read | [`MultiKeyProvider`], [`KmsRsaKey`], `RsaRecipient` (feature `rsa`) |
//! | move data keys to another key | [`Table::rewrap`]; [`KmsKeyProvider::rewrap`], [`rewrap()`], [`item_context()`] for items of your own |
//! | create a table for tests | [`Table::create_table`] |
//! | test without KMS | [`LocalKeyProvider`] |
//! | wrap data keys in another way | [`WrapKey`], [`UnwrapKey`] |
//! | seal something that is not a record | [`seal()`], [`open()`], [`Context`] |
//! | seal and open files, uploads and downloads of any size | [`seal_stream()`], [`open_stream()`], [`open_to_file()`] |
//! | know who must act on an error | [`Error::fault`], [`KeyErrorKind`] |
//!
//! The record format is described in `docs/FORMAT.md` of the repository, what is protected and what
//! is not in `docs/THREAT_MODEL.md`.
#![forbid(unsafe_code)]

pub mod convert;
pub mod error;
pub mod expression;
pub mod item;
pub mod keys;
pub mod message;
pub mod record;
pub mod stream;

mod call;
mod dynamodb;
mod table;

#[cfg(feature = "testing")]
pub use envelope_core::testing;
pub use envelope_derive::{Envelope, View};

#[doc(no_inline)]
pub use crate::error::{Error, ErrorKind, Fault, WriteOutcome};
#[doc(no_inline)]
pub use crate::item::{from_item, to_item};
#[doc(no_inline)]
pub use crate::keys::{
    BranchKeyTable, CachedKeyProvider, GroupKeyProvider, HierarchicalKeyProvider, KeyProvider,
    KmsKeyProvider, KmsKeyWrapper, LocalKeyProvider, RootKey, SharedKeyProvider, UnwrapKey,
    WrapKey,
};
#[doc(no_inline)]
pub use crate::read::ResumeToken;
pub use crate::record::{Access, Envelope, View};
pub use crate::table::{Table, batch, read, transaction, write};
#[doc(no_inline)]
pub use crate::transaction::{transact_get, transact_write};

/// What generated code names; not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use ::core::default::Default;
    pub use ::core::future::Future;
    pub use ::core::marker::{PhantomData, Send, Sized};
    pub use ::core::option::Option;
    pub use ::core::result::Result;
    pub use ::serde;
    pub use ::std::string::String;
    pub use ::std::vec::Vec;

    pub use crate::convert::scalar::scalar_type;
    pub use crate::convert::value::{from_attribute_value, to_attribute_value};
    pub use crate::dynamodb::Item;
    pub use crate::error::{Error, ErrorKind, ValueError};
    pub use crate::item::pending_item::PendingItem;
    pub use crate::item::split::compose_key;
    pub use crate::item::{Entity, EntityOf};
    pub use crate::keys::UnwrapKey;
    pub use crate::message::ContextForm;
    pub use crate::record::attribute::{Attribute, mark};
    pub use crate::record::index::{Index, IndexSchema, NoIndexes, PrimaryKey, kind};
    pub use crate::record::key::AnyKey;
    pub use crate::record::key_format::Piece;
    pub use crate::record::kind::Kind;
    pub use crate::record::ungrouped::{CheckUngrouped, Ungrouped};
    pub use crate::record::view::ViewedItem;
    pub use crate::record::{
        Access, AuthenticatedVersion, Composite, Envelope, Field, Mark, Partition, Parts, Schema,
        VersionNumber, View,
    };
    /// How times are written and read.
    pub mod epoch_seconds {
        pub use crate::convert::epoch_seconds::{Seconds, deserialize, seconds, serialize};
    }
    /// Asks, at the place where it is called, that serde can write a type.
    pub const fn is_written<T: serde::Serialize>() {}
    /// `Vec::from` without its trait, which may be out of scope, or another's.
    pub fn list<T, const N: usize>(values: [T; N]) -> Vec<T> {
        Vec::from(values)
    }
}

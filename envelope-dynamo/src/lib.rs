//! Field-level encryption for DynamoDB: mark the secret fields of a struct, and keep the keys in
//! AWS KMS.
//!
//! A record is one item. Its `#[encrypted]` fields are sealed together with AES-256-GCM under a
//! data key. A key provider, such as [`KmsKeyProvider`], wraps the data key, and the wrapped key is
//! stored in the same item. The sealed fields are bound to the table, the primary key and the
//! `#[authenticated]` attributes: a record that was moved or changed does not open.
//!
//! ```no_run
//! # async fn example(
//! #     dynamodb: aws_sdk_dynamodb::Client,
//! #     kms: aws_sdk_kms::Client,
//! # ) -> Result<(), envelope_dynamo::Error> {
//! use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
//!
//! #[derive(Envelope)]
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
//! // `dynamodb` and `kms` are clients of the AWS SDK.
//! let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/users"));
//! let zoe = User {
//!     user_id: "u_1".into(),
//!     email: "zoe@example.com".into(),
//!     plan: "pro".into(),
//!     logins: 0,
//! };
//! users.put(&zoe).send().await?;
//! users.update("u_1").add(|user| user.logins, 1).send().await?;
//! let zoe: Option<User> = users.get("u_1").send().await?;
//! # Ok(()) }
//! ```
//!
//! A `Table` seals and opens items. The same without a table, and with a key in this process:
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
//! let user = User {
//!     user_id: "u_1".into(),
//!     email: "zoe@example.com".into(),
//!     plan: "pro".into(),
//!     logins: 3,
//! };
//!
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let mut item = to_item(&user, &provider).await?;
//! assert!(!item.contains_key("email") && item.contains_key("encrypted_payload"));
//!
//! // A plaintext attribute may change in place. An authenticated attribute may not.
//! item.insert("logins".into(), AttributeValue::N("4".into()));
//! assert_eq!(from_item::<User>(item.clone(), &provider).await?, User { logins: 4, ..user });
//! item.insert("plan".into(), AttributeValue::S("enterprise".into()));
//! assert!(from_item::<User>(item, &provider).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # What to use
//!
//! | to | use |
//! |---|---|
//! | say which fields are encrypted | [`derive(Envelope)`](macro@Envelope) |
//! | store, read, change and delete records | [`Table`] |
//! | read many records, and continue later | [`Table::query`], [`Table::scan`], [`Table::index`]; [`read::Records`], [`ResumeToken`] |
//! | store, read or delete many records by key | [`Table::batch_put`], [`Table::batch_get`], [`Table::batch_delete`] |
//! | set a condition on a write, or update in place | [`Table::put`], [`Table::update`]; [`expression::Condition`], [`expression::AttributePath`] |
//! | read some readable attributes without the data key | [`derive(View)`](macro@View), [`Table::view`] |
//! | read or write records of several types together | [`transact_get()`], [`transact_write()`] |
//! | seal and open items without a `Table` | [`to_item()`], [`from_item()`] |
//! | have KMS wrap the data keys | [`KmsKeyProvider`]; [`KmsKeyWrapper`] for a service that only writes |
//! | make fewer calls to KMS | [`CachedKeyProvider`], [`SharedKeyProvider`], [`HierarchicalKeyProvider`] |
//! | erase all records of a person by deleting one key | [`HierarchicalKeyProvider`], [`BranchKeyTable`] |
//! | let some readers see only some fields | [`Access`], [`GroupKeyProvider`] |
//! | let several regions or partners read | [`keys::MultiKeyProvider`], [`keys::KmsRsaKey`] |
//! | move records to another key | [`Table::rewrap`]; [`keys::rewrap()`] and [`item::item_context()`] without a `Table` |
//! | test without KMS | [`LocalKeyProvider`], [`Table::create_table`] |
//! | wrap data keys in another way | [`WrapKey`], [`UnwrapKey`] |
//! | seal bytes that are not a record | [`message::seal()`], [`message::open()`] |
//! | seal files, uploads and downloads of any size | [`stream::seal_stream()`], [`stream::open_stream()`] |
//! | know who must act on an error | [`Error::fault`], [`WriteOutcome`] |
//!
//! # Where things are
//!
//! | module | contains |
//! |---|---|
//! | the root | what a first program needs |
//! | [`read`], [`write`](mod@write), [`batch`], [`transaction`] | the calls of [`Table`] |
//! | [`expression`] | conditions, updates and filters on readable attributes |
//! | [`record`] | the traits that the derives implement, keys and indexes |
//! | [`item`] | sealing and opening one item |
//! | [`convert`] | conversion between Rust values and DynamoDB attributes |
//! | [`keys`] | key providers |
//! | [`message`], [`stream`] | sealing what is not a record |
//! | [`error`] | what went wrong, and who must act |
//!
//! # Where to read on
//!
//! - [The guide]: first record, marks, keys and their cost, searching, migration, rotation
//! - [The threat model]: what is protected and what is not
//! - [FORMAT]: the bytes of a record
//! - [envelope-testing]: DynamoDB and KMS in the process of your tests
//! - [envelope-dynamo-cli]: the command that looks after tables
//!
//! [The guide]: https://github.com/OWNER/envelope/blob/main/docs/guide/README.md
//! [The threat model]: https://github.com/OWNER/envelope/blob/main/docs/THREAT_MODEL.md
//! [FORMAT]: https://github.com/OWNER/envelope/blob/main/docs/FORMAT.md
//! [envelope-testing]: https://docs.rs/envelope-testing
//! [envelope-dynamo-cli]: https://docs.rs/envelope-dynamo-cli
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod convert;
pub mod error;
pub mod expression;
pub mod item;
pub mod keys;
#[cfg(feature = "maintain")]
pub mod maintain;
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
pub use crate::table::search_keys::to_item_with;
pub use crate::table::{Table, batch, read, transaction, write};
#[doc(no_inline)]
pub use crate::transaction::{transact_get, transact_write};

/// Compiles the code of the package's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The names that generated code uses. They are not part of the public interface.
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

    pub use envelope_core::search::Step;

    pub use crate::convert::absent::{MayBeAbsent, NotDeserialized};
    pub use crate::convert::scalar::scalar_type;
    pub use crate::convert::searched::{NotWiped, SearchedValue, Wipe, searched_values};
    pub use crate::convert::value::{from_attribute_value, to_attribute_value};
    pub use crate::dynamodb::Item;
    pub use crate::error::{Error, ErrorKind, ValueError};
    pub use crate::item::entity::TypeVisitor;
    pub use crate::item::listed_keys::ListedKeys;
    pub use crate::item::pending_item::PendingItem;
    pub use crate::item::plain::PlainItem;
    pub use crate::item::question::Reading;
    pub use crate::item::split::compose_key;
    pub use crate::item::{Entity, EntityOf};
    pub use crate::keys::UnwrapKey;
    pub use crate::message::ContextForm;
    pub use crate::record::access::InGroup;
    pub use crate::record::attribute::{Attribute, mark};
    pub use crate::record::index::{
        Index, IndexSchema, NextSearchedKey, NextSortKey, NoIndexes, PrimaryKey, SortedBy, Then,
        ThenSearched, kind,
    };
    pub use crate::record::index_key::{KeyAttribute, PartitionKey};
    pub use crate::record::key::AnyKey;
    pub use crate::record::key_format::Piece;
    pub use crate::record::kind::Kind;
    pub use crate::record::ungrouped::{CheckUngrouped, Ungrouped};
    pub use crate::record::view::ViewedItem;
    pub use crate::record::{
        Access, AuthenticatedVersion, Composite, Envelope, Field, Mark, Partition, Parts, Schema,
        Unclaimed, UniqueField, UniqueFields, Unversioned, VersionNumber, View,
    };
    /// Writes and reads times.
    pub mod epoch_seconds {
        pub use crate::convert::epoch_seconds::{Seconds, deserialize, seconds, serialize};
    }
    /// Requires, where it is called, that serde can serialize a type.
    pub const fn is_written<T: serde::Serialize>() {}
    /// The names of the fields that may be absent.
    pub fn optional<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
        fields.into_iter().filter_map(|(name, is_optional)| is_optional.then_some(name)).collect()
    }
    /// Calls `Vec::from` without its trait: in the caller's scope another trait may have its name.
    pub fn list<T, const N: usize>(values: [T; N]) -> Vec<T> {
        Vec::from(values)
    }
}

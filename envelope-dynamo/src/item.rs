//! Seals a record into an item, and opens an item, without a [`Table`](crate::Table): for calls of
//! your own, DynamoDB Streams and exports.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use envelope_dynamo::{Envelope, ErrorKind, LocalKeyProvider, RootKey, from_item, to_item};
//!
//! #[derive(Debug, PartialEq, Envelope)]
//! #[envelope(table = "users")]
//! struct User {
//!     #[partition_key]
//!     user_id: String,
//!     #[encrypted]
//!     email: String,
//! }
//!
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let ana = User { user_id: "ana".into(), email: "ana@example.com".into() };
//! let zoe = User { user_id: "zoe".into(), email: "zoe@example.com".into() };
//! let (ana_item, zoe_item) = (to_item(&ana, &provider).await?, to_item(&zoe, &provider).await?);
//!
//! // A record opens only under its own key.
//! let mut moved = ana_item.clone();
//! moved.insert("user_id".into(), zoe_item["user_id"].clone());
//! assert!(from_item::<User>(moved, &provider).await.is_err());
//! assert_eq!(from_item::<User>(ana_item, &provider).await?, ana);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

pub(crate) mod assemble;
pub(crate) mod context;
pub(crate) mod entity;
pub(crate) mod group;
pub(crate) mod index_keys;
pub(crate) mod layout;
pub(crate) mod listed_keys;
pub(crate) mod managed_fields;
pub(crate) mod modify_record;
pub(crate) mod open;
pub(crate) mod open_own;
pub(crate) mod pending_item;
pub(crate) mod plain;
pub(crate) mod plaintext;
pub(crate) mod question;
pub(crate) mod read_back;
pub(crate) mod reconcile;
pub(crate) mod search_tags;
pub(crate) mod size;
pub(crate) mod split;
pub(crate) mod unique_value;

use envelope_core::{Context, UnwrapKey, WrapKey};

pub use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::context::bare_context;
pub use crate::item::entity::{Entity, EntityOf};
use crate::item::group::group_context;
pub use crate::item::layout::is_sealed;
pub use crate::item::plaintext::{PlaintextEvent, PlaintextItems, is_plaintext};
#[cfg(feature = "trust-plaintext-items")]
pub use crate::item::plaintext::{from_item_or_plaintext, to_plaintext_item};
use crate::record::Envelope;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
pub use crate::record::view::view_item;

/// Seals `record` into the item that is stored: keys and readable attributes, `encrypted_payload`,
/// `encrypted_dek`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
///
/// #[derive(Debug, PartialEq, Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let item = to_item(&user, &provider).await?;
///
/// let mut names: Vec<_> = item.keys().map(String::as_str).collect();
/// names.sort_unstable();
/// assert_eq!(names, ["encrypted_dek", "encrypted_payload", "user_id"]);
/// assert_eq!(from_item::<User>(item, &provider).await?, user);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If a field does not serialize, DynamoDB does not accept the key, or no data key could be
/// obtained.
///
/// A record with `#[searchable]` fields is refused, because its search tags need search keys: use
/// [`to_item_with`](crate::to_item_with()).
///
/// The size of the item is not checked here; [`Table`](crate::Table) checks it before sending.
pub async fn to_item<T: Entity>(
    record: &T,
    provider: &(impl WrapKey + ?Sized),
) -> Result<Item, Error> {
    let pending = record.split()?.check_one_kind(T::KINDS)?;
    pending.check_no_search_tags("`to_item_with`")?.seal(provider).await
}

/// Opens an item that [`to_item`] or a [`Table`](crate::Table) sealed: from a read, a stream image
/// or an export.
///
/// # Errors
///
/// If the item is not sealed or incomplete, if its data key could not be unwrapped, if the record
/// is not authentic for this table and key, or if it was written under marks that do not fit the
/// struct.
pub async fn from_item<T: Entity>(
    mut item: Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, Error> {
    T::open(&mut item, provider, PlaintextItems::Refuse.into()).await
}

/// The context under which the data key of the record in `item` is wrapped. It has no authenticated
/// attributes.
///
/// For code that wraps data keys again ([`rewrap`](crate::keys::rewrap()),
/// [`KmsKeyProvider::rewrap`](crate::KmsKeyProvider::rewrap)) and replaces
/// `encrypted_dek` with the result; the payload does not change. For items in a table use
/// [`Table::rewrap`](crate::Table::rewrap): it writes on condition that payload and wrapped key are
/// still those that were read. A write of your own must have that condition, as
/// [`KmsKeyProvider::rewrap`](crate::KmsKeyProvider::rewrap) shows.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use aws_sdk_dynamodb::primitives::Blob;
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
/// use envelope_dynamo::item::item_context;
/// use envelope_dynamo::keys::rewrap;
/// use envelope_dynamo::message::Sealed;
///
/// #[derive(Debug, PartialEq, Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// let old = LocalKeyProvider::new(RootKey::generate()?);
/// let new = LocalKeyProvider::new(RootKey::generate()?);
/// let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let mut item = to_item(&user, &old).await?;
///
/// let bytes = |name: &str| match &item[name] {
///     AttributeValue::B(bytes) => bytes.clone().into_inner(),
///     other => panic!("not binary: {other:?}"),
/// };
/// let sealed = Sealed {
///     encrypted_payload: bytes("encrypted_payload"),
///     encrypted_dek: bytes("encrypted_dek"),
/// };
/// let context = item_context::<User>(&item)?;
/// let dek = rewrap(&sealed, &old, &context, &[&new], &context).await?;
/// item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(dek)));
/// assert_eq!(from_item::<User>(item, &new).await?, user);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If a key or a pair of the encryption context is not in the item, or is not valid there.
pub fn item_context<T: Envelope>(item: &Item) -> Result<Context<'_>, Error> {
    let kind = Kind::of::<T>();
    bare_context(&kind, item).map_err(|problem| Error::new(record_id(&kind, item), problem))
}

/// The context under which the data key of a group of the record in `item` is wrapped.
///
/// # Errors
///
/// As [`item_context`], and if the struct has no group of that name.
pub fn item_group_context<'i, T: Envelope>(
    item: &'i Item,
    group: &str,
) -> Result<Context<'i>, Error> {
    let kind = Kind::of::<T>();
    let known = T::SCHEMA.groups().into_iter().find(|known| *known == group);
    let context = match known {
        Some(group) => group_context(&kind, item, group),
        None => Err(ErrorKind::Usage(UsageError::Struct("the struct has no group of that name"))),
    };
    context.map_err(|problem| Error::new(record_id(&kind, item), problem))
}

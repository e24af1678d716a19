//! A record to an item and back, without any table: for calls of your own, streams and exports.

pub(crate) mod assemble;
pub(crate) mod context;
pub(crate) mod entity;
pub(crate) mod group;
pub(crate) mod layout;
pub(crate) mod managed_fields;
pub(crate) mod modify_record;
pub(crate) mod open;
pub(crate) mod pending_item;
pub(crate) mod read_back;
pub(crate) mod reconcile;
pub(crate) mod size;
pub(crate) mod split;

use envelope_core::{Context, UnwrapKey, WrapKey};

pub use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::item::context::bare_context;
pub use crate::item::entity::{Entity, EntityOf};
use crate::item::group::group_context;
use crate::record::Envelope;
use crate::record::item_key::record_id;
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
/// When a field does not serialize, a key is none that DynamoDB takes, or no data key is to be had.
/// The size of the item is not checked here; [`Table`](crate::Table) checks it before sending.
pub async fn to_item<T: Entity>(
    record: &T,
    provider: &(impl WrapKey + ?Sized),
) -> Result<Item, Error> {
    record.split()?.check_one_kind(T::KINDS)?.seal(provider).await
}

/// Opens an item that [`to_item`] made, wherever it comes from: a read, a stream image, an export.
///
/// # Errors
///
/// When the item is not sealed or not whole, its data key is not to be had, the record is not
/// authentic for this table and key, or it was written under marks that do not fit the struct's.
pub async fn from_item<T: Entity>(
    item: Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, Error> {
    T::open(item, provider).await
}

/// The context of the record in `item`, authenticated attributes aside: what its data key is
/// wrapped for.
///
/// For whoever wraps data keys anew ([`rewrap`](crate::keys::rewrap()),
/// [`KmsKeyProvider::rewrap`](crate::KmsKeyProvider::rewrap)) and puts the result in place of
/// `encrypted_dek`; the payload stays as it is. For items in a table use
/// [`Table::rewrap`](crate::Table::rewrap): it writes on condition that payload and wrapped key are
/// still those that were read. Whoever writes without it must state that condition, as
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
/// let (old, new) = (LocalKeyProvider::new(RootKey::generate()?), LocalKeyProvider::new(RootKey::generate()?));
/// let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let mut item = to_item(&user, &old).await?;
///
/// let [encrypted_payload, encrypted_dek] = ["encrypted_payload", "encrypted_dek"].map(|name| match &item[name] {
///     AttributeValue::B(bytes) => bytes.clone().into_inner(),
///     other => panic!("not binary: {other:?}"),
/// });
/// let context = item_context::<User>(&item)?;
/// let dek = rewrap(&Sealed { encrypted_payload, encrypted_dek }, &old, &context, &[&new], &context).await?;
/// item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(dek)));
/// assert_eq!(from_item::<User>(item, &new).await?, user);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// When a key or a pair of the encryption context is not in the item, or is none that can be bound.
pub fn item_context<T: Envelope>(item: &Item) -> Result<Context<'_>, Error> {
    bare_context::<T>(item).map_err(|kind| Error::new(record_id::<T>(item), kind))
}

/// The context of a group of the record in `item`, as [`item_context`] gives that of the record.
///
/// # Errors
///
/// As [`item_context`]; and when the struct has no group of that name.
pub fn item_group_context<'i, T: Envelope>(
    item: &'i Item,
    group: &str,
) -> Result<Context<'i>, Error> {
    let known = T::SCHEMA.groups().into_iter().find(|known| *known == group);
    let context = match known {
        Some(group) => group_context::<T>(item, group),
        None => Err(ErrorKind::Data(DataError::Malformed("the struct has no group of that name"))),
    };
    context.map_err(|kind| Error::new(record_id::<T>(item), kind))
}

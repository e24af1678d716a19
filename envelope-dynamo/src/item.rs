//! A record to an item and back, without any table: for calls of your own, streams and exports.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{
    Content, Context, OpenError, Plaintext, UntrustedPayload, UnwrapKey, WrapKey, open_payload,
    read_fields,
};

use crate::attribute::type_name;
use crate::binding::{Item, bare_context, context, key_attributes, record_id};
use crate::entity::{Entity, Kind};
use crate::error::{Error, ErrorKind};
use crate::group::{Group, group_context, open_group};
use crate::marks::reconcile;
use crate::read::put_together;
use crate::record::{Envelope, Mark};
use crate::schema::RESERVED;
use crate::write::keys_of;

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
    record.take_apart()?.of_one(T::KINDS)?.seal(provider).await
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

/// Opens an item as the one kind of record that it can be.
pub(crate) async fn open_record<T: Envelope>(
    mut item: Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, Error> {
    match open_item(&mut item, provider).await {
        Ok(record) => Ok(record),
        Err(kind) => Err(Error::new(record_id::<T>(&item), kind)),
    }
}

/// The context of the record in `item`, authenticated attributes aside: what its data key is
/// wrapped for.
///
/// For whoever wraps data keys anew ([`rewrap`](crate::rewrap()),
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
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Sealed, from_item, item_context, rewrap, to_item};
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
        None => Err(ErrorKind::Malformed("the struct has no group of that name")),
    };
    context.map_err(|kind| Error::new(record_id::<T>(item), kind))
}

async fn open_item<T: Envelope>(
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<T, ErrorKind> {
    Ok(open_whole(item, provider).await?.record)
}

/// A record, and what it was opened from.
pub(crate) struct Open<T> {
    pub(crate) record: T,
    /// The encrypted fields.
    pub(crate) plaintext: Plaintext,
    /// Those of each group that was opened.
    pub(crate) groups: Vec<(&'static str, Plaintext)>,
    /// The names of the attributes that were authenticated.
    pub(crate) authenticated: Vec<String>,
}

/// Opens `item`, of which the key attributes stay behind: they name the record if something fails.
pub(crate) async fn open_whole<T: Envelope>(
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Open<T>, ErrorKind> {
    if let Some(misfit) = Kind::of::<T>().misfit(item) {
        return Err(misfit);
    }
    let (payload, dek) = take_sealed(item)?;
    let payload = UntrustedPayload::parse(payload).map_err(OpenError::from)?;
    let authenticated = payload.authenticated_names().to_vec();
    let opened = {
        let context = context::<T>(item, authenticated.iter().map(String::as_str))?;
        open_payload(payload, &dek, Content::Record, &context, provider).await
    };
    let plaintext = match opened {
        Err(OpenError::Authentication) => return Err(not_authentic::<T>(authenticated)),
        opened => opened?,
    };
    let mut opened = Vec::new();
    let mut withheld = Vec::new();
    for group in T::SCHEMA.groups() {
        match open_group::<T>(item, group, &authenticated, provider).await? {
            Some(Group::Opened(plaintext)) => opened.push((group, plaintext)),
            Some(Group::Withheld) => withheld.push(group),
            None => {}
        }
    }
    let mut sealed = read_fields(plaintext.expose())?;
    for (_, plaintext) in &opened {
        sealed.extend(read_fields(plaintext.expose())?);
    }
    let keys = key_attributes::<T>(item);
    let chosen =
        reconcile::<T>(std::mem::replace(item, keys), sealed, &withheld, authenticated.clone())?;
    let record = put_together(chosen)?;
    match misplaced(&record, item)? {
        None => Ok(Open { record, plaintext, groups: opened, authenticated }),
        Some(attribute) => Err(ErrorKind::KeyMismatch { attribute }),
    }
}

/// The composed key that the record's fields do not make.
fn misplaced<T: Envelope>(record: &T, keys: &Item) -> Result<Option<&'static str>, ErrorKind> {
    let mut composed = T::SCHEMA.composed_keys().peekable();
    if composed.peek().is_none() {
        return Ok(None);
    }
    let made = keys_of(record)?;
    Ok(composed.find(|field| made.get(field.name) != keys.get(field.name)).map(|field| field.name))
}

fn not_authentic<T: Envelope>(authenticated: Vec<String>) -> ErrorKind {
    let is_plaintext =
        |name: &&String| T::SCHEMA.owner(name).is_some_and(|field| field.mark == Mark::Plaintext);
    let now_plaintext = authenticated.iter().filter(is_plaintext).cloned().collect();
    ErrorKind::NotAuthentic { authenticated, now_plaintext }
}

/// Takes payload and wrapped key out of the item.
fn take_sealed(item: &mut Item) -> Result<(Vec<u8>, Vec<u8>), ErrorKind> {
    let [payload, dek] =
        RESERVED.map(|name| item.remove(name).map(|attribute| binary(name, attribute)));
    match [payload.transpose()?, dek.transpose()?] {
        [Some(payload), Some(dek)] => Ok((payload, dek)),
        [None, None] => Err(ErrorKind::NotSealed),
        [Some(_), None] => {
            Err(ErrorKind::Malformed("the record has `encrypted_payload` but no `encrypted_dek`"))
        }
        [None, Some(_)] => {
            Err(ErrorKind::Malformed("the record has `encrypted_dek` but no `encrypted_payload`"))
        }
    }
}

/// The bytes of an attribute that holds what is sealed, or a wrapped key.
pub(crate) fn binary(name: &str, attribute: AttributeValue) -> Result<Vec<u8>, ErrorKind> {
    match attribute {
        AttributeValue::B(bytes) => Ok(bytes.into_inner()),
        other => Err(ErrorKind::NotBinary { attribute: name.to_owned(), found: type_name(&other) }),
    }
}

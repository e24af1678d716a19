//! Items that are not sealed: whether a table reads and writes them while it is taken in.

use std::fmt;
use std::sync::Arc;

use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::item::entity::Entity;
use crate::record::item_key::record_id;
use crate::record::kind::Kind;
use crate::record::schema::is_reserved;

/// What a table does with items that are not sealed, while a plaintext table is taken in; see
/// [`Table::plaintext_items`](crate::Table::plaintext_items).
///
/// An item is plain if it has no attribute of this library: no `encrypted_payload`, no
/// `encrypted_dek`, and none of a group. Every other item is sealed, and is opened or refused as
/// always. No state makes a sealed record plain again. The states do not concern records of
/// `#[envelope(unprotected)]` structs.
///
/// | state | reads | `put` | `modify` of a plain item |
/// |---|---|---|---|
/// | `Refuse` | sealed | sealed | error |
/// | `Read` | both | sealed | becomes sealed |
/// | `ReadAndWrite` | both | plain where no sealed record stands, else sealed | stays plain |
///
/// `Read` and `ReadAndWrite` exist with the feature `trust-plaintext-items`.
///
/// # Security
///
/// Nothing in a plain item is verified. A reader in a state other than `Refuse` believes a plain
/// item that somebody put in place of a sealed record. [The guide] says how to keep that time short
/// and watched.
///
/// [The guide]: https://github.com/OWNER/envelope/blob/main/docs/guide/migration.md
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaintextItems {
    /// Reads and writes sealed records only.
    #[default]
    Refuse,
    /// Reads both, and writes sealed records only.
    #[cfg(feature = "trust-plaintext-items")]
    Read,
    /// Reads both. Writes plain items, except where a sealed record stands.
    #[cfg(feature = "trust-plaintext-items")]
    ReadAndWrite,
}

impl PlaintextItems {
    /// Whether plain items are read.
    pub(crate) fn reads(self) -> bool {
        self != Self::Refuse
    }

    /// Whether plain items are written.
    pub(crate) fn writes(self) -> bool {
        #[cfg(feature = "trust-plaintext-items")]
        let writes = self == Self::ReadAndWrite;
        #[cfg(not(feature = "trust-plaintext-items"))]
        let writes = false;
        writes
    }

    /// Whether `item` is read as plaintext.
    pub(crate) fn accepts(self, item: &Item) -> bool {
        self.reads() && is_plaintext(item)
    }
}

/// Whether an item is not sealed: it has no attribute of this library.
///
/// Every record of an `#[envelope(unprotected)]` struct is such an item, for good.
///
/// `item` must be a whole item. A projection, or an index that does not have all attributes, may
/// leave out the attributes of a sealed record.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::item::is_plaintext;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, to_item};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let mut item = to_item(&zoe, &TestKeyProvider::default()).await?;
/// assert!(!is_plaintext(&item));
/// item.retain(|name, _| name == "user_id");
/// assert!(is_plaintext(&item));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use]
pub fn is_plaintext(item: &Item) -> bool {
    !item.keys().any(|name| is_reserved(name))
}

/// Something that happened to an item that is not sealed.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use envelope_dynamo::item::{PlaintextEvent, PlaintextItems};
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let dynamodb = example::dynamodb(&[("GetItem", 200, r#"{ "Item": {
/// #     "user_id": { "S": "u_1" }, "email": { "S": "zoe@example.com" } } }"#)]);
/// let reads = Arc::new(AtomicU64::new(0));
/// let counter = Arc::clone(&reads);
/// let users = Table::<User>::new(dynamodb, TestKeyProvider::default())
///     .plaintext_items(PlaintextItems::Read)
///     .observe_plaintext(move |event, _record| {
///         if event == PlaintextEvent::Read {
///             counter.fetch_add(1, Ordering::Relaxed);
///         }
///     });
///
/// // Nobody has sealed this record yet.
/// let zoe = users.get("u_1").send().await?.expect("there is such a user");
/// assert_eq!(zoe.email, "zoe@example.com");
/// assert_eq!(reads.load(Ordering::Relaxed), 1); // an alarm once the whole table is sealed
/// # Ok::<(), envelope_dynamo::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlaintextEvent {
    /// It was read as a record.
    Read,
    /// It was written.
    Written,
}

/// Receives an event of an item that is not sealed, and the record.
type Observer = dyn Fn(PlaintextEvent, &RecordId) + Send + Sync;

/// The state of a table, and who is told of plain items.
#[derive(Clone, Default)]
pub(crate) struct PlaintextPolicy {
    pub(crate) state: PlaintextItems,
    pub(crate) observer: Option<Arc<Observer>>,
}

impl PlaintextPolicy {
    /// Reports an event to the log and to the observer. The log gets no key.
    pub(crate) fn note(&self, event: PlaintextEvent, id: &RecordId) {
        let table = id.table();
        match event {
            PlaintextEvent::Read => tracing::info!(table, "read an item that is not sealed"),
            PlaintextEvent::Written => tracing::info!(table, "wrote an item that is not sealed"),
        }
        if let Some(observer) = &self.observer {
            observer(event, id);
        }
    }
}

impl fmt::Debug for PlaintextPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaintextPolicy").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Reads an item as a record, in the state of `policy`. All reads of a table come here.
///
/// Takes the values from `item`, which stays as it is while data keys are unwrapped.
pub(crate) async fn read_item<T: Entity>(
    item: &mut Item,
    provider: &(impl UnwrapKey + ?Sized),
    policy: &PlaintextPolicy,
) -> Result<T, Error> {
    let is_plain = policy.state.accepts(item) && Kind::unprotected_of(T::KINDS, item).is_none();
    let plain = is_plain.then(|| id_of(T::KINDS, item));
    let record = T::open(item, provider, policy.state.into()).await?;
    if let Some(id) = plain.flatten() {
        policy.note(PlaintextEvent::Read, &id);
    }
    Ok(record)
}

/// The record that a plain item is, if it is of one of `kinds`.
pub(crate) fn id_of(kinds: &[Kind], item: &Item) -> Option<RecordId> {
    Kind::matching(kinds, item).next().map(|(_, kind)| record_id(kind, item))
}

/// Reads an item as a record: one that [`to_item`](crate::to_item()) or a
/// [`Table`](crate::Table) sealed, as [`from_item`](crate::from_item()) does; and in the states
/// `Read` and `ReadAndWrite` also one that is not sealed.
///
/// For stream images and exports while a plaintext table is taken in. [`is_plaintext`] tells which
/// of them were not sealed, so that you can count them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use aws_sdk_dynamodb::types::AttributeValue;
/// use envelope_dynamo::item::{Item, PlaintextItems, from_item_or_plaintext};
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users")]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     email: String,
/// }
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let old = Item::from([
///     ("user_id".to_owned(), AttributeValue::S("u_1".to_owned())),
///     ("email".to_owned(), AttributeValue::S("zoe@example.com".to_owned())),
/// ]);
/// let read = PlaintextItems::Read;
/// let user: User = from_item_or_plaintext(old.clone(), &provider, read).await?;
/// assert_eq!(user.email, "zoe@example.com");
/// let refuse = PlaintextItems::Refuse;
/// assert!(from_item_or_plaintext::<User>(old, &provider, refuse).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// As [`from_item`](crate::from_item()); and if an attribute of a plain item cannot be read as its
/// field's type.
///
/// # Security
///
/// Nothing in a plain item is verified; see [`PlaintextItems`].
#[cfg(feature = "trust-plaintext-items")]
pub async fn from_item_or_plaintext<T: Entity>(
    mut item: Item,
    provider: &(impl UnwrapKey + ?Sized),
    state: PlaintextItems,
) -> Result<T, Error> {
    read_item(&mut item, provider, &PlaintextPolicy { state, observer: None }).await
}

/// Writes a record as an item that is not sealed, as `ReadAndWrite` stores it: every field is an
/// attribute, and composed keys are there. Version and timestamps stay as they are.
///
/// To take a table out: read each record, and store these items in *another* table. Nothing here
/// stores them over sealed records.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::item::to_plaintext_item;
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, from_item, to_item};
///
/// #[derive(Envelope)]
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
/// let sealed = to_item(&user, &provider).await?;
/// let item = to_plaintext_item(&from_item::<User>(sealed, &provider).await?)?;
/// assert_eq!(item["email"].as_s().map(String::as_str), Ok("zoe@example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If a field does not serialize, DynamoDB does not take the value or an item of this size, or a
/// group is withheld.
///
/// # Security
///
/// The item holds every secret of the record in plaintext.
#[cfg(feature = "trust-plaintext-items")]
pub fn to_plaintext_item<T: Entity>(record: &T) -> Result<Item, Error> {
    record.split_plain()?.check_one_kind(T::KINDS)?.into_item()
}

//! The search keys of a table, and the tags of the records that it writes.

use std::sync::Arc;

use envelope_core::WrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::key::DataKeyError;
use crate::error::kind::ErrorKind;
use crate::error::usage::UsageError;
use crate::item::entity::Entity;
use crate::item::pending_item::PendingItem;
use crate::item::search_tags::has_tags;
use crate::item::unique_value::first_unique;
use crate::keys::SearchKeys;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::kind::Kind;
use crate::table::Table;

const WITH_SEARCH_KEYS: &str = "`Table::with_search_keys`";

const IN_PLACE_OF_NONE: &str =
    "`Table::with_search_keys` in place of `Table::without_search_tags`, which finds nothing";

const FOR_UNIQUE: &str = "`Table::with_search_keys` in place of `Table::without_search_tags`: \
                          without its tag, nobody can keep a field unique";

/// Where the search tags of a table's records come from.
#[derive(Clone, Default)]
pub(crate) enum TagSource {
    /// Nobody said: what needs a search key fails.
    #[default]
    Unset,
    /// They are computed under these keys.
    Keys(SearchKeys),
    /// Records are written without them.
    LeftOut,
}

impl TagSource {
    /// The search keys, if there are some.
    pub(crate) const fn keys(&self) -> Option<&SearchKeys> {
        match self {
            Self::Keys(keys) => Some(keys),
            Self::Unset | Self::LeftOut => None,
        }
    }
}

impl<T: Entity, P: ?Sized> Table<T, P> {
    /// Gives the table the keys for its `#[searchable]` fields: to write search tags, and to query
    /// by them.
    ///
    /// Without search keys, a `put` of a record with a searchable field fails before anything is
    /// sent, and so does a `modify` that changes the field. Reads by primary key need no search
    /// keys, and neither do tables without searchable fields.
    ///
    /// Keys are fetched when they are first needed, and kept for as long as the store allows. A
    /// call that writes tags asks for them once.
    #[must_use]
    pub fn with_search_keys(mut self, keys: impl Into<SearchKeys>) -> Self {
        self.tag_source = TagSource::Keys(keys.into());
        self
    }

    /// Writes records without search tags: for a service that must not be able to guess values, as
    /// whoever holds a search key can.
    ///
    /// **No search finds a record that this handle has put**, until somebody who holds the search
    /// keys adds its tags: `envelope reindex`, a backfill, or a `modify` of any kind. `envelope
    /// stale` counts these records as not listed.
    ///
    /// | this handle | the record |
    /// |---|---|
    /// | puts it, alone, in a batch, or in a transaction | has no tags, and lists none |
    /// | changes a searchable field (`modify`) | loses the tags of this field alone |
    /// | changes other fields (`modify`), or updates in place | keeps its tags |
    /// | searches by a searchable field | is not searched for: an error, before anything is sent |
    ///
    /// A record with a unique field cannot be put so: its value could not be claimed.
    ///
    /// The last of `with_search_keys` and `without_search_tags` counts. For an item without a
    /// call, take it from [`Put::into_sdk`](crate::write::Put::into_sdk):
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use aws_sdk_dynamodb::config::BehaviorVersion;
    /// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     #[searchable]
    ///     email: String,
    /// }
    ///
    /// let config = aws_sdk_dynamodb::Config::builder();
    /// let config = config.behavior_version(BehaviorVersion::latest()).build();
    /// let client = aws_sdk_dynamodb::Client::from_conf(config);
    /// let provider = LocalKeyProvider::new(RootKey::generate()?);
    /// let users = Table::<User>::new(client, provider);
    /// let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    /// assert!(users.put(&zoe).into_sdk().await.is_err(), "no search keys: refused by default");
    ///
    /// let ingest = users.without_search_tags();
    /// let request = ingest.put(&zoe).into_sdk().await?;
    /// assert!(!request.get_item().as_ref().unwrap().contains_key("blind_email"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Security
    ///
    /// The service needs no permission for search keys; `envelope policy --role writer
    /// --without-search-tags` also denies it. A service that can write the table can always make
    /// records unfindable, by writing them without tags. It cannot give a record another tag: such
    /// a record does not open. It can store guesses and compare the tags that a reindex gives them.
    #[must_use]
    pub fn without_search_tags(mut self) -> Self {
        self.tag_source = TagSource::LeftOut;
        self
    }

    /// Refuses a record with search tags if nothing says where they come from.
    pub(crate) fn require_search_keys(&self, kind: &Kind) -> Result<(), ErrorKind> {
        match (kind.schema.search_tags().next(), &self.tag_source) {
            (Some((field, _)), TagSource::Unset) => {
                Err(no_search_keys(field.name, WITH_SEARCH_KEYS))
            }
            (_, TagSource::LeftOut) => match first_unique(kind) {
                Some(attribute) => Err(no_search_keys(attribute, FOR_UNIQUE)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The keys for a query by the search tag `attribute`.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub(crate) fn search_keys_for(&self, attribute: &'static str) -> Result<SearchKeys, ErrorKind> {
        let instead = match &self.tag_source {
            TagSource::Keys(keys) => return Ok(keys.clone()),
            TagSource::Unset => WITH_SEARCH_KEYS,
            TagSource::LeftOut => IN_PLACE_OF_NONE,
        };
        Err(no_search_keys(attribute, instead))
    }

    /// The keys for the tags of records of this kind; `None` if the kind has no tags, or if they are
    /// left out.
    ///
    /// # Errors
    ///
    /// If nothing says where the tags come from, or the search keys could not be had.
    pub(crate) async fn live_search_keys(
        &self,
        kind: &Kind,
    ) -> Result<Option<Arc<LiveSearchKeys>>, ErrorKind> {
        self.require_search_keys(kind)?;
        match self.tag_source.keys() {
            Some(keys) if has_tags(kind.schema) => live(keys, kind).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Computes the search tags of a record that is about to be sealed, or leaves them out. Returns
    /// the keys that were used.
    pub(crate) async fn add_search_tags(
        &self,
        pending: &mut PendingItem,
    ) -> Result<Option<Arc<LiveSearchKeys>>, Error> {
        if !pending.has_search_tags() {
            return Ok(None);
        }
        let keys = self.live_search_keys(pending.kind()).await;
        let keys = keys.map_err(|problem| Error::new(pending.id(), problem))?;
        match &keys {
            Some(keys) => pending.add_search_tags(keys.tag_key())?,
            // Unique fields were refused: nothing would claim their values.
            None => pending.leave_out_search_tags()?,
        }
        Ok(keys)
    }
}

async fn live(keys: &SearchKeys, kind: &Kind) -> Result<Arc<LiveSearchKeys>, ErrorKind> {
    keys.live(kind.table).await.map_err(|error| DataKeyError::Search(error).into())
}

const fn no_search_keys(attribute: &'static str, instead: &'static str) -> ErrorKind {
    ErrorKind::Usage(UsageError::NoSearchKeys { attribute, instead })
}

/// Seals `record` as [`to_item`](crate::to_item()) does, and computes its search tags under `keys`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use envelope_dynamo::keys::{LocalSearchKeys, SearchKey};
/// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, to_item_with};
///
/// #[derive(Envelope)]
/// #[envelope(table = "users", index(name = "by-email", partition_key = email))]
/// struct User {
///     #[partition_key]
///     user_id: String,
///     #[encrypted]
///     #[searchable(normalize(trim, ascii_lowercase))]
///     email: String,
/// }
///
/// let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let keys = LocalSearchKeys::new(SearchKey::generate()?).into();
/// let zoe = |user_id: &str, email: &str| User { user_id: user_id.into(), email: email.into() };
/// let one = to_item_with(&zoe("u_1", "zoe@example.com"), &provider, &keys).await?;
/// let other = to_item_with(&zoe("u_2", " Zoe@Example.com"), &provider, &keys).await?;
/// assert_eq!(one["blind_email"], other["blind_email"], "one address has one tag");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It makes **no claim** of a `#[searchable(unique)]` value: if you store the item, another record
/// may have the value, or get it later. [`Table::put`] claims it.
///
/// # Errors
///
/// As [`to_item`](crate::to_item()); and if the search keys could not be had, or a searchable field
/// has a value that is neither text, nor a number, nor bytes.
pub async fn to_item_with<T: Entity>(
    record: &T,
    provider: &(impl WrapKey + ?Sized),
    keys: &SearchKeys,
) -> Result<Item, Error> {
    let mut pending = record.split()?.check_one_kind(T::KINDS)?;
    if pending.has_search_tags() {
        let live = live(keys, pending.kind()).await;
        let live = live.map_err(|problem| Error::new(pending.id(), problem))?;
        pending.add_search_tags(live.tag_key())?;
    }
    pending.seal(provider).await
}

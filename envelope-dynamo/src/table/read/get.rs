//! Reads one record.

use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::{Error, dynamodb_error};
use crate::item::managed_fields::{has_expired, version};
use crate::item::plaintext::read_item;
use crate::record::Envelope;
use crate::record::item_key::{record_id, with_requested_key};
use crate::record::key::IntoKey;
use crate::record::kind::Kind;
use crate::record::version::AuthenticatedVersion;
use crate::table::Table;
use crate::table::customized::{Customized as _, RefusedSetting};

impl<T, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Reads the record under a key: the partition key, or the pair `(partition, sort)`.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Error, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "visits")]
    /// # struct Visit {
    /// #     #[partition_key] patient: String,
    /// #     #[sort_key] day: String,
    /// #     #[encrypted] notes: String,
    /// # }
    /// # async fn example(visits: Table<Visit>) -> Result<(), Error> {
    /// if let Some(visit) = visits.get(("p_1", "2026-11-21")).consistent_read().send().await? {
    ///     println!("{}", visit.notes);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, key: impl IntoKey<T::Key>) -> Get<'_, T, P>
    where
        T: Envelope,
    {
        Get::new(self, key.into_key())
    }
}

/// Builds a get; see [`Table::get`].
#[must_use = "a get does nothing until it is sent"]
pub struct Get<'a, T: Envelope, P: ?Sized> {
    reader: Reader<'a, T, P>,
    key: T::Key,
    builder: GetItemFluentBuilder,
}

/// Which items a get accepts, and how it opens them, alone and in a transaction.
#[doc(hidden)]
pub struct Reader<'a, T, P: ?Sized> {
    pub(crate) table: &'a Table<T, P>,
    skip_expired: bool,
    not_before_version: Option<u64>,
}

impl<'a, T: Envelope, P: UnwrapKey + ?Sized> Get<'a, T, P> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        let reader = Reader { table, skip_expired: false, not_before_version: None };
        Self { reader, key, builder: table.client.get_item() }
    }

    /// Reads the latest write, at twice the price. By default a read may miss the latest writes.
    pub fn consistent_read(mut self) -> Self {
        self.builder = self.builder.consistent_read(true);
        self
    }

    /// Treats a record whose `#[ttl]` has passed as absent.
    ///
    /// DynamoDB deletes expired records within a few days (Amazon DynamoDB Developer Guide, "Using
    /// time to live"). Until then a get returns them like any other record, unless you call this.
    ///
    /// # Security
    ///
    /// Whoever can write the table can change a `#[plaintext]` time to live, just as they can
    /// delete the record. If it is `#[authenticated]`, they can only make the record look expired.
    pub const fn skip_expired(mut self) -> Self {
        self.reader.skip_expired = true;
        self
    }

    /// Refuses a record of an older version than `version`, which the reader has stored elsewhere.
    ///
    /// An older version of a record is authentic for its key. So whoever can write the table can
    /// put one back. A deleted record is `None`, whatever version it had.
    pub const fn not_before_version(mut self, version: u64) -> Self
    where
        T: AuthenticatedVersion,
    {
        self.reader.not_before_version = Some(version);
        self
    }

    /// Sets what this library does not cover on the SDK's own builder. Table and key are set
    /// afterwards.
    ///
    /// A projection is refused ([`UsageError::Customized`](crate::error::UsageError::Customized)),
    /// because only a whole record can be opened. [`Table::view`] reads some of its attributes.
    pub fn customize(
        mut self,
        with: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// The parts, for a transaction.
    pub(crate) fn into_parts(self) -> (Reader<'a, T, P>, T::Key, Option<RefusedSetting>) {
        (self.reader, self.key, self.builder.refused_setting())
    }

    /// Reads and opens the record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// The errors of [`from_item`](crate::from_item()),
    /// [`UsageError::Customized`](crate::error::UsageError::Customized),
    /// [`DataError::OlderVersion`](crate::error::DataError::OlderVersion), and
    /// [`ErrorKind::DynamoDb`](crate::ErrorKind::DynamoDb).
    pub async fn send(self) -> Result<Option<T>, Error> {
        let table = self.reader.table;
        let (item, id) = self.reader.table.key_item(self.key)?;
        let builder = self.builder.checked().map_err(|kind| Error::new(id.clone(), kind))?;
        let output = builder
            .table_name(&*table.name)
            .set_key(Some(item.clone()))
            .send()
            .await
            .map_err(|error| dynamodb_error("GetItem", &table.name, id, error))?;
        self.reader.open(item, output.item).await
    }
}

impl<T: Envelope, P: UnwrapKey + ?Sized> Reader<'_, T, P> {
    /// Opens the returned item as the record under the requested key, whatever key it names.
    pub(crate) async fn open(&self, asked: Item, found: Option<Item>) -> Result<Option<T>, Error> {
        let now = self.table.clock.system_time();
        let Some(found) = found.filter(|found| !self.skip_expired || !has_expired::<T>(found, now))
        else {
            return Ok(None);
        };
        let version = version::<T>(&found);
        let is_older = |not_before: &u64| version.is_none_or(|version| version < *not_before);
        let older = self.not_before_version.filter(is_older).map(|not_before| {
            let id = record_id(&Kind::of::<T>(), &asked);
            Error::new(id, ErrorKind::Data(DataError::OlderVersion { not_before }))
        });
        let (mut found, table) = (with_requested_key(found, asked), self.table);
        let record = read_item(&mut found, &*table.provider, &table.plaintext).await?;
        older.map_or(Ok(Some(record)), Err)
    }
}

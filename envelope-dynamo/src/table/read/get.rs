//! Reads one record.

use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::{Error, dynamodb_error};
use crate::item::from_item;
use crate::item::managed_fields::{has_expired, version};
use crate::record::Envelope;
use crate::record::item_key::{record_id, with_requested_key};
use crate::record::key::IntoKey;
use crate::record::version::AuthenticatedVersion;
use crate::table::Table;
use crate::table::customized::{Customized as _, RefusedSetting};

impl<T: Envelope, P: UnwrapKey + ?Sized> Table<T, P> {
    /// Reads the record under a key: the partition key, or the pair `(partition, sort)`.
    pub fn get(&self, key: impl IntoKey<T::Key>) -> Get<'_, T, P> {
        Get::new(self, key.into_key())
    }
}

/// A get being built; see [`Table::get`].
#[must_use = "a get does nothing until it is sent"]
pub struct Get<'a, T: Envelope, P: ?Sized> {
    reader: Reader<'a, T, P>,
    key: T::Key,
    builder: GetItemFluentBuilder,
}

/// What a get takes for a record, and how it opens it: here, and in a transaction.
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

    /// Reads what was written last, at twice the price; by default a read may be a moment behind.
    pub fn consistent_read(mut self) -> Self {
        self.builder = self.builder.consistent_read(true);
        self
    }

    /// Takes a record that has outlived its `#[ttl]` for absent.
    ///
    /// DynamoDB deletes expired records within a few days (Amazon DynamoDB Developer Guide, "Using
    /// time to live"); until then they are read like any other, unless this is asked for.
    ///
    /// # Security
    ///
    /// Whoever can write the table can change a `#[plaintext]` time to live, as he can delete the
    /// record; an `#[authenticated]` one he can only make look expired.
    pub const fn skip_expired(mut self) -> Self {
        self.reader.skip_expired = true;
        self
    }

    /// Refuses a record of an older version than `version`, which the reader has kept elsewhere.
    ///
    /// An older version of a record is authentic for its place, so that somebody who can write the
    /// table could put one back. A record that is gone is `None`, whatever version it had.
    pub const fn not_before_version(mut self, version: u64) -> Self
    where
        T: AuthenticatedVersion,
    {
        self.reader.not_before_version = Some(version);
        self
    }

    /// Sets what this library does not cover on the SDK's own builder; table and key are set
    /// afterwards.
    ///
    /// A projection is refused ([`UsageError::Customized`](crate::error::UsageError::Customized)), since a record opens only whole:
    /// [`Table::view`] reads a part.
    pub fn customize(
        mut self,
        with: impl FnOnce(GetItemFluentBuilder) -> GetItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// What is read, for a transaction.
    pub(crate) fn into_parts(self) -> (Reader<'a, T, P>, T::Key, Option<RefusedSetting>) {
        (self.reader, self.key, self.builder.refused_setting())
    }

    /// Reads and opens the record; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`from_item`](crate::from_item()), [`UsageError::Customized`](crate::error::UsageError::Customized),
    /// [`DataError::OlderVersion`](crate::error::DataError::OlderVersion), and whatever DynamoDB answers.
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
    /// Opens what was found as the record that was asked for, whatever key it says it has.
    pub(crate) async fn open(&self, asked: Item, found: Option<Item>) -> Result<Option<T>, Error> {
        let now = self.table.clock.system_time();
        let Some(found) = found.filter(|found| !self.skip_expired || !has_expired::<T>(found, now))
        else {
            return Ok(None);
        };
        let (id, version) = (record_id::<T>(&asked), version::<T>(&found));
        let record = from_item(with_requested_key(found, asked), &*self.table.provider).await?;
        match self.not_before_version {
            Some(not_before) if version.is_none_or(|version| version < not_before) => {
                Err(Error::new(id, ErrorKind::Data(DataError::OlderVersion { not_before })))
            }
            _ => Ok(Some(record)),
        }
    }
}

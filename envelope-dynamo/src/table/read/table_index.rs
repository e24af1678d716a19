//! Reads a table through one of its indexes.

use envelope_core::UnwrapKey;

use crate::item::entity::{Entity, EntityOf};
use crate::record::Envelope;
use crate::record::index::{Index, IndexKey};
use crate::record::key::IntoValue;
use crate::table::Table;
use crate::table::read::{Query, Scan};

impl<T: Entity + 'static, P: UnwrapKey + ?Sized + 'static> Table<T, P> {
    /// Selects one of the indexes that the struct declares: `#[envelope(index(..))]`.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(
    ///     table = "users",
    ///     index(name = "by-plan", partition_key = plan, sort_key = created)
    /// )]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    ///     #[authenticated]
    ///     plan: String,
    ///     #[plaintext]
    ///     created: u64,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let by_plan = users.index(|indexes| indexes.by_plan);
    /// let since = 1_800_000_000_u64;
    /// let new = by_plan.query("pro").sort(|created| created.gt(since)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The index must have every attribute that is needed to open a record. With the projection
    /// `ALL` it does. With another projection, DynamoDB refuses the first request, which asks for
    /// all attributes, at no cost. The second request asks for the attributes that the struct
    /// names. If the index lacks some of them, the error is
    /// [`UsageError::NotProjected`](crate::error::UsageError::NotProjected), which lists them.
    /// [`fetch_base_table`](Query::fetch_base_table) reads whole records through any index.
    pub fn index<K: IndexKey, I>(
        &self,
        choose: impl FnOnce(&<T::First as Envelope>::Indexes) -> Index<T::First, K, I>,
    ) -> TableIndex<'_, T, P, K, I> {
        TableIndex::new(self, choose(&T::First::indexes()))
    }

    /// Selects an index that a record of the enum `T` declares, to read records of all its types.
    ///
    /// [`index`](Self::index) selects from the indexes of the first record of an enum.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// use envelope_dynamo::{Envelope, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "clinic")]
    /// #[partition_key(name = "pk", format = "PATIENT#{id}")]
    /// #[sort_key(name = "sk", format = "PROFILE")]
    /// struct Patient {
    ///     #[key]
    ///     id: String,
    ///     #[encrypted]
    ///     name: String,
    /// }
    ///
    /// #[derive(Envelope)]
    /// #[envelope(
    ///     table = "clinic",
    ///     index(
    ///         name = "gsi1",
    ///         partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
    ///         sort_key(name = "gsi1sk", format = "VISIT#{start:020}"),
    ///     ),
    /// )]
    /// #[partition_key(name = "pk", format = "PATIENT#{id}")]
    /// #[sort_key(name = "sk", format = "VISIT#{start:020}")]
    /// struct Visit {
    ///     #[key]
    ///     id: String,
    ///     #[key]
    ///     start: u64,
    ///     #[authenticated]
    ///     doctor: String,
    ///     #[encrypted]
    ///     notes: String,
    /// }
    ///
    /// #[derive(Envelope)]
    /// enum Clinic {
    ///     Patient(Patient),
    ///     Visit(Visit),
    /// }
    ///
    /// let clinic = Table::<Clinic>::new(dynamodb, provider);
    /// let gsi1 = clinic.index_of(Visit::indexes().gsi1);
    /// let of_doctor = gsi1.query("d_1").send().await?; // all types that share the index
    /// # Ok(())
    /// # }
    /// ```
    pub fn index_of<R: EntityOf<T>, K: IndexKey, I>(
        &self,
        index: Index<R, K, I>,
    ) -> TableIndex<'_, T, P, K, I> {
        TableIndex::new(self, index.retyped())
    }
}

/// Reads a table through one of its indexes; see [`Table::index`].
///
/// An index holds the records that have its key attributes. These attributes only say where the
/// index lists a record. The record stays bound to its primary key.
///
/// # Security
///
/// Whoever can write the table can change the readable attributes of a record. The index then lists
/// the record elsewhere. If a changed attribute is `#[authenticated]`, the record does not open any
/// more. If it is `#[plaintext]`, the record opens with the changed value. No read notices that a
/// record was removed from an index.
///
/// A composed key (`partition_key(name = "..", format = "..")`) is made of fields, and the record
/// is not bound to it. So each record that is read through the index must have the fields that make
/// the key under which the index lists it; otherwise it is an error,
/// [`DataError::IndexKeyMismatch`](crate::error::DataError::IndexKeyMismatch). If the fields are
/// `#[authenticated]` or keys, nobody can list a record under a key that its writer did not give
/// it. Views, counts, and items that are not sealed are not compared.
///
/// A search tag (an index by a `#[searchable]` field) is authenticated. A query compares each
/// record with the value that it searches for; see [`query`](Self::query).
#[derive(Debug)]
pub struct TableIndex<'a, T: Entity, P: ?Sized, K: IndexKey, I> {
    table: &'a Table<T, P>,
    index: Index<T::First, K, I>,
}

impl<'a, T: Entity + 'static, P: UnwrapKey + ?Sized + 'static, K: IndexKey, I>
    TableIndex<'a, T, P, K, I>
{
    pub(crate) const fn new(table: &'a Table<T, P>, index: Index<T::First, K, I>) -> Self {
        Self { table, index }
    }

    /// Reads the records under one partition key of the index.
    ///
    /// If the key is a `#[searchable]` field, this searches for records by the value of an
    /// encrypted field. It needs [`Table::with_search_keys`].
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// use envelope_dynamo::keys::{SearchKeyTable, SearchKeys};
    /// use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
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
    /// let search_keys = KmsKeyProvider::new(kms.clone(), "alias/search-keys");
    /// let search_keys = SearchKeyTable::new(dynamodb.clone(), "search-keys", search_keys);
    /// let users = Table::<User>::new(dynamodb, KmsKeyProvider::new(kms, "alias/users"))
    ///     .with_search_keys(SearchKeys::per_table(search_keys));
    /// let zoe: Option<User> = users.index(|i| i.by_email).query("Zoe@Example.com ").one().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An empty value, after the steps of the field, finds nothing.
    ///
    /// The tag is computed when the query runs. While a search key is rotated, there are two tags.
    /// The old one is queried first, then the new one, each in its own order. The stream returns a
    /// record once. A record that does not move meanwhile is never missed. DynamoDB moves a record
    /// in an index by two writes, so a search may miss a record that moves at that moment.
    ///
    /// # Security
    ///
    /// A record is returned only if its own value, after the steps, is the one that is searched
    /// for. The value must be sealed: one that `accept = "plaintext"` took from an attribute
    /// does not count, and neither does an item that is not sealed. Other records under the tag
    /// are passed over, and counted by
    /// [`Records::passed_over`](crate::read::Records::passed_over).
    ///
    /// An index is not unique. Two records may have the value, and an old version of a record that
    /// somebody put back is found under its old value. So use [`one`](Query::one) to log somebody
    /// in. Whoever can write the table can hide a record from the index.
    ///
    /// DynamoDB sees the tag, so it sees which searches are for one value, and how often.
    pub fn query(&self, partition: impl IntoValue<K::Partition>) -> Query<'a, T, P, K, I> {
        Query::new(self.table, self.index, self.index.partition.operands(partition))
    }

    /// Reads all records in the index.
    pub fn scan(&self) -> Scan<'a, T, P, K, I> {
        Scan::new(self.table, self.index)
    }
}

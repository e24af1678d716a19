//! A table by one of its indexes.

use envelope_core::UnwrapKey;

use crate::item::entity::Entity;
use crate::record::Envelope;
use crate::record::index::Index;
use crate::record::key::{IntoValue, RecordKey};
use crate::table::Table;
use crate::table::read::{Query, Scan};

impl<T: Entity + 'static, P: UnwrapKey + ?Sized + 'static> Table<T, P> {
    /// Reads by one of the indexes that the struct names: `#[envelope(index(..))]`.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "users", index(name = "by-plan", partition_key = plan, sort_key = created))]
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
    /// let new: Vec<User> = by_plan.query("pro").sort(|created| created.gt(1_800_000_000_u64)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The index must have everything that a record needs to be opened: the projection ALL does. Of
    /// another, DynamoDB is asked first for everything, which it refuses at no cost, and then
    /// for the attributes that the struct names; what is not there is said by
    /// [`UsageError::NotProjected`](crate::error::UsageError::NotProjected). [`fetch_base_table`](Query::fetch_base_table) reads whole
    /// records through any.
    pub fn index<K: RecordKey, I>(
        &self,
        choose: impl FnOnce(&<T::First as Envelope>::Indexes) -> Index<T::First, K, I>,
    ) -> TableIndex<'_, T, P, K, I> {
        TableIndex::new(self, choose(&T::First::indexes()))
    }
}

/// A table, read by one of its indexes; see [`Table::index`].
///
/// DynamoDB keeps in an index the records that have its key attributes. Those attributes say where
/// a record is found, not what it is: it stays bound to its primary key.
///
/// # Security
///
/// Somebody who can write the table can give a record other values of its readable attributes, and
/// then it is found elsewhere in the index. With `#[authenticated]` attributes the record does not
/// open any more; with `#[plaintext]` ones it opens and says what they put there. Records that were
/// removed from an index are not missed.
#[derive(Debug)]
pub struct TableIndex<'a, T: Entity, P: ?Sized, K: RecordKey, I> {
    table: &'a Table<T, P>,
    index: Index<T::First, K, I>,
}

impl<'a, T: Entity + 'static, P: UnwrapKey + ?Sized + 'static, K: RecordKey, I>
    TableIndex<'a, T, P, K, I>
{
    pub(crate) const fn new(table: &'a Table<T, P>, index: Index<T::First, K, I>) -> Self {
        Self { table, index }
    }

    /// The records under one partition key of the index.
    pub fn query(&self, partition: impl IntoValue<K::Partition>) -> Query<'a, T, P, K, I> {
        Query::new(self.table, self.index, self.index.partition.operand(partition))
    }

    /// All records in the index.
    pub fn scan(&self) -> Scan<'a, T, P, K, I> {
        Scan::new(self.table, self.index)
    }
}

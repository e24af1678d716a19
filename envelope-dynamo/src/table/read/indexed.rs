//! A table by one of its indexes.

use envelope_core::UnwrapKey;

use crate::item::entity::Entity;
use crate::record::index::Index;
use crate::record::key::{IntoValue, RecordKey};
use crate::table::{Query, Scan, Table};

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
pub struct Indexed<'a, T: Entity, P: ?Sized, K: RecordKey, I> {
    table: &'a Table<T, P>,
    index: Index<T::First, K, I>,
}

impl<'a, T: Entity + 'static, P: UnwrapKey + ?Sized + 'static, K: RecordKey, I>
    Indexed<'a, T, P, K, I>
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

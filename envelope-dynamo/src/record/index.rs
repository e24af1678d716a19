//! The primary key and the secondary indexes of a record, as types.
//!
//! `#[envelope(index(..))]` declares a secondary index. The derive makes an [`Index`] for it, which
//! [`Table::index`](crate::Table::index) takes. A program names the types of this module only in
//! signatures of its own.
//!
//! - [`Index`] is an index of a record, with its key and its [`kind`]. [`PrimaryKey`] is the index
//!   that is the table itself. [`NoIndexes`] is the type of the indexes of a struct without any.
//! - [`ReadsConsistently`], [`Secondary`] and [`Sorted`] are bounds of the calls that only some
//!   indexes support: consistent reads, [`fetch_base_table`](crate::read::Query::fetch_base_table),
//!   and conditions on a sort key.
//!
//! ```
//! use envelope_dynamo::Envelope;
//! use envelope_dynamo::record::index::{Index, PrimaryKey, kind};
//! use envelope_dynamo::record::{Composite, Partition};
//!
//! #[derive(Envelope)]
//! #[envelope(
//!     table = "visits",
//!     index(name = "by-ward", partition_key = ward),
//!     index(name = "by-day", local, sort_key = day),
//! )]
//! struct Visit {
//!     #[partition_key]
//!     patient_id: String,
//!     #[sort_key]
//!     number: u32,
//!     #[encrypted]
//!     diagnosis: String,
//!     #[authenticated]
//!     ward: String,
//!     #[authenticated]
//!     day: String,
//! }
//!
//! let by_ward: Index<Visit, Partition<String>, kind::Global> = Visit::indexes().by_ward;
//! let by_day: Index<Visit, Composite<String, String>, kind::Local> = Visit::indexes().by_day;
//! assert_eq!(by_ward.name(), Some("by-ward"));
//! assert_eq!(format!("{by_day:?}"), "by-day(patient_id, day)");
//!
//! /// The table itself, as an index.
//! fn table(key: PrimaryKey<Visit>) -> Index<Visit, Composite<String, u32>, kind::Primary> {
//!     key
//! }
//! ```

use std::fmt;
use std::marker::PhantomData;

use aws_sdk_dynamodb::types::ScalarAttributeType;

use crate::record::Envelope;
use crate::record::attribute::{Attribute, Readable};
use crate::record::field::{Field, Mark};
pub use crate::record::index_key::{
    IndexKey, NextSearchedKey, NextSortKey, SortList, SortedBy, Then, ThenSearched,
};
use crate::record::index_key::{KeyAttribute, PartitionKey};
use crate::record::key::{AnyKey, Composite, Partition, RecordKey};

/// The kinds of index, as types. The kind decides which calls an index supports.
///
/// ```
/// use envelope_dynamo::record::index::{Index, IndexKey, ReadsConsistently, kind};
/// use envelope_dynamo::{Envelope, record};
///
/// #[derive(Envelope)]
/// #[envelope(table = "visits", index(name = "by-day", local, sort_key = day))]
/// struct Visit {
///     #[partition_key]
///     patient_id: String,
///     #[sort_key]
///     number: u32,
///     #[encrypted]
///     diagnosis: String,
///     #[authenticated]
///     day: String,
/// }
///
/// // Takes the table itself and local indexes. A global one does not compile.
/// fn name<T, K: IndexKey, I: ReadsConsistently>(index: &Index<T, K, I>) -> Option<&'static str> {
///     index.name()
/// }
///
/// type ByDay = Index<Visit, record::Composite<String, String>, kind::Local>;
/// let by_day: ByDay = Visit::indexes().by_day;
/// assert_eq!(name(&by_day), Some("by-day"));
/// ```
pub mod kind {
    /// The table itself, by its primary key.
    ///
    /// [`index`](super) has an example.
    #[derive(Clone, Copy, Debug)]
    pub enum Primary {}
    /// A global secondary index: any partition key. DynamoDB updates it after the write, so a read
    /// may miss the latest writes.
    ///
    /// [`index`](super) has an example.
    #[derive(Clone, Copy, Debug)]
    pub enum Global {}
    /// A local secondary index: the table's partition key and another sort key.
    ///
    /// [`kind`](self) has an example.
    #[derive(Clone, Copy, Debug)]
    pub enum Local {}
}

/// A kind of index that supports consistent reads. You cannot implement this trait.
///
/// It is a bound of [`Query::consistent_read`](crate::read::Query::consistent_read). The example of
/// [`kind`] has a function with it.
#[diagnostic::on_unimplemented(
    message = "a global secondary index does not support consistent reads",
    label = "DynamoDB updates a global index after the write",
    note = "`.fetch_base_table()` reads the current record from the table for each entry of the index"
)]
pub trait ReadsConsistently: sealed::Sealed {}

impl ReadsConsistently for kind::Primary {}

impl ReadsConsistently for kind::Local {}

/// A kind of secondary index. You cannot implement this trait.
///
/// It is a bound of [`Query::fetch_base_table`](crate::read::Query::fetch_base_table), and of
/// functions of your own that take every index but the table itself:
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::index::{Index, IndexKey, Secondary};
///
/// #[derive(Envelope)]
/// #[envelope(table = "visits", index(name = "by-ward", partition_key = ward))]
/// struct Visit {
///     #[partition_key]
///     visit_id: String,
///     #[encrypted]
///     notes: String,
///     #[authenticated]
///     ward: String,
/// }
///
/// fn name<T, K: IndexKey, I: Secondary>(index: &Index<T, K, I>) -> &'static str {
///     index.name().expect("only the table itself has no name")
/// }
///
/// assert_eq!(name(&Visit::indexes().by_ward), "by-ward");
/// ```
#[diagnostic::on_unimplemented(
    message = "these records are already read from the table",
    label = "not a secondary index"
)]
pub trait Secondary: sealed::Sealed {
    #[doc(hidden)]
    const IS_LOCAL: bool;
}

impl Secondary for kind::Global {
    const IS_LOCAL: bool = false;
}

impl Secondary for kind::Local {
    const IS_LOCAL: bool = true;
}

/// A key that includes a sort key: of a table or an index.
///
/// It is a bound of [`Query::sort`](crate::read::Query::sort), which has examples.
#[diagnostic::on_unimplemented(
    message = "this key has no sort key to set conditions on",
    label = "the key is only a partition key: `{Self}`",
    note = "for conditions on other readable attributes, write a filter: `.filter(|record| ..)`"
)]
pub trait Sorted: RecordKey {}

impl<P, S> Sorted for Composite<P, S> {}

impl<P, S> Sorted for AnyKey<P, S> {}

impl<P, L: SortList> Sorted for SortedBy<P, L> {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::record::index::kind::Primary {}
    impl Sealed for crate::record::index::kind::Global {}
    impl Sealed for crate::record::index::kind::Local {}
}

/// An index of the records `T`, with the key `K` and the [`kind`] `I`.
///
/// Derived code makes one for each `#[envelope(index(..))]`. [`Table::index`](crate::Table::index)
/// takes it.
///
/// ```
/// use envelope_dynamo::Envelope;
///
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
/// assert_eq!(User::indexes().by_plan.name(), Some("by-plan"));
/// assert_eq!(format!("{:?}", User::indexes().by_plan), "by-plan(plan, created)");
/// ```
pub struct Index<T, K: IndexKey, I> {
    name: Option<&'static str>,
    pub(crate) partition: PartitionKey<T, K::Partition>,
    pub(crate) sort: Option<K::SortKeys<T>>,
    kind: PhantomData<fn() -> I>,
}

/// The attributes of the table's key. A composed key is a string.
pub(crate) fn primary_key_attributes<T: Envelope>() -> Vec<KeyAttribute> {
    let typed = T::primary_key().schema_keys();
    let attribute = |field: &'static Field| {
        let known = typed.iter().find(|key| key.name == field.name);
        known.cloned().unwrap_or(KeyAttribute {
            name: field.name,
            is_sort: field.mark == Mark::SortKey,
            scalar: Some(ScalarAttributeType::S),
        })
    };
    [T::SCHEMA.partition_key(), T::SCHEMA.sort_key()].into_iter().flatten().map(attribute).collect()
}

/// The definition from which a secondary index is created.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct IndexSchema {
    pub(crate) name: &'static str,
    pub(crate) is_local: bool,
    pub(crate) keys: Vec<KeyAttribute>,
}

impl IndexSchema {
    /// Whether `other` has the same keys.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let key = |key: &KeyAttribute| (key.name, key.is_sort);
        let names = |schema: &Self| schema.keys.iter().map(key).collect::<Vec<_>>();
        self.is_local == other.is_local && names(self) == names(other)
    }
}

/// The indexes of a struct without any `#[envelope(index(..))]`.
///
/// ```
/// use envelope_dynamo::Envelope;
/// use envelope_dynamo::record::index::NoIndexes;
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
/// /// Compiles for records that are found by their primary key alone.
/// fn table<T: Envelope<Indexes = NoIndexes>>() -> &'static str {
///     T::TABLE
/// }
///
/// assert_eq!(table::<User>(), "users");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoIndexes;

/// The table's primary key as an index. [`index`](self) has an example.
pub type PrimaryKey<T> = Index<T, <T as Envelope>::Key, kind::Primary>;

impl<T, K: IndexKey, I> Index<T, K, I> {
    /// Returns the name of the index; `None` for the table itself.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Returns the partition key, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub const fn partition_key(&self) -> PartitionKey<T, K::Partition> {
        self.partition
    }

    /// The key attributes with their types, the partition keys first.
    pub(crate) fn schema_keys(&self) -> Vec<KeyAttribute> {
        let mut keys = self.partition.attributes();
        keys.extend(self.sort_attributes());
        keys
    }

    /// The sort keys with their types.
    pub(crate) fn sort_attributes(&self) -> Vec<KeyAttribute> {
        self.sort.as_ref().map(K::sort_attributes).unwrap_or_default()
    }

    /// Returns the definition from which the index is created, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub fn schema(&self) -> IndexSchema
    where
        I: Secondary,
    {
        IndexSchema {
            name: self.name.unwrap_or_default(),
            is_local: I::IS_LOCAL,
            keys: self.schema_keys(),
        }
    }

    /// The same index, of a record type `U` of the same table.
    pub(crate) fn retyped<U>(&self) -> Index<U, K, I> {
        let partition = self.partition.retyped();
        let sort = self.sort.as_ref().map(K::retyped);
        Index { name: self.name, partition, sort, kind: PhantomData }
    }

    /// The names of the key attributes, the partition keys first.
    pub(crate) fn key_names(&self) -> impl Iterator<Item = &'static str> + use<T, K, I> {
        self.schema_keys().into_iter().map(|key| key.name)
    }

    /// An index with any keys, for derived code.
    #[doc(hidden)]
    #[must_use]
    pub const fn by_several(
        name: Option<&'static str>,
        partition: PartitionKey<T, K::Partition>,
        sort: Option<K::SortKeys<T>>,
    ) -> Self {
        Self { name, partition, sort, kind: PhantomData }
    }
}

/// For derived code.
#[doc(hidden)]
impl<T, P, I> Index<T, Partition<P>, I> {
    /// An index whose key is only a partition key.
    #[must_use]
    pub const fn by_partition<M: Readable>(
        name: Option<&'static str>,
        partition: Attribute<T, P, M>,
    ) -> Self {
        let partition = PartitionKey::One(partition.as_key());
        Self { name, partition, sort: None, kind: PhantomData }
    }
}

/// For derived code.
#[doc(hidden)]
impl<T, P, S, I> Index<T, Composite<P, S>, I> {
    /// An index whose key is a partition key and a sort key.
    #[must_use]
    pub const fn by_both<M: Readable, N: Readable>(
        name: Option<&'static str>,
        partition: Attribute<T, P, M>,
        sort: Attribute<T, S, N>,
    ) -> Self {
        let partition = PartitionKey::One(partition.as_key());
        Self { name, partition, sort: Some(sort.as_key()), kind: PhantomData }
    }
}

impl<T, K: IndexKey, I> Clone for Index<T, K, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, K: IndexKey, I> Copy for Index<T, K, I> {}

impl<T, K: IndexKey, I> fmt::Debug for Index<T, K, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.key_names().collect();
        write!(f, "{}({})", self.name.unwrap_or("table"), names.join(", "))
    }
}

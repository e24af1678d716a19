//! The record types of a program, for a command that is built with them.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use envelope_dynamo::item::Entity;
use envelope_dynamo::keys::SearchKeys;
use envelope_dynamo::maintain::{Backfill, SchemaFile};
use envelope_dynamo::{Envelope, KeyProvider, Table};

/// The record types of a program: a tuple of one to twelve types that derive `Envelope`.
///
/// ```
/// use envelope_cli::Records;
/// use envelope_dynamo::Envelope;
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
/// assert!(<(User,)>::schema().records().contains_key("User"));
/// ```
pub trait Records {
    /// The schema of the types.
    fn schema() -> SchemaFile;

    /// The types, each as what a command does with it.
    #[doc(hidden)]
    fn types() -> Vec<RecordType>;
}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<$first: Entity + 'static, $($rest: Entity + 'static),*> Records for ($first, $($rest,)*) {
            fn schema() -> SchemaFile {
                SchemaFile::new().with::<$first>()$(.with::<$rest>())*
            }

            fn types() -> Vec<RecordType> {
                vec![RecordType::of::<$first>() $(, RecordType::of::<$rest>())*]
            }
        }
        tuples!($($rest)*);
    )?};
}

tuples!(A B C D E F G H I J K L);

/// A record type, or an enum of record types, without its Rust type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct RecordType {
    /// The logical name of its table.
    pub(crate) table: &'static str,
    /// A backfill of this type alone.
    pub(crate) backfill: fn(Client, Arc<dyn KeyProvider>, &Place<'_>) -> Backfill,
    /// Adds the type to a backfill of its table.
    pub(crate) join: fn(Backfill) -> Backfill,
}

/// The table of a backfill, and what its search tags and unique values need.
#[derive(Debug)]
pub(crate) struct Place<'p> {
    /// The physical name of the table.
    pub(crate) table: &'p str,
    /// The search keys, if any were named.
    pub(crate) search: Option<SearchKeys>,
    /// The physical name of the table of claims, if one was named.
    pub(crate) claims: Option<&'p str>,
}

impl RecordType {
    fn of<T: Entity + 'static>() -> Self {
        Self {
            table: T::First::TABLE,
            backfill: |dynamodb, keys, place| {
                let mut table = Table::<T>::new(dynamodb, keys).named(place.table);
                if let Some(search) = &place.search {
                    table = table.with_search_keys(search.clone());
                }
                if let Some(claims) = place.claims {
                    table = table.with_claims(claims);
                }
                Backfill::new(&table)
            },
            join: Backfill::also::<T>,
        }
    }
}

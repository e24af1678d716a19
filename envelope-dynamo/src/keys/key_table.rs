//! A DynamoDB table of wrapped keys: what the tables of branch keys and of search keys share.

pub(crate) mod change;
pub(crate) mod create_table;
pub(crate) mod delete_version;
pub(crate) mod error;
pub(crate) mod item;
pub(crate) mod purpose;
pub(crate) mod read;
pub(crate) mod version;

use std::fmt;

use aws_sdk_dynamodb::Client;

use crate::keys::key_table::purpose::Purpose;

/// A table with a pointer for each branch, and an item for each version of its key.
///
/// What a pointer says differs: it is parsed by the table of branch keys or of search keys.
pub(crate) struct KeyTable<P> {
    pub(crate) client: Client,
    pub(crate) logical: String,
    pub(crate) name: String,
    pub(crate) provider: P,
    pub(crate) purpose: Purpose,
}

impl<P> KeyTable<P> {
    /// The physical name is the logical one, until [`named`](Self::named) changes it.
    pub(crate) fn new(client: Client, logical: String, provider: P, purpose: Purpose) -> Self {
        Self { client, name: logical.clone(), logical, provider, purpose }
    }

    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// The fields that a public type shows.
    pub(crate) fn debug(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name)
            .field("name", &self.name)
            .field("logical", &self.logical)
            .finish_non_exhaustive()
    }
}

//! Where a query or a scan reads: client, table, index, and attributes.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;

/// What all pages of a query or a scan share.
pub(crate) struct Source {
    pub(crate) client: Client,
    /// The physical table name.
    pub(crate) table: Arc<str>,
    /// The logical table name.
    pub(crate) logical: &'static str,
    pub(crate) index: Option<&'static str>,
    /// The attributes of the table's key.
    pub(crate) primary: Vec<&'static str>,
    /// The attributes of the table's key and of the index's key.
    pub(crate) keys: Vec<&'static str>,
    /// The attributes that a record or view can have. Empty if the struct does not name them all.
    pub(crate) named: Vec<String>,
    /// The kinds of record that are read.
    pub(crate) kinds: &'static [Kind],
    /// Identifies the record of an item.
    pub(crate) identity: fn(&Item) -> Result<KeyIdentity, ErrorKind>,
    /// How many items DynamoDB may read for a page.
    pub(crate) page_size: Option<i32>,
    /// Whether every item that DynamoDB reads becomes a record.
    pub(crate) gives_all: bool,
    /// Whether this is a search, which returns a record once.
    pub(crate) is_search: bool,
}

/// The attributes of an item with these names.
pub(crate) fn parts(item: &Item, names: &[&'static str]) -> Item {
    KeyParts::of(item, names).into_item()
}

/// The key attributes of an item. They become an item only where a position is asked for.
#[derive(Clone)]
pub(crate) struct KeyParts(Vec<(&'static str, AttributeValue)>);

impl KeyParts {
    pub(crate) fn of(item: &Item, names: &[&'static str]) -> Self {
        let mut parts = Vec::with_capacity(names.len());
        parts.extend(names.iter().filter_map(|name| Some((*name, item.get(*name)?.clone()))));
        Self(parts)
    }

    pub(crate) fn into_item(self) -> Item {
        self.0.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

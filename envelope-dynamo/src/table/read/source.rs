//! Where a query or a scan reads: client, table, and what identifies an item.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::record::key_identity::KeyIdentity;

/// What the pages have in common.
pub(crate) struct Source {
    pub(crate) client: Client,
    /// The physical table.
    pub(crate) table: Arc<str>,
    /// The logical table.
    pub(crate) logical: &'static str,
    pub(crate) index: Option<&'static str>,
    /// The attributes of the table's key.
    pub(crate) primary: Vec<&'static str>,
    /// Those, and the attributes of the index's key.
    pub(crate) keys: Vec<&'static str>,
    /// Every attribute that a record can have; empty if that cannot be told.
    pub(crate) named: Vec<String>,
    /// Which record an item is.
    pub(crate) identity: fn(&Item) -> Result<KeyIdentity, ErrorKind>,
    /// How many items DynamoDB is to look at for a page.
    pub(crate) page_size: Option<i32>,
    /// Whether every item that is looked at is given.
    pub(crate) gives_all: bool,
}

/// The attributes of an item that bear one of `names`.
pub(crate) fn parts(item: &Item, names: &[&'static str]) -> Item {
    names
        .iter()
        .filter_map(|name| item.get(*name).map(|value| ((*name).to_owned(), value.clone())))
        .collect()
}

//! Opening the items of a page, with one call for each data key in it.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{CacheLimits, CachedKeyProvider, UnwrapKey};

use crate::binding::Item;
use crate::entity::Entity;
use crate::error::Error;
use crate::item::from_item;
use crate::write::ENCRYPTED_DEK;

/// A record being opened.
pub(super) type Opening<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Longer than a page is being opened: what is kept goes with the page.
const KEPT: Duration = Duration::from_secs(3_600);

/// Whoever unwraps the data keys of a page.
#[derive(Clone)]
pub(in crate::table) struct Opener(Arc<dyn UnwrapKey>);

impl Opener {
    pub(in crate::table) fn new(provider: Arc<dyn UnwrapKey>) -> Self {
        Self(provider)
    }

    /// For a page in which records share a data key: each is unwrapped once. Where none do, nothing is kept.
    pub(super) fn for_page<'i>(&self, items: impl Iterator<Item = &'i Item>) -> Self {
        let (mut distinct, mut count) = (HashSet::new(), 0);
        for key in items.flat_map(wrapped_keys) {
            distinct.insert(key);
            count += 1;
        }
        if distinct.len() == count {
            return self.clone();
        }
        let limits = CacheLimits::new(KEPT).max_entries(distinct.len().max(1));
        Self(Arc::new(CachedKeyProvider::new(Arc::clone(&self.0), limits)))
    }

    pub(super) fn open<T: Entity + 'static>(&self, item: Item) -> Opening<T> {
        let provider = Arc::clone(&self.0);
        Box::pin(async move { from_item(item, &*provider).await })
    }
}

/// The wrapped data keys of a record and of its groups.
fn wrapped_keys(item: &Item) -> impl Iterator<Item = &[u8]> {
    item.iter().filter(|(name, _)| name.starts_with(ENCRYPTED_DEK)).filter_map(|(_, value)| match value {
        AttributeValue::B(dek) => Some(dek.as_ref()),
        _ => None,
    })
}

//! Opening the items of a page, with one call for each data key in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{CacheLimits, CachedKeyProvider, UnwrapKey};

use crate::dynamodb::Item;
use crate::item::entity::Entity;
use crate::item::from_item;
use crate::record::schema::ENCRYPTED_DEK;
use crate::record::view::{View, view_item};
use crate::table::openings::Opening;

/// Longer than a page is being opened: what is kept goes with the page.
const KEPT: Duration = Duration::from_secs(3_600);

/// What becomes of the items of a page.
pub(crate) struct Opener<T> {
    provider: Arc<dyn UnwrapKey>,
    /// Whether an item is one to read; others are passed over.
    takes: fn(&Item) -> bool,
    open: fn(Item, Arc<dyn UnwrapKey>) -> Opening<'static, T>,
}

impl<T> Clone for Opener<T> {
    fn clone(&self) -> Self {
        Self { provider: Arc::clone(&self.provider), ..*self }
    }
}

impl<T: 'static> Opener<T> {
    /// Items are opened as records.
    pub(crate) fn records(provider: Arc<dyn UnwrapKey>) -> Self
    where
        T: Entity,
    {
        Self {
            provider,
            takes: T::takes,
            open: |item, provider| Box::pin(async move { from_item(item, &*provider).await }),
        }
    }

    /// Items are read as views; nothing is opened.
    pub(crate) fn views(provider: Arc<dyn UnwrapKey>) -> Self
    where
        T: View<Record: Entity> + Send,
    {
        let open =
            |item, _| -> Opening<'static, T> { Box::pin(std::future::ready(view_item(item))) };
        Self { provider, takes: <T::Record as Entity>::takes, open }
    }

    pub(crate) fn takes(&self, item: &Item) -> bool {
        (self.takes)(item)
    }

    /// For a page in which records share a data key: each is unwrapped once. Where none do, nothing
    /// is kept.
    pub(crate) fn for_page<'i>(&self, items: impl Iterator<Item = &'i Item>) -> Self {
        let (mut distinct, mut count) = (HashSet::new(), 0);
        for key in items.flat_map(wrapped_keys) {
            distinct.insert(key);
            count += 1;
        }
        if distinct.len() == count {
            return self.clone();
        }
        let limits = CacheLimits::new(KEPT).max_entries(distinct.len().max(1));
        Self {
            provider: Arc::new(CachedKeyProvider::new(Arc::clone(&self.provider), limits)),
            ..*self
        }
    }

    pub(crate) fn open(&self, item: Item) -> Opening<'static, T> {
        (self.open)(item, Arc::clone(&self.provider))
    }
}

/// The wrapped data keys of a record and of its groups.
fn wrapped_keys(item: &Item) -> impl Iterator<Item = &[u8]> {
    item.iter().filter(|(name, _)| name.starts_with(ENCRYPTED_DEK)).filter_map(|(_, value)| {
        match value {
            AttributeValue::B(dek) => Some(dek.as_ref()),
            _ => None,
        }
    })
}

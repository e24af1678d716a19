//! Opens the items of a page, with one call to the provider for each data key in the page.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::{CacheLimits, CachedKeyProvider, UnwrapKey};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::item::entity::Entity;
use crate::item::plaintext::{PlaintextPolicy, id_of, read_item};
use crate::record::Envelope as _;
use crate::record::schema::ENCRYPTED_DEK;
use crate::record::view::{View, view_item};
use crate::table::openings::Opening;

/// Longer than it takes to open a page. The cache is dropped with the page.
const CACHED_FOR: Duration = Duration::from_secs(3_600);

/// Turns the items of a page into records or views.
pub(crate) struct Opener<T> {
    provider: Arc<dyn UnwrapKey>,
    /// Whether an item is a record to return. Others are skipped.
    takes: fn(&Item) -> bool,
    open: fn(Item, Arc<dyn UnwrapKey>, PlaintextPolicy, KeyNames) -> Opening<'static, T>,
    /// What becomes of items that are not sealed.
    plaintext: PlaintextPolicy,
    /// The composed keys of the index that lists the items.
    listed_by: KeyNames,
}

/// The composed keys of an index: of its partition key and of its sort key.
pub(crate) type KeyNames = [Option<&'static str>; 2];

impl<T> Clone for Opener<T> {
    fn clone(&self) -> Self {
        let (provider, plaintext) = (Arc::clone(&self.provider), self.plaintext.clone());
        Self { provider, plaintext, ..*self }
    }
}

impl<T: 'static> Opener<T> {
    /// Opens items as records.
    pub(crate) fn records(
        provider: Arc<dyn UnwrapKey>,
        plaintext: PlaintextPolicy,
        listed_by: KeyNames,
    ) -> Self
    where
        T: Entity,
    {
        Self {
            provider,
            takes: T::takes,
            open: |item, provider, plaintext, names| {
                Box::pin(async move { read_listed(item, names, &*provider, &plaintext).await })
            },
            plaintext,
            listed_by,
        }
    }

    /// Reads items as views, and opens nothing.
    pub(crate) fn views(provider: Arc<dyn UnwrapKey>) -> Self
    where
        T: View<Record: Entity> + Send,
    {
        let open = |item, _, _, _| -> Opening<'static, T> {
            Box::pin(std::future::ready(view_item(item)))
        };
        let plaintext = PlaintextPolicy::default();
        let listed_by = KeyNames::default();
        Self { provider, takes: <T::Record as Entity>::takes, open, plaintext, listed_by }
    }

    pub(crate) fn takes(&self, item: &Item) -> bool {
        (self.takes)(item)
    }

    /// The opener for one page. If records of the page share a data key, it unwraps each key once.
    /// Otherwise it caches nothing.
    pub(crate) fn for_page<'i>(&self, items: impl Iterator<Item = &'i Item>) -> Self {
        let (mut distinct, mut count) = (HashSet::new(), 0);
        for key in items.flat_map(wrapped_keys) {
            distinct.insert(key);
            count += 1;
        }
        if distinct.len() == count {
            return self.clone();
        }
        let limits = CacheLimits::new(CACHED_FOR).max_entries(distinct.len().max(1));
        Self {
            provider: Arc::new(CachedKeyProvider::new(Arc::clone(&self.provider), limits)),
            plaintext: self.plaintext.clone(),
            ..*self
        }
    }

    pub(crate) fn open(&self, item: Item) -> Opening<'static, T> {
        (self.open)(item, Arc::clone(&self.provider), self.plaintext.clone(), self.listed_by)
    }
}

/// Reads an item that an index listed under the composed keys `names`, and compares these with the
/// fields of the record.
///
/// An item that is not sealed is not compared: whoever changes its key can change its fields as
/// well.
async fn read_listed<T: Entity>(
    item: Item,
    names: KeyNames,
    provider: &(impl UnwrapKey + ?Sized),
    policy: &PlaintextPolicy,
) -> Result<T, Error> {
    let listed: Vec<_> =
        names.into_iter().flatten().map(|name| (name, item.get(name).cloned())).collect();
    if listed.is_empty() || policy.state.accepts(&item) {
        return read_item(item, provider, policy).await;
    }
    let id = id_of(T::KINDS, &item);
    let record: T = read_item(item, provider, policy).await?;
    match record.mismatched_index_key(&listed) {
        None => Ok(record),
        Some(attribute) => {
            let id = id.unwrap_or_else(|| RecordId::of_table(T::First::TABLE));
            Err(Error::new(id, ErrorKind::Data(DataError::IndexKeyMismatch { attribute })))
        }
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

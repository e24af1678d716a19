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
use crate::item::plaintext::{PlaintextItems, PlaintextPolicy, id_of, is_plaintext, read_item};
use crate::item::question::{Answer, Question, Reading};
use crate::record::Envelope as _;
use crate::record::schema::ENCRYPTED_DEK;
use crate::record::view::{View, view_item};
use crate::table::openings::{LentItem, Opening};
use crate::table::read::in_tasks::OpenInTask;

/// Longer than it takes to open a page. The cache is dropped with the page.
const CACHED_FOR: Duration = Duration::from_secs(3_600);

/// Turns the items of a page into records or views.
pub(crate) struct Opener<T> {
    provider: Arc<dyn UnwrapKey>,
    /// Whether an item is a record to return. Others are skipped.
    takes: fn(&Item) -> bool,
    open: OpenWith<T>,
    /// Opens items in a task, if the caller wants that.
    pub(crate) in_task: Option<OpenInTask<T>>,
    /// What becomes of items that are not sealed.
    plaintext: PlaintextPolicy,
    listed_by: ListedBy,
}

/// Opens an item. `None` if it is no answer to the search.
type OpenWith<T> =
    fn(LentItem, Arc<dyn UnwrapKey>, PlaintextPolicy, ListedBy) -> Opening<'static, Option<T>>;

/// Why an index lists the items, as far as the records are compared with it.
#[derive(Clone, Default)]
pub(crate) struct ListedBy {
    /// The composed keys of the index.
    pub(crate) names: KeyNames,
    /// What a search asks for.
    pub(crate) question: Option<Arc<Question>>,
}

/// The composed keys of an index: of its partition key and of its sort key.
pub(crate) type KeyNames = [Option<&'static str>; 2];

impl<T> Clone for Opener<T> {
    fn clone(&self) -> Self {
        let (provider, plaintext) = (Arc::clone(&self.provider), self.plaintext.clone());
        Self { provider, plaintext, listed_by: self.listed_by.clone(), ..*self }
    }
}

impl<T: 'static> Opener<T> {
    /// Opens items as records.
    pub(crate) fn records(
        provider: Arc<dyn UnwrapKey>,
        plaintext: PlaintextPolicy,
        listed_by: ListedBy,
    ) -> Self
    where
        T: Entity,
    {
        Self {
            provider,
            takes: T::takes,
            open: |mut item, provider, plaintext, listed_by| {
                Box::pin(
                    async move { read_listed(&mut item, &listed_by, &*provider, &plaintext).await },
                )
            },
            in_task: None,
            plaintext,
            listed_by,
        }
    }

    /// Reads items as views, and opens nothing.
    pub(crate) fn views(provider: Arc<dyn UnwrapKey>) -> Self
    where
        T: View<Record: Entity> + Send,
    {
        let open = |mut item: LentItem, _, _, _| -> Opening<'static, Option<T>> {
            Box::pin(std::future::ready(view_item(std::mem::take(&mut item)).map(Some)))
        };
        let plaintext = PlaintextPolicy::default();
        let listed_by = ListedBy::default();
        let takes = <T::Record as Entity>::takes;
        Self { provider, takes, open, in_task: None, plaintext, listed_by }
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
            listed_by: self.listed_by.clone(),
            ..*self
        }
    }

    /// Opens an item. `None` if it is no answer to the search.
    pub(crate) fn open(&self, item: LentItem) -> Opening<'static, Option<T>> {
        let (provider, listed_by) = (Arc::clone(&self.provider), self.listed_by.clone());
        (self.open)(item, provider, self.plaintext.clone(), listed_by)
    }
}

/// Reads an item that an index listed, and compares the record with the search, and with the
/// composed keys of the index. `None` if it is no answer to the search.
///
/// An item that is not sealed is not compared with composed keys: whoever changes its key can
/// change its fields as well.
async fn read_listed<T: Entity>(
    item: &mut Item,
    listed_by: &ListedBy,
    provider: &(impl UnwrapKey + ?Sized),
    policy: &PlaintextPolicy,
) -> Result<Option<T>, Error> {
    let names = listed_by.names.into_iter().flatten();
    let listed: Vec<_> = names.map(|name| (name, item.get(name).cloned())).collect();
    let is_compared = !listed.is_empty() && !policy.state.accepts(item);
    let id = is_compared.then(|| id_of(T::KINDS, item)).flatten();
    let record: T = match &listed_by.question {
        None => read_item(item, provider, policy).await?,
        Some(question) => match answer(item, question, provider).await? {
            Some(record) => record,
            None => return Ok(None),
        },
    };
    match is_compared.then(|| record.mismatched_index_key(&listed)).flatten() {
        None => Ok(Some(record)),
        Some(attribute) => {
            let id = id.unwrap_or_else(|| RecordId::of_table(T::First::TABLE));
            Err(Error::new(id, ErrorKind::Data(DataError::IndexKeyMismatch { attribute })))
        }
    }
}

/// Reads an item that an index listed under a search tag. `None` if the record does not have the
/// searched values itself, or if nothing in the item is authentic.
pub(crate) async fn answer<T: Entity>(
    item: &mut Item,
    question: &Question,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<Option<T>, Error> {
    if is_plaintext(item) {
        return Ok(None);
    }
    let answer = Answer::unknown(question);
    let reading = Reading { plaintext: PlaintextItems::Refuse, answer: Some(&answer) };
    let record = T::open(item, provider, reading).await;
    match (answer.is_yes(), record) {
        (Some(true), record) => record.map(Some),
        (None, Err(error)) => Err(error),
        (Some(false), _) | (None, Ok(_)) => Ok(None),
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

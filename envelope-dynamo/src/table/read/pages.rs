//! The pages of a query, or of one segment of a scan.

use std::sync::Arc;

use aws_sdk_dynamodb::types::Select;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;
use crate::record::schema::RESERVED;
use crate::table::read::base_table::from_base_table;
use crate::table::read::read_request::{Answer, ReadRequest, RequestError};
use crate::table::read::source::{KeyParts, Source};

/// Reads the pages, one after the other.
#[derive(Clone)]
pub(crate) struct Pages {
    request: ReadRequest,
    projection: Projection,
    source: Arc<Source>,
}

/// The items of one page.
pub(crate) struct Page {
    /// Each item with its key, which is the exclusive start key of what comes after it.
    pub(crate) items: Vec<(Item, KeyParts)>,
    /// The exclusive start key of the next page; `None` after the last page.
    pub(crate) end: Option<Item>,
    /// Which attributes DynamoDB returned in the end.
    pub(crate) projection: Projection,
}

/// Which attributes of each item DynamoDB is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    /// All attributes of an item in the table.
    Table,
    /// All attributes of an item in an index. DynamoDB refuses this for a global index that does
    /// not project everything.
    All,
    /// The attributes of the struct. DynamoDB refuses this for an index that does not project them.
    Named,
    /// The keys alone. The items are then read from the table.
    Keys,
}

impl Pages {
    pub(crate) const fn new(
        request: ReadRequest,
        projection: Projection,
        source: Arc<Source>,
    ) -> Self {
        Self { request, projection, source }
    }

    /// The pages of another request for the same attributes.
    pub(crate) fn of(&self, request: ReadRequest) -> Self {
        Self::new(request, self.projection, Arc::clone(&self.source))
    }

    /// The index that is read.
    pub(crate) fn index(&self) -> Option<&'static str> {
        self.source.index
    }

    /// Identifies the record of an item, if the records of a search must be told apart.
    pub(crate) fn identity(&self, item: &Item) -> Option<KeyIdentity> {
        if self.source.is_search { (self.source.identity)(item).ok() } else { None }
    }

    /// Asks for these attributes from the next page on.
    pub(crate) const fn set_projection(&mut self, projection: Projection) {
        self.projection = projection;
    }

    /// Reads the page after `start`. The caller can use `wanted` of its records.
    pub(crate) async fn read(mut self, start: Option<Item>, wanted: usize) -> Result<Page, Error> {
        let limit = self.limit(wanted);
        loop {
            match self.projected().send(start.clone(), limit).await {
                Ok(answer) => return self.complete(answer).await,
                Err(error) if error.is_about_projection() && self.narrow() => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// The `Limit` of the request: no more than the caller can use, if every item that DynamoDB
    /// reads becomes a record.
    fn limit(&self, wanted: usize) -> Option<i32> {
        let wanted = i32::try_from(wanted).ok().filter(|_| self.source.gives_all);
        self.source.page_size.into_iter().chain(wanted).min()
    }

    fn projected(&self) -> ReadRequest {
        let request = self.request.clone();
        match self.projection {
            Projection::Table => request.select(None),
            Projection::All => request.select(Some(Select::AllAttributes)),
            Projection::Named => request.project(self.source.named.iter().map(String::as_str)),
            Projection::Keys => request.project(self.source.keys.iter().copied()),
        }
    }

    /// Asks for fewer attributes, if fewer can be enough.
    fn narrow(&mut self) -> bool {
        let can = self.projection == Projection::All && !self.source.named.is_empty();
        if can {
            self.projection = Projection::Named;
        }
        can
    }

    async fn complete(&self, answer: Answer) -> Result<Page, Error> {
        let with_key = |item: Item| {
            let key = KeyParts::of(&item, &self.source.keys);
            (item, key)
        };
        let mut items: Vec<_> = answer.items.into_iter().map(with_key).collect();
        if self.projection == Projection::Keys {
            items = from_base_table(&self.source, items).await?;
        } else if let Some(missing) = self.missing(items.iter().map(|(item, _)| item)) {
            return Err(self.not_projected(missing));
        }
        Ok(Page { items, end: answer.end, projection: self.projection })
    }

    /// The attributes that an index leaves out of every item. DynamoDB refuses such a request
    /// itself, but not every emulator does.
    fn missing<'i>(&self, items: impl Iterator<Item = &'i Item> + Clone) -> Option<Vec<String>> {
        self.source.index?;
        let wants_sealed = self.projection == Projection::All
            || self.source.named.iter().any(|name| RESERVED.contains(&name.as_str()));
        if !wants_sealed {
            return None;
        }
        let items = items.filter(|item| Kind::unprotected_of(self.source.kinds, item).is_none());
        let all_lack = |name: &str| items.clone().all(|item| !item.contains_key(name));
        let is_sealed = items.clone().next().is_none() || !RESERVED.into_iter().all(all_lack);
        (!is_sealed).then(|| {
            let named = self.source.named.iter().map(String::as_str);
            let others = named.filter(|name| !RESERVED.contains(name) && all_lack(name));
            RESERVED.into_iter().chain(others).map(str::to_owned).collect()
        })
    }

    fn failed(&self, error: RequestError) -> Error {
        if error.is_about_projection() {
            return self.not_projected(self.named_in(error.message()));
        }
        error.into_error(&self.source)
    }

    fn not_projected(&self, missing: Vec<String>) -> Error {
        let index = self.source.index.unwrap_or_default();
        Error::new(
            RecordId::of_table(self.source.logical),
            ErrorKind::Usage(UsageError::NotProjected { index, missing }),
        )
    }

    /// The attributes that DynamoDB's message lists in brackets. If it lists none, all that a
    /// record needs.
    fn named_in(&self, message: &str) -> Vec<String> {
        let listed = message.rsplit_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
        let needed = &self.source.named;
        let named: Vec<_> = needed
            .iter()
            .filter(|name| listed.split(',').any(|word| word.trim() == *name))
            .cloned()
            .collect();
        match (named.is_empty(), needed.is_empty()) {
            (false, _) => named,
            (true, false) => needed.clone(),
            (true, true) => RESERVED.map(str::to_owned).to_vec(),
        }
    }
}

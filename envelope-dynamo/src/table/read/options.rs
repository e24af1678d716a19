//! The options that queries and scans share, and how a prepared query or scan is read.

use std::future::poll_fn;
use std::sync::Arc;

use aws_sdk_dynamodb::types::Select;
use envelope_core::UnwrapKey;

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::expression::Condition;
use crate::expression::placeholders::Placeholders;
use crate::item::entity::Entity;
use crate::record::Envelope;
use crate::record::index::{Index, IndexKey};
use crate::record::key_identity::KeyIdentity;
use crate::record::view::View;
use crate::table::Table;
use crate::table::bounded::CONCURRENCY;
use crate::table::read::attribute_names::{
    composed_names, key_names, may_skip_items, primary_names, record_names, view_names,
};
use crate::table::read::in_tasks::OpenInTask;
use crate::table::read::open::{ListedBy, Opener};
use crate::table::read::pages::{Pages, Projection};
use crate::table::read::prepared::Prepared;
use crate::table::read::read_request::ReadRequest;
use crate::table::read::records::{Limits, Records};
use crate::table::read::resume_token::{Position, ResumeToken};
use crate::table::read::search::Search;
use crate::table::read::segment::Segment;
use crate::table::read::source::Source;

/// What a caller sets on a query or a scan, besides its key.
pub(crate) struct ReadOptions<T: Entity> {
    pub(crate) limit: Option<usize>,
    pub(crate) page_size: Option<i32>,
    pub(crate) concurrency: usize,
    pub(crate) in_task: Option<OpenInTask<T>>,
    pub(crate) filter: Option<Condition<T::First>>,
    pub(crate) resume_from: Option<ResumeToken>,
    pub(crate) fetch_base_table: bool,
}

impl<T: Entity> Default for ReadOptions<T> {
    fn default() -> Self {
        Self {
            limit: None,
            page_size: None,
            concurrency: CONCURRENCY,
            in_task: None,
            filter: None,
            resume_from: None,
            fetch_base_table: false,
        }
    }
}

impl<T: Entity> ReadOptions<T> {
    /// The filter without its values: attributes, functions and operators, for the fingerprint.
    ///
    /// Whoever has a resume token could find a value that is one of few from its digest, by trying
    /// them all. And a value often belongs to the moment: records that are due *now*.
    pub(crate) fn filter_shape(&self) -> String {
        self.filter.as_ref().map(|filter| format!("{filter:?}")).unwrap_or_default()
    }

    /// Takes the filter as a filter expression.
    pub(crate) fn take_filter(
        &mut self,
        placeholders: &mut Placeholders,
    ) -> Result<Option<String>, ErrorKind> {
        self.filter.take().map(|filter| filter.render(placeholders)).transpose()
    }

    /// Streams the records, opened.
    ///
    /// While items that are not sealed are read, the records of an index come from the table: an
    /// item from an index may lack attributes, and a sealed record without its payload looks
    /// plain.
    pub(crate) fn stream<P, K, I>(
        mut self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<T>, Error>
    where
        T: 'static,
        P: UnwrapKey + ?Sized + 'static,
        K: IndexKey,
    {
        let provider = Arc::new(Arc::clone(&table.provider));
        let question = prepared.search.as_ref().map(|search| Arc::clone(&search.question));
        let listed_by = ListedBy { names: composed_names::<T, K, I>(index), question };
        let mut opener = Opener::records(provider, table.plaintext.clone(), listed_by);
        opener.in_task = self.in_task;
        self.fetch_base_table |= table.plaintext.state.reads();
        let projection = match index.name() {
            None => Projection::Table,
            Some(_) => Projection::All,
        };
        self.stream_with(opener, projection, record_names::<T, K, I>(index), table, index, prepared)
    }

    /// Streams views of the records, and opens none.
    pub(crate) fn views<V, P, K, I>(
        self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<V>, Error>
    where
        V: View<Record = T::First> + Send + 'static,
        P: UnwrapKey + ?Sized + 'static,
        K: IndexKey,
    {
        let opener = Opener::views(Arc::new(Arc::clone(&table.provider)));
        let names = view_names::<V, T, K, I>(index);
        self.stream_with(opener, Projection::Named, names, table, index, prepared)
    }

    fn stream_with<V, P, K, I>(
        self,
        opener: Opener<V>,
        projection: Projection,
        named: Vec<String>,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<V>, Error>
    where
        V: 'static,
        P: ?Sized,
        K: IndexKey,
    {
        let positions = self.positions(&prepared)?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let concurrency = self.concurrency.max(1);
        let projection = match index.name() {
            Some(_) if self.fetch_base_table => Projection::Keys,
            _ => projection,
        };
        let is_search = prepared.search.is_some();
        let source =
            Source { is_search, ..self.source(table, index, named, !prepared.is_filtered) };
        let source = Arc::new(source);
        let pages = |request| Pages::new(request, projection, Arc::clone(&source));
        let search = prepared.search.map(|search| {
            let template = pages(ReadRequest::Query(search.query.clone()));
            (Search::new(search, positions.clone()), template)
        });
        let segments = prepared.requests.into_iter().zip(positions);
        let segments = segments.map(|(request, from)| Segment::new(pages(request), from)).collect();
        let limits = Limits { records: limit, concurrency };
        Ok(Records::new(prepared.fingerprint, segments, search, opener, limits))
    }

    /// How many items there are, counted by DynamoDB.
    pub(crate) async fn count<P, K, I>(
        self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<u64, Error>
    where
        P: ?Sized,
        K: IndexKey,
    {
        let source = self.source(table, index, Vec::new(), false);
        let limit = self.limit.map_or(u64::MAX, |limit| u64::try_from(limit).unwrap_or(u64::MAX));
        let positions = self.positions(&prepared)?;
        let is_filtered = prepared.is_filtered;
        let mut search = prepared.search.map(|search| Search::new(search, positions.clone()));
        let mut known = prepared.requests.into_iter().zip(positions);
        let mut count = 0;
        loop {
            let query = match &mut search {
                None => known.next(),
                Some(search) => poll_fn(|context| search.poll_next(context)).await?,
            };
            let Some((request, position)) = query else { break };
            let request = request.select(Some(Select::Count));
            let mut next = position;
            while count < limit && next != Position::End {
                // Without a filter, every item that DynamoDB reads is counted.
                let wanted = i32::try_from(limit - count).ok().filter(|_| !is_filtered);
                let page_size = self.page_size.into_iter().chain(wanted).min();
                let answer = request.clone().send(next.into_start(), page_size).await;
                let answer = answer.map_err(|error| error.into_error(&source))?;
                count += u64::try_from(answer.count).unwrap_or_default();
                next = answer.end.map_or(Position::End, Position::After);
            }
        }
        Ok(count.min(limit))
    }

    fn positions(&self, prepared: &Prepared) -> Result<Vec<Position>, Error> {
        let positions = prepared.positions(self.resume_from.as_ref());
        positions.map_err(|kind| Error::new(RecordId::of_table(T::First::TABLE), kind))
    }

    fn source<P: ?Sized, K: IndexKey, I>(
        &self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        named: Vec<String>,
        gives_all: bool,
    ) -> Source {
        Source {
            client: table.client.clone(),
            table: Arc::clone(&table.name),
            logical: T::First::TABLE,
            index: index.name(),
            primary: primary_names::<T>().collect(),
            keys: key_names::<T, K, I>(index),
            named,
            kinds: T::KINDS,
            page_size: self.page_size,
            identity: KeyIdentity::of::<T::First>,
            gives_all: gives_all && !may_skip_items::<T>(),
            is_search: false,
        }
    }
}

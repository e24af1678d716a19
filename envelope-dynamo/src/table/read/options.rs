//! What queries and scans have in common: how much is read, what of it, and from where.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use envelope_core::UnwrapKey;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::expression::Condition;
use crate::expression::placeholders::Placeholders;
use crate::item::entity::Entity;
use crate::item::layout::{dek_attribute, payload_attribute};
use crate::record::Envelope;
use crate::record::field::{Field, Mark};
use crate::record::index::Index;
use crate::record::key::RecordKey;
use crate::record::key_identity::KeyIdentity;
use crate::record::schema::RESERVED;
use crate::record::view::{View, projected_names};
use crate::table::Table;
use crate::table::bounded::CONCURRENCY;
use crate::table::read::open::Opener;
use crate::table::read::pages::{Call, Pages, Shape};
use crate::table::read::records::Records;
use crate::table::read::resume_token::{Fingerprint, Position, ResumeToken};
use crate::table::read::segment::Lane;
use crate::table::read::source::Source;

/// What is set on a query or a scan, beside its key.
pub(crate) struct Reading<T: Entity> {
    pub(crate) limit: Option<usize>,
    pub(crate) page_size: Option<i32>,
    pub(crate) concurrency: usize,
    pub(crate) filter: Option<Condition<T::First>>,
    pub(crate) from: Option<ResumeToken>,
    pub(crate) from_base: bool,
}

impl<T: Entity> Default for Reading<T> {
    fn default() -> Self {
        Self {
            limit: None,
            page_size: None,
            concurrency: CONCURRENCY,
            filter: None,
            from: None,
            from_base: false,
        }
    }
}

/// A reading that was found in order: one call for each segment.
pub(crate) struct Prepared {
    pub(crate) calls: Vec<Call>,
    pub(crate) description: Fingerprint,
    /// The attributes that a starting key has to have, with their values if they are known.
    pub(crate) keys: Vec<(&'static str, Option<AttributeValue>)>,
    pub(crate) is_filtered: bool,
}

impl<T: Entity> Reading<T> {
    /// The filter without its values: attributes, functions and operators, for the description of
    /// the reading.
    ///
    /// A digest of a value that is one of few can be reversed by trying them all, and whoever has a
    /// resume token could do that. And a value is often of the moment: records that are due
    /// *now*.
    pub(crate) fn filter_shape(&self) -> String {
        self.filter.as_ref().map(|filter| format!("{filter:?}")).unwrap_or_default()
    }

    /// The filter of the request.
    pub(crate) fn filter(
        &mut self,
        placeholders: &mut Placeholders,
    ) -> Result<Option<String>, ErrorKind> {
        self.filter.take().map(|filter| filter.render(placeholders)).transpose()
    }

    /// The records, opened.
    pub(crate) fn stream<P, K, I>(
        self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<T>, Error>
    where
        T: 'static,
        P: UnwrapKey + ?Sized + 'static,
        K: RecordKey,
    {
        let opener = Opener::records(Arc::new(Arc::clone(&table.provider)));
        self.stream_of(opener, Shape::All, named::<T>(), table, index, prepared)
    }

    /// Views of the records, without opening any.
    pub(crate) fn views<V, P, K, I>(
        self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<V>, Error>
    where
        V: View<Record = T::First> + Send + 'static,
        P: UnwrapKey + ?Sized + 'static,
        K: RecordKey,
    {
        let opener = Opener::views(Arc::new(Arc::clone(&table.provider)));
        let discriminators = T::First::SCHEMA.discriminators().map(|field| field.name);
        let names: BTreeSet<_> = projected_names::<V>()
            .into_iter()
            .chain(discriminators)
            .chain(key_names::<T, K, I>(index))
            .collect();
        let names = names.into_iter().map(str::to_owned).collect();
        self.stream_of(opener, Shape::Named, names, table, index, prepared)
    }

    fn stream_of<V, P, K, I>(
        self,
        opener: Opener<V>,
        of_index: Shape,
        named: Vec<String>,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        prepared: Prepared,
    ) -> Result<Records<V>, Error>
    where
        V: 'static,
        P: ?Sized,
        K: RecordKey,
    {
        let positions = positions::<T>(self.from.as_ref(), &prepared)?;
        let limit = self.limit.unwrap_or(usize::MAX);
        let concurrency = self.concurrency.max(1);
        let shape = match index.name() {
            None if of_index == Shape::All => Shape::Whole,
            Some(_) if self.from_base => Shape::Keys,
            _ => of_index,
        };
        let source = Arc::new(self.source(table, index, named, !prepared.is_filtered));
        let lanes = prepared.calls.into_iter().zip(positions).map(|(call, position)| {
            let pages = Pages::new(call, shape, Arc::clone(&source));
            Lane::new(pages, position)
        });
        Ok(Records::new(prepared.description, lanes.collect(), opener, limit, concurrency))
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
        K: RecordKey,
    {
        let source = self.source(table, index, Vec::new(), false);
        let limit = self.limit.map_or(u64::MAX, |limit| u64::try_from(limit).unwrap_or(u64::MAX));
        let mut count = 0;
        for (call, position) in
            prepared.calls.iter().zip(positions::<T>(self.from.as_ref(), &prepared)?)
        {
            let call = call.clone().select(Some(Select::Count));
            let mut next = position;
            while count < limit && next != Position::End {
                // Without a filter, whatever is looked at is counted.
                let wanted = i32::try_from(limit - count).ok().filter(|_| !prepared.is_filtered);
                let page_size = self.page_size.into_iter().chain(wanted).min();
                let asked = call.clone().ask(next.into_start(), page_size).await;
                let answer = asked.map_err(|refusal| refusal.into_error(&source))?;
                count += u64::try_from(answer.count).unwrap_or_default();
                next = answer.end.map_or(Position::End, Position::After);
            }
        }
        Ok(count.min(limit))
    }

    fn source<P: ?Sized, K: RecordKey, I>(
        &self,
        table: &Table<T, P>,
        index: &Index<T::First, K, I>,
        named: Vec<String>,
        gives_all: bool,
    ) -> Source {
        let primary: Vec<_> = primary_names::<T>().collect();
        let keys = key_names::<T, K, I>(index);
        Source {
            client: table.client.clone(),
            table: Arc::clone(&table.name),
            logical: T::First::TABLE,
            index: index.name(),
            primary,
            keys,
            named,
            page_size: self.page_size,
            identity: KeyIdentity::of::<T::First>,
            gives_all: gives_all && !has_discriminator::<T>(),
        }
    }
}

/// The attributes of the table's key, constant ones included.
fn primary_names<T: Entity>() -> impl Iterator<Item = &'static str> {
    T::First::SCHEMA.keys().map(|field| field.name)
}

/// The attributes of the table's key and of the index's.
pub(crate) fn key_names<T: Entity, K: RecordKey, I>(
    index: &Index<T::First, K, I>,
) -> Vec<&'static str> {
    let mut names: Vec<_> = primary_names::<T>().collect();
    for name in index.key_names() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether items of other entity types may come, which are passed over.
fn has_discriminator<T: Entity>() -> bool {
    T::KINDS.iter().any(|kind| kind.schema.has_discriminator())
}

/// Every attribute that the records can have; none if their names cannot all be told.
fn named<T: Entity>() -> Vec<String> {
    let fields = || T::KINDS.iter().flat_map(|kind| kind.schema.fields());
    if T::First::DENY_UNKNOWN_FIELDS {
        return Vec::new();
    }
    let may_be_readable = |field: &&Field| match field.mark {
        Mark::Encrypted => field.accepts_plaintext,
        Mark::Key => false,
        Mark::PartitionKey | Mark::SortKey | Mark::Authenticated | Mark::Plaintext => true,
    };
    // Aliases too: without them an attribute under an older name would seem absent, and be lost
    // when the record is put.
    let readable = fields().filter(may_be_readable).flat_map(Field::names).map(str::to_owned);
    let groups = T::KINDS.iter().flat_map(|kind| kind.schema.groups());
    let groups = groups.flat_map(|group| [payload_attribute(group), dek_attribute(group)]);
    let names: BTreeSet<_> =
        RESERVED.map(str::to_owned).into_iter().chain(readable).chain(groups).collect();
    names.into_iter().collect()
}

/// Where each segment begins.
fn positions<T: Entity>(
    from: Option<&ResumeToken>,
    prepared: &Prepared,
) -> Result<Vec<Position>, Error> {
    let Some(token) = from else { return Ok(vec![Position::Start; prepared.calls.len()]) };
    let fits = |position: &Position| match position {
        Position::Start | Position::End => true,
        Position::After(key) => is_key(key, &prepared.keys),
    };
    let is_own =
        token.reading == prepared.description && token.positions.len() == prepared.calls.len();
    if !is_own || !token.positions.iter().all(fits) {
        return Err(Error::new(RecordId::of_table(T::First::TABLE), ErrorKind::ForeignResumeToken));
    }
    Ok(token.positions.clone())
}

/// Whether a starting key consists of the attributes that it has to have.
fn is_key(key: &Item, expected: &[(&'static str, Option<AttributeValue>)]) -> bool {
    key.len() == expected.len()
        && expected.iter().all(|(name, value)| match (key.get(*name), value) {
            (Some(found), Some(value)) => found == value,
            (Some(_), None) => true,
            (None, _) => false,
        })
}

/// What queries and scans have in common.
macro_rules! settings {
    () => {
        /// Views of the records instead of the records: some of their readable attributes, without
        /// opening any.
        ///
        /// DynamoDB is asked for the attributes of the view alone; it reads, and bills, whole items
        /// all the same.
        ///
        /// ```no_run
        /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
        /// # use envelope_dynamo::{Envelope, Table, View};
        /// # #[derive(Envelope)]
        /// # #[envelope(table = "users")]
        /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
        /// #[derive(View)]
        /// #[view(of = User)]
        /// struct Usage {
        ///     user_id: String,
        ///     logins: u64,
        /// }
        ///
        /// let users = Table::<User>::new(dynamodb, provider);
        /// let usage: Vec<Usage> = users.scan().views::<Usage>()?.try_collect().await?;
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        ///
        /// As [`stream`](Self::stream).
        ///
        /// # Security
        ///
        /// Nothing is verified; see [`View`](crate::View).
        pub fn views<V>(mut self) -> Result<Records<V>, $crate::Error>
        where
            V: $crate::View<Record = T::First> + Send + 'static,
        {
            let prepared = self.prepare()?;
            self.reading.views(self.table, &self.index, prepared)
        }

        /// Gives, or counts, at most this number of records; a bad one counts, one that a filter
        /// leaves out does not.
        pub const fn limit(mut self, records: usize) -> Self {
            self.reading.limit = Some(records);
            self
        }

        /// Lets DynamoDB look at so many items for a page, instead of 1 MB of them; at least one.
        ///
        /// It counts before filters, so that a page may hold fewer records, or none.
        pub fn page_size(mut self, items: usize) -> Self {
            self.reading.page_size = Some(i32::try_from(items.max(1)).unwrap_or(i32::MAX));
            self
        }

        /// How many records are opened together: 16 unless stated, at least one.
        ///
        /// With a key provider that asks KMS for each record, at most as many calls are under way
        /// at a time, and none while the caller works on a record.
        pub const fn concurrency(mut self, records: usize) -> Self {
            self.reading.concurrency = records;
            self
        }

        /// Goes on where another reading stopped: behind the last record that was taken from it.
        ///
        /// With `None` it begins at the beginning, so that what a client sent, or not, can be
        /// passed on. A token of another query or scan, or of one with another filter, is refused:
        /// [`ErrorKind::ForeignResumeToken`](crate::ErrorKind::ForeignResumeToken). See
        /// [`ResumeToken`](crate::ResumeToken).
        pub fn resume(mut self, from: impl Into<Option<$crate::ResumeToken>>) -> Self {
            self.reading.from = from.into();
            self
        }

        /// Leaves out records whose readable attributes do not fulfil a condition. Several must all
        /// hold.
        ///
        /// DynamoDB leaves them out after it has read them: they cost as much, and pages may be
        /// empty.
        pub fn filter(
            mut self,
            condition: impl FnOnce(
                &<T::First as $crate::Envelope>::Attributes,
            ) -> $crate::expression::Condition<T::First>,
        ) -> Self {
            let condition = condition(&<T::First as $crate::Envelope>::attributes());
            self.reading.filter =
                $crate::expression::Condition::joined(self.reading.filter.take(), Some(condition));
            self
        }

        /// Reads each record that the index names from the table, whatever the index projects.
        ///
        /// In calls of up to 100, by the primary key, as of now: a record that is not there any
        /// more is left out, and one that was changed since is given as it is. Each record costs
        /// another read.
        pub const fn fetch_base(mut self) -> Self
        where
            I: $crate::record::index::Secondary,
        {
            self.reading.from_base = true;
            self
        }

        /// All records.
        ///
        /// # Errors
        ///
        /// The first that [`stream`](Self::stream) gives, and then nothing else: to have the
        /// records that open, and an error for each that does not, take the stream.
        pub async fn send(self) -> Result<Vec<T>, $crate::Error> {
            self.stream()?.try_collect().await
        }
    };
}
pub(crate) use settings;

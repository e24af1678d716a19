//! Reads the records under one partition key.

use std::sync::Arc;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_core::UnwrapKey;

use crate::convert::searched::SearchedValues;
use crate::error::Error;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::placeholders::Placeholders;
use crate::expression::{SortBy, SortCondition};
use crate::item::entity::Entity;
use crate::item::question::Question;
use crate::keys::SearchKeys;
use crate::record::Envelope;
use crate::record::attribute::{Operand, OperandValue};
use crate::record::index::{Index, IndexKey, ReadsConsistently, Sorted, kind};
use crate::record::key::{IntoValue, RecordKey};
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::read::KeyOf;
use crate::table::read::attribute_names::key_names;
use crate::table::read::options::ReadOptions;
use crate::table::read::prepared::Prepared;
use crate::table::read::read_request::ReadRequest;
use crate::table::read::records::Records;
use crate::table::read::resume_token::Fingerprint;
use crate::table::read::search::SearchQuery;
use crate::table::read::settings::settings;

impl<T: Entity + 'static, P: UnwrapKey + ?Sized + 'static> Table<T, P> {
    /// Reads the records under one partition key, in the order of the sort key.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "visits")]
    /// # struct Visit {
    /// #     #[partition_key] patient: String,
    /// #     #[sort_key] day: String,
    /// #     #[encrypted] notes: String,
    /// #     #[plaintext] minutes: u32,
    /// # }
    /// let visits = Table::<Visit>::new(dynamodb, provider);
    /// let mut long = visits
    ///     .query("p_1")
    ///     .sort(|day| day.between("2026-01-01", "2026-03-31"))
    ///     .filter(|visit| visit.minutes.gt(30))
    ///     .descending()
    ///     .limit(10)
    ///     .stream()?;
    /// while let Some(visit) = long.next().await {
    ///     println!("{}", visit?.notes);
    /// }
    /// let next = long.resume_token(); // for `.resume(next)`, here or in another process
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// The keys that a query names are sent to DynamoDB in plaintext, as they are in the table. An
    /// encrypted field is found through an index by its search tag; see
    /// [`TableIndex::query`](crate::read::TableIndex::query).
    pub fn query(
        &self,
        partition: impl IntoValue<<KeyOf<T> as RecordKey>::Partition>,
    ) -> Query<'_, T, P> {
        let key = T::First::primary_key();
        Query::new(self, key, key.partition.operands(partition))
    }
}

/// Builds a query: the records of one partition, in the order of the sort key; see
/// [`Table::query`].
///
/// If the sort key is composed, of the table or of an index, the query reads only the records of
/// the struct: those whose sort key starts as its format does. Items of other entity types between
/// them are skipped. A query of an enum reads the records of all its types.
///
/// `K` is the key, and `I` the kind, of what is queried: the table or one of its indexes.
#[must_use = "a query does nothing until its records are asked for"]
pub struct Query<
    'a,
    T: Entity,
    P: ?Sized,
    K: IndexKey = <<T as Entity>::First as Envelope>::Key,
    I = kind::Primary,
> {
    table: &'a Table<T, P>,
    index: Index<T::First, K, I>,
    partition: Vec<Operand>,
    sort: Option<SortCondition<T::First>>,
    builder: QueryFluentBuilder,
    options: ReadOptions<T>,
}

impl<'a, T: Entity + 'static, P: UnwrapKey + ?Sized + 'static, K: IndexKey, I>
    Query<'a, T, P, K, I>
{
    pub(crate) fn new(
        table: &'a Table<T, P>,
        index: Index<T::First, K, I>,
        partition: Vec<Operand>,
    ) -> Self {
        let builder = table.client.query();
        Self { table, index, partition, sort: None, builder, options: ReadOptions::default() }
    }

    /// Reads only the records whose sort key meets a condition. If called again, the last condition
    /// counts.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "visits")]
    /// # struct Visit {
    /// #     #[partition_key] patient: String,
    /// #     #[sort_key] day: String,
    /// #     #[encrypted] notes: String,
    /// # }
    /// let visits = Table::<Visit>::new(dynamodb, provider);
    /// let in_march = visits.query("p_1").sort(|day| day.begins_with("2026-03-")).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```compile_fail,E0277
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # fn example(users: Table<User>) {
    /// // This key has no sort key to set conditions on.
    /// users.query("u_1").sort(|sort| sort.eq("2026"));
    /// # }
    /// ```
    ///
    /// An index with several sort keys takes conditions on them from left to right: `eq` on each
    /// but the last.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(
    ///     table = "visits",
    ///     index(name = "by-doctor", partition_key = (clinic, doctor), sort_key = (day, start))
    /// )]
    /// struct Visit {
    ///     #[partition_key]
    ///     visit_id: String,
    ///     #[encrypted]
    ///     notes: String,
    ///     #[authenticated]
    ///     clinic: String,
    ///     #[authenticated]
    ///     doctor: String,
    ///     #[authenticated]
    ///     day: String,
    ///     #[authenticated]
    ///     start: u32,
    /// }
    ///
    /// let visits = Table::<Visit>::new(dynamodb, provider);
    /// let by_doctor = visits.index(|indexes| indexes.by_doctor);
    /// let afternoon = by_doctor
    ///     .query(("c_1", "d_1"))
    ///     .sort(|day| day.eq("2026-03-07").and(|start| start.ge(1_200_u32)))
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sort<C: Into<SortCondition<T::First>>>(
        mut self,
        condition: impl FnOnce(&K::Key<T::First>) -> C,
    ) -> Self
    where
        K: Sorted + SortBy,
    {
        self.sort = self.index.sort.map(|keys| condition(&K::key(keys)).into());
        self
    }

    /// Reads from the greatest sort key to the least.
    pub fn descending(mut self) -> Self {
        self.builder = self.builder.scan_index_forward(false);
        self
    }

    /// Reads the latest write, at twice the price. By default a read may miss the latest writes.
    pub fn consistent_read(mut self) -> Self
    where
        I: ReadsConsistently,
    {
        self.builder = self.builder.consistent_read(true);
        self
    }

    settings!();

    /// Sets what this library does not cover on the SDK's own builder. Table, index, page size and
    /// exclusive start key are set afterwards.
    ///
    /// Expressions and projections are refused
    /// ([`UsageError::Customized`](crate::error::UsageError::Customized)): use
    /// [`sort`](Self::sort), [`filter`](Self::filter) and [`views`](Self::views).
    pub fn customize(
        mut self,
        with: impl FnOnce(QueryFluentBuilder) -> QueryFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Streams the records, each with its own result.
    ///
    /// # Errors
    ///
    /// Fails if the query itself is wrong: a key that DynamoDB does not accept, a token of another
    /// query, or a setting that is refused. Then nothing is sent. Errors of DynamoDB and of records
    /// come from the stream.
    pub fn stream(mut self) -> Result<Records<T>, Error> {
        let prepared = self.prepare()?;
        self.options.stream(self.table, &self.index, prepared)
    }

    /// Reads the one record that matches; `None` if no record does.
    ///
    /// Reads no more than two records.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "orders", index(name = "by-invoice", partition_key = invoice))]
    /// # struct Order {
    /// #     #[partition_key] order_id: String,
    /// #     #[encrypted] card: String,
    /// #     #[authenticated] invoice: String,
    /// # }
    /// let orders = Table::<Order>::new(dynamodb, provider);
    /// let order: Option<Order> = orders.index(|i| i.by_invoice).query("2026-0001").one().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), and
    /// [`DataError::SeveralRecords`](crate::error::DataError::SeveralRecords) if a second record
    /// matches. An index is not unique: several records can have one value, and whoever can write
    /// the table can put an old version of a record back.
    pub async fn one(mut self) -> Result<Option<T>, Error> {
        let index = self.index.name();
        self.options.limit = Some(2);
        let mut records = self.stream()?;
        let Some(first) = records.next().await.transpose()? else { return Ok(None) };
        match records.next().await.transpose()? {
            None => Ok(Some(first)),
            Some(_) => Err(Error::new(
                RecordId::of_table(T::First::TABLE),
                ErrorKind::Data(DataError::SeveralRecords { index, at_least: 2 }),
            )),
        }
    }

    /// Counts the records without opening any: DynamoDB reads and counts them.
    ///
    /// Items of other entity types between them count as well. [`limit`](Self::limit) limits the
    /// count. If the index is one of a search tag, everything under the tag counts: also a record
    /// that does not have the value itself. While a search key is rotated, a record that moves may
    /// count twice.
    ///
    /// # Errors
    ///
    /// Fails if the query itself is wrong, or if DynamoDB refuses it; and if search keys are needed
    /// and could not be had.
    pub async fn count(mut self) -> Result<u64, Error> {
        let prepared = self.prepare()?;
        self.options.count(self.table, &self.index, prepared).await
    }

    fn prepare(&mut self) -> Result<Prepared, Error> {
        self.request().map_err(|kind| Error::new(RecordId::of_table(T::First::TABLE), kind))
    }

    fn request(&mut self) -> Result<Prepared, ErrorKind> {
        let builder = self.builder.clone().checked()?;
        self.refuse_filters_on_keys()?;
        if self.sort.is_none() && T::KINDS.len() == 1 {
            self.sort = self.own_key_prefix();
        }
        let shape = self.sort.as_ref().map(|sort| format!("{sort:?}")).unwrap_or_default();
        let mut operands = self.partition.clone();
        operands.extend(self.sort.iter_mut().flat_map(SortCondition::take_searched));
        let (partition, searched) = parted(&operands);
        let question = self.question(&searched)?;
        let values: Vec<_> = partition.iter().cloned().map(key_value).collect::<Result<_, _>>()?;
        let partition_names = partition.iter().map(|operand| operand.attribute);
        let fixed: Vec<_> = partition_names.zip(values).collect();
        let mut key = Placeholders::of(self.table.kinds);
        key.key_condition(partition.clone(), self.sort.clone())?;
        let fingerprint = self.fingerprint(&builder, &shape, key);

        let mut placeholders = Placeholders::of(self.table.kinds);
        let tags: Vec<_> = searched.iter().map(|(tag, _)| placeholders.tag(tag)).collect();
        let known = placeholders.key_condition(partition, self.sort.take())?;
        let equal = tags.iter().map(|tag| format!("{} = {}", tag.name, tag.value));
        let conditions: Vec<_> = equal.chain((!known.is_empty()).then_some(known)).collect();
        let filter = self.options.take_filter(&mut placeholders)?;
        let is_filtered = filter.is_some();
        let (names, values) = placeholders.into_maps();
        let builder = builder
            .table_name(&*self.table.name)
            .set_index_name(self.index.name().map(str::to_owned))
            .key_condition_expression(conditions.join(" AND "))
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        let value = |key: &str| fixed.iter().find(|(name, _)| *name == key);
        let start_key = key_names::<T, K, I>(&self.index).into_iter();
        let start_key =
            start_key.map(|key| (key, value(key).map(|(_, value)| value.clone()))).collect();
        let prepared =
            Prepared { requests: Vec::new(), search: None, fingerprint, start_key, is_filtered };
        Ok(match question {
            None => Prepared { requests: vec![ReadRequest::Query(builder)], ..prepared },
            // An empty value has no tag.
            Some((_, question)) if question.is_empty() => prepared,
            Some((keys, question)) => {
                let table = T::First::TABLE;
                let search = SearchQuery { keys, table, question, query: builder, tags };
                Prepared { search: Some(search), ..prepared }
            }
        })
    }

    /// What is searched for, and with which keys. `None` if the query has no searched value.
    fn question(
        &self,
        searched: &[(&'static str, SearchedValues)],
    ) -> Result<Option<(SearchKeys, Arc<Question>)>, ErrorKind> {
        let Some((attribute, _)) = searched.first() else { return Ok(None) };
        let keys = self.table.search_keys_for(attribute)?;
        Ok(Some((keys, Arc::new(Question::new(T::KINDS, searched)?))))
    }

    /// Limits the query to the keys of the records of `T`, if their sort key is composed and starts
    /// with constant text.
    fn own_key_prefix(&self) -> Option<SortCondition<T::First>> {
        let schema = T::First::SCHEMA;
        SortCondition::key_prefix(match self.index.name() {
            None => schema.sort_key()?,
            Some(_) => schema.stored_as(self.index.sort_attributes().first()?.name)?,
        })
    }

    /// A digest of everything that decides which records are returned, and in which order.
    fn fingerprint(
        &self,
        builder: &QueryFluentBuilder,
        condition: &str,
        key: Placeholders,
    ) -> Fingerprint {
        let filter = self.options.filter_shape();
        let direction = if *builder.get_scan_index_forward() == Some(false) {
            "descending"
        } else {
            "ascending"
        };
        let index = self.index.name().unwrap_or_default();
        let texts =
            ["query", T::First::TABLE, &*self.table.name, index, condition, direction, &filter];
        Fingerprint::of(&texts, &key.ordered_values())
    }

    /// Refuses filters on key attributes: DynamoDB refuses them too.
    fn refuse_filters_on_keys(&self) -> Result<(), ErrorKind> {
        let is_filtered =
            |name: &&str| self.options.filter.as_ref().is_some_and(|filter| filter.names(name));
        match self.index.key_names().find(is_filtered) {
            Some(attribute) => Err(ErrorKind::Usage(UsageError::FilterOnKey { attribute })),
            None => Ok(()),
        }
    }
}

/// The values that are sent as they are, and those from which search tags are computed.
fn parted(key: &[Operand]) -> (Vec<Operand>, Vec<(&'static str, SearchedValues)>) {
    let (mut known, mut searched) = (Vec::new(), Vec::new());
    for operand in key {
        match &operand.value {
            OperandValue::Serialized(_) => known.push(operand.clone()),
            OperandValue::Searched(values) => searched.push((operand.attribute, values.clone())),
        }
    }
    (known, searched)
}

/// The value of a key attribute. An optional field may have no value, and a type may serialize to
/// something that is not a key.
fn key_value(operand: Operand) -> Result<AttributeValue, ErrorKind> {
    let attribute = operand.attribute.to_owned();
    match operand.into_serialized() {
        Ok(value @ (AttributeValue::S(_) | AttributeValue::N(_) | AttributeValue::B(_))) => {
            Ok(value)
        }
        Ok(_) => Err(ErrorKind::Usage(UsageError::Attribute {
            attribute,
            reason: "is a key attribute, but not a string, a number or bytes: DynamoDB keys are S, \
                     N or B",
        })),
        Err(source) => {
            Err(ErrorKind::Usage(UsageError::Serialize { attribute: Some(attribute), source }))
        }
    }
}

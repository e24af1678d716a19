//! Reads all records of a table or an index.

use std::ops::Range;

use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use envelope_core::UnwrapKey;

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::placeholders::Placeholders;
use crate::item::entity::Entity;
use crate::record::Envelope;
use crate::record::index::{Index, IndexKey, ReadsConsistently, kind};
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::read::attribute_names::key_names;
use crate::table::read::options::ReadOptions;
use crate::table::read::prepared::Prepared;
use crate::table::read::read_request::ReadRequest;
use crate::table::read::records::Records;
use crate::table::read::resume_token::Fingerprint;
use crate::table::read::settings::settings;

impl<T: Entity + 'static, P: UnwrapKey + ?Sized + 'static> Table<T, P> {
    /// Reads all records.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let mut records = users.scan().segments(4).stream()?;
    /// while let Some(user) = records.next().await {
    ///     println!("{}", user?.user_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn scan(&self) -> Scan<'_, T, P> {
        Scan::new(self, T::First::primary_key())
    }
}

/// Segments of a scan (Amazon DynamoDB API Reference, "Scan").
const MAX_SEGMENTS: u32 = 1_000_000;

/// Builds a scan: all records of a table or an index, in no particular order; see [`Table::scan`].
///
/// `K` is the key, and `I` the kind, of what is scanned: the table or one of its indexes.
#[must_use = "a scan does nothing until its records are asked for"]
pub struct Scan<
    'a,
    T: Entity,
    P: ?Sized,
    K: IndexKey = <<T as Entity>::First as Envelope>::Key,
    I = kind::Primary,
> {
    table: &'a Table<T, P>,
    index: Index<T::First, K, I>,
    builder: ScanFluentBuilder,
    segments: Segments,
    options: ReadOptions<T>,
}

#[derive(Clone, Copy)]
enum Segments {
    /// All segments of this total.
    All(u32),
    /// One segment, and the total.
    One(u32, u32),
}

impl Segments {
    /// The segments to read, and the total.
    fn numbers(self) -> Result<(Range<i32>, i32), ErrorKind> {
        let (from, to, total) = match self {
            Self::All(total) => (0, total, total),
            Self::One(segment, total) => (segment, segment.saturating_add(1), total),
        };
        let number = |number: u32| i32::try_from(number).ok();
        match (number(from), number(to), number(total)) {
            (Some(from), Some(to), Some(all))
                if from < to && to <= all && total <= MAX_SEGMENTS =>
            {
                Ok((from..to, all))
            }
            _ => Err(ErrorKind::Usage(UsageError::Segments)),
        }
    }
}

impl<'a, T: Entity + 'static, P: UnwrapKey + ?Sized + 'static, K: IndexKey, I>
    Scan<'a, T, P, K, I>
{
    pub(crate) fn new(table: &'a Table<T, P>, index: Index<T::First, K, I>) -> Self {
        let builder = table.client.scan();
        Self { table, index, builder, segments: Segments::All(1), options: ReadOptions::default() }
    }

    /// Reads this many segments concurrently. Their records are mixed in the stream.
    ///
    /// 1 to 1,000,000. One page of each segment is in memory. If DynamoDB refuses a page, its
    /// segment ends with an error, and the other segments continue.
    pub const fn segments(mut self, total: u32) -> Self {
        self.segments = Segments::All(total);
        self
    }

    /// Reads one segment of `total`, counted from 0. So several machines can share a scan: together
    /// they read every record once.
    pub const fn segment(mut self, segment: u32, total: u32) -> Self {
        self.segments = Segments::One(segment, total);
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

    /// Sets what this library does not cover on the SDK's own builder. Table, index, segments, page
    /// size and exclusive start key are set afterwards.
    ///
    /// Expressions and projections are refused
    /// ([`UsageError::Customized`](crate::error::UsageError::Customized)):
    /// use [`filter`](Self::filter) and [`views`](Self::views).
    pub fn customize(mut self, with: impl FnOnce(ScanFluentBuilder) -> ScanFluentBuilder) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Streams the records, each with its own result.
    ///
    /// # Errors
    ///
    /// Fails if the scan itself is wrong: a segment that does not exist, a token of another scan,
    /// or a setting that is refused. Then nothing is sent. Errors of DynamoDB and of records
    /// come from the stream.
    pub fn stream(mut self) -> Result<Records<T>, Error> {
        let prepared = self.prepare()?;
        self.options.stream(self.table, &self.index, prepared)
    }

    /// Counts the records without opening any: DynamoDB reads and counts them, one segment after
    /// the other.
    ///
    /// Items of other entity types in the table count as well. [`limit`](Self::limit) limits the
    /// count.
    ///
    /// # Errors
    ///
    /// Fails if the scan itself is wrong, or if DynamoDB refuses it.
    pub async fn count(mut self) -> Result<u64, Error> {
        let prepared = self.prepare()?;
        self.options.count(self.table, &self.index, prepared).await
    }

    fn prepare(&mut self) -> Result<Prepared, Error> {
        self.request().map_err(|kind| Error::new(RecordId::of_table(T::First::TABLE), kind))
    }

    fn request(&mut self) -> Result<Prepared, ErrorKind> {
        let builder = self.builder.clone().checked()?;
        let (of, total) = self.segments.numbers()?;
        let shape = self.options.filter_shape();
        let mut placeholders = Placeholders::of(self.table.kinds);
        let filter = self.options.take_filter(&mut placeholders)?;
        let is_filtered = filter.is_some();
        let (names, values) = placeholders.into_maps();
        let builder = builder
            .table_name(&*self.table.name)
            .set_index_name(self.index.name().map(str::to_owned))
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values);
        let requests = of.clone().map(|segment| {
            let parallel = (total > 1).then_some((segment, total));
            let builder = builder.clone().set_segment(parallel.map(|(segment, _)| segment));
            ReadRequest::Scan(builder.set_total_segments(parallel.map(|(_, total)| total)))
        });
        let index = self.index.name().unwrap_or_default();
        let segments = format!("{of:?} of {total}");
        let fingerprint = Fingerprint::of(
            &["scan", T::First::TABLE, &*self.table.name, index, &segments, &shape],
            &[],
        );
        let start_key =
            key_names::<T, K, I>(&self.index).into_iter().map(|name| (name, None)).collect();
        Ok(Prepared {
            requests: requests.collect(),
            search: None,
            fingerprint,
            start_key,
            is_filtered,
        })
    }
}

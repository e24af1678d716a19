//! A run of maintenance: its settings, and its beginning and end.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use futures_util::future::{Either, select};

use crate::error::Error;
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{RunError, RunErrorKind};
use crate::maintain::engine::limits::Limits;
use crate::maintain::engine::part::Part;
use crate::maintain::engine::preflight::Accepted;
use crate::maintain::engine::step::Step;
use crate::maintain::engine::worker::Worker;
use crate::maintain::stored_table::StoredTable;

/// Something that a run reports while it works.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::types::AttributeValue;
/// # use envelope_dynamo::item::to_plaintext_item;
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::{Envelope, Table};
/// use std::sync::Mutex;
///
/// use envelope_dynamo::maintain::RunEvent;
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let user = |id: &str| User { user_id: id.into(), email: "zoe@example.com".into() };
/// # let keys = TestKeyProvider::default();
/// # let mut odd = to_plaintext_item(&user("u_2"))?;
/// # odd.insert("email".into(), AttributeValue::N("7".into()));
/// # let dynamodb = example::users(&[to_plaintext_item(&user("u_1"))?, odd]);
/// // The e-mail address of one item is a number.
/// let failed = Mutex::new(Vec::new());
/// let users = Table::<User>::new(dynamodb, keys);
/// let run = users.backfill().observed_by(|event| match event {
///     RunEvent::Failed(error) => failed.lock().unwrap().push(error.record().to_string()),
///     RunEvent::Page(counts) => println!("{} records so far", counts.seen()),
///     _ => {}
/// });
/// let counts = run.send().await?;
/// assert_eq!((counts.changed, counts.failed), (1, 1));
/// assert_eq!(*failed.lock().unwrap(), ["users[user_id=u_2]"]); // it stays as it was
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// A page of records has been judged and changed.
    Page(&'a Counts),
    /// A record could not be changed, and stays as it was. The error names it.
    Failed(&'a Error),
}

pub(crate) type Observer<'a> = dyn Fn(RunEvent<'_>) + Send + Sync + 'a;

/// A run of maintenance over a table, or a part of it.
///
/// It has no state beside the records: whoever starts it again after a stop or a crash continues.
/// Any number of processes can work on parts of the same table, and on the same part.
#[must_use = "a run does nothing until it is sent"]
pub struct Run<'a> {
    pub(crate) table: Cow<'a, StoredTable>,
    pub(crate) step: Box<dyn Step + 'a>,
    pub(crate) part: Part,
    pub(crate) limits: Limits,
    accepted: Accepted,
    pub(crate) observer: Option<Arc<Observer<'a>>>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, step, part, .. } = self;
        f.debug_struct("Run")
            .field("table", table)
            .field("step", step)
            .field("part", part)
            .finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    pub(crate) fn new(table: &'a StoredTable, step: impl Step + 'a) -> Self {
        Self::of(Cow::Borrowed(table), step)
    }

    pub(crate) fn of(table: Cow<'a, StoredTable>, step: impl Step + 'a) -> Self {
        Self {
            table,
            step: Box::new(step),
            part: Part::WHOLE,
            limits: Limits::new(),
            accepted: Accepted::default(),
            observer: None,
        }
    }

    /// Works on one part of the table, in place of all of it.
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Sets what the run may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Reports each page and each failed record while the run works.
    pub fn observed_by(mut self, observer: impl Fn(RunEvent<'_>) + Send + Sync + 'a) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Says that no other region writes this global table.
    ///
    /// # Security
    ///
    /// If another region does write it (global tables with eventual consistency), writes of that
    /// region are lost: the condition of the run is checked in this region alone.
    pub fn only_writer_region(mut self) -> Self {
        self.accepted.only_writer_region = true;
        self
    }

    /// Runs although point-in-time recovery of the table is off.
    pub fn without_recovery(mut self) -> Self {
        self.accepted.no_recovery = true;
        self
    }

    /// Runs to the end of the part.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the run ended before its end. A record that failed is no such error: it is
    /// reported, and counted in [`Counts::failed`].
    pub async fn send(self) -> Result<Counts, RunError> {
        self.until(std::future::pending()).await
    }

    /// As [`send`](Self::send), but stops when `stop` is ready, such as after a signal. Requests
    /// under way are dropped; one that arrives nevertheless does no harm.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`RunErrorKind::Stopped`].
    pub async fn until(mut self, stop: impl Future<Output = ()>) -> Result<Counts, RunError> {
        let early = |kind| RunError::new(kind, Counts::default());
        let info = self.table.describe().await.map_err(early)?;
        let safe = self.table.check_safe(&info, self.accepted);
        safe.map_err(|refusal| early(refusal.into()))?;
        self.step.prepare(&self.table, self.part).await.map_err(early)?;
        let worker = Worker::new(&self, self.part.total_segments(info.bytes));
        let work = std::pin::pin!(worker.work(self.part));
        let done = match select(work, std::pin::pin!(stop)).await {
            Either::Left((done, _)) => done,
            Either::Right(((), _)) => Err(RunErrorKind::Stopped),
        };
        let counts = worker.counts();
        done.map(|()| counts).map_err(|kind| RunError::new(kind, counts))
    }
}

//! The stream of records that queries and scans return.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::Error;
use crate::table::read::in_tasks::{WINDOW, has_threads};
use crate::table::read::open::Opener;
use crate::table::read::pages::Pages;
use crate::table::read::resume_token::{Fingerprint, Position, ResumeToken};
use crate::table::read::search::Search;
use crate::table::read::segment::{Segment, Taken};

/// The records of a query or a scan, in order, each with its own result.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::testing::TestKeyProvider;
/// # use envelope_dynamo::to_item;
/// use envelope_dynamo::{Envelope, Table};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let keys = TestKeyProvider::default();
/// # let mut items = Vec::new();
/// # for id in ["u_1", "u_2", "u_3"] {
/// #     let user = User { user_id: id.into(), email: "zoe@example.com".into() };
/// #     items.push(to_item(&user, &keys).await?);
/// # }
/// # let payload = items[0]["encrypted_payload"].clone();
/// # items[1].insert("encrypted_payload".into(), payload);
/// # let dynamodb = example::users(&items);
/// // Of three users, somebody has given the second the payload of the first.
/// let users = Table::<User>::new(dynamodb, keys);
/// let mut records = users.scan().stream()?;
/// let (mut opened, mut refused) = (Vec::new(), Vec::new());
/// while let Some(user) = records.next().await {
///     match user {
///         Ok(user) => opened.push(user.user_id),
///         Err(error) => refused.push(error.record().to_string()), // those after it still come
///     }
/// }
/// assert_eq!(opened, ["u_1", "u_3"]);
/// assert_eq!(refused, ["users[user_id=u_2]"]);
/// assert!(records.resume_token().is_none(), "the table was read to its end");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// A record that does not open is one error, which names its key. The records after it still come.
///
/// If DynamoDB refuses a page, after the SDK's own retries, this is one error too. Then the stream
/// ends, or the segment if there are several, and [`resume_token`](Self::resume_token) says where
/// to continue. So a stream that has ended was read completely if its token is `None`.
///
/// The stream requests nothing before it is polled. It holds one page in memory for each segment,
/// at most 1 MB as DynamoDB counts (Amazon DynamoDB Developer Guide, "Paginating table query
/// results"), and up to 16 open records, or as many as `.concurrency(n)` allows. With
/// `.on_all_threads()` it holds up to 256 open records.
///
/// A search by an encrypted field also holds the primary keys of the records that it has returned,
/// so that it returns no record twice.
///
/// # Between two records
///
/// While the caller works on a record, nothing is in progress: no call to KMS and no request to
/// DynamoDB. The stream opens the records of a window together (16, or `.concurrency(n)`). It
/// requests the next page together with the last window of a page. It returns the first record of a
/// window when all of this is done. So the caller may take its time. It may also call KMS itself,
/// even through a provider that limits its calls.
///
/// A future of [`next`](Self::next) may be dropped at any time, and no record is lost. Openings in
/// progress are then cancelled, and the next call of `next` starts them again. This happens once:
/// openings that were started again stay in progress. So a `select!` in a loop, which drops each
/// call of `next`, still gets its records.
///
/// It is also a [`Stream`], for the combinators of the `futures` crate. A `Stream` cannot know that
/// nobody polls it any more. So after `Poll::Pending`, poll it until it is ready, or drop it. A
/// combinator of several streams, such as `select`, leaves one of them pending while it returns a
/// record of another.
pub struct Records<T> {
    fingerprint: Fingerprint,
    segments: Vec<Segment<T>>,
    /// The index of the segment whose record was taken last.
    turn: usize,
    /// Makes the segments of a search, one after the other.
    search: Option<(Search, Pages)>,
    opener: Opener<T>,
    /// How many records may still be taken.
    left: usize,
    /// How many records may be opened at a time.
    concurrency: usize,
}

/// How many records are returned, and how many are opened at a time.
pub(crate) struct Limits {
    pub(crate) records: usize,
    pub(crate) concurrency: usize,
}

impl<T: 'static> Records<T> {
    /// A search has no segments yet, and the pages that all of its queries have in common.
    pub(crate) const fn new(
        fingerprint: Fingerprint,
        segments: Vec<Segment<T>>,
        search: Option<(Search, Pages)>,
        opener: Opener<T>,
        limits: Limits,
    ) -> Self {
        let Limits { records, concurrency } = limits;
        Self { fingerprint, segments, turn: 0, search, opener, left: records, concurrency }
    }

    /// Returns the next record, or the error in its place; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        let next = Next(self);
        poll_fn(|context| next.0.poll(context)).await
    }

    /// Collects the remaining records, up to the first error.
    ///
    /// # Errors
    ///
    /// Returns the first error. [`resume_token`](Self::resume_token) then points after the record
    /// that failed.
    pub async fn try_collect<C: Default + Extend<T>>(&mut self) -> Result<C, Error> {
        let mut records = C::default();
        while let Some(record) = self.next().await {
            records.extend([record?]);
        }
        Ok(records)
    }

    /// Collects the remaining results, errors included.
    pub async fn collect<C: Default + Extend<Result<T, Error>>>(&mut self) -> C {
        let mut results = C::default();
        while let Some(record) = self.next().await {
            results.extend([record]);
        }
        results
    }

    /// Returns where to continue, in this process or another; `None` if nothing is left.
    ///
    /// It points after the last record that this stream returned, even if that was an error. If
    /// DynamoDB refused a page, it points before that page.
    #[must_use]
    pub fn resume_token(&self) -> Option<ResumeToken> {
        let fingerprint = self.fingerprint;
        if let Some((search, _)) = &self.search {
            let positions =
                search.positions(self.segments.first().map(Segment::position).as_ref())?;
            return Some(ResumeToken { fingerprint, positions });
        }
        let positions: Vec<_> = self.segments.iter().map(Segment::position).collect();
        let done = positions.iter().all(|position| *position == Position::End);
        (!done).then_some(ResumeToken { fingerprint, positions })
    }

    /// Returns how many records a search by an encrypted field has passed over so far.
    ///
    /// The index lists these records under the tag of the searched value, but they do not have the
    /// value themselves: the record was changed and the index does not know it yet, or somebody
    /// who can write the table put the tag there. Other queries and scans pass over none.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.search.as_ref().map_or(0, |(search, _)| search.passed_over())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        while self.left > 0 {
            ready!(self.poll_segments(context));
            if let Some(taken) = self.take() {
                let is_record = taken.is_record;
                let Some(result) = self.returned(taken) else { continue };
                self.left -= usize::from(is_record);
                return Poll::Ready(Some(result));
            }
            if !self.start_window() {
                match ready!(self.poll_search(context)) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        }
        Poll::Ready(None)
    }

    /// The result to return: `None` for a record that a search passes over, or that it has returned
    /// before.
    fn returned(&mut self, taken: Taken<T>) -> Option<Result<T, Error>> {
        let record = match taken.result {
            Err(error) => return Some(Err(error)),
            Ok(record) => record,
        };
        let Some((search, pages)) = &mut self.search else { return record.map(Ok) };
        match record {
            None => search.note_passed_over(pages.index().unwrap_or_default()),
            Some(record) if search.note_returned(taken.identity) => return Some(Ok(record)),
            Some(_) => {}
        }
        None
    }

    /// Starts the next query of a search. Returns whether there is one.
    ///
    /// If the last one was not read to the end, there is none: in the meantime, the records that it
    /// did not read might move to a tag that would then be queried too early.
    fn poll_search(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let Some((search, pages)) = &mut self.search else { return Poll::Ready(Ok(false)) };
        if !self.segments.iter().all(Segment::is_at_end) {
            return Poll::Ready(Ok(false));
        }
        let Some((request, from)) = ready!(search.poll_next(context))? else {
            return Poll::Ready(Ok(false));
        };
        self.segments = vec![Segment::new(pages.of(request), from)];
        Poll::Ready(Ok(true))
    }

    fn poll_segments(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut done = Poll::Ready(());
        for segment in &mut self.segments {
            if segment.poll(context, &self.opener).is_pending() {
                done = Poll::Pending;
            }
        }
        done
    }

    /// Takes a record, from the next segment that has one.
    fn take(&mut self) -> Option<Taken<T>> {
        self.turns().find_map(|turn| {
            let taken = self.segments.get_mut(turn)?.take()?;
            self.turn = turn;
            Some(taken)
        })
    }

    /// Starts the next window, and requests pages. Returns whether there was anything to start.
    fn start_window(&mut self) -> bool {
        let in_tasks = self.opener.in_task.is_some() && has_threads();
        let chunks = in_tasks.then(|| WINDOW.div_ceil(self.concurrency));
        self.segments.iter_mut().for_each(|segment| segment.set_chunks(chunks));
        let window = if in_tasks { WINDOW.max(self.concurrency) } else { self.concurrency };
        let started = self.start_records(window.min(self.left));
        let mut has_started = started > 0;
        for segment in &mut self.segments {
            has_started |= segment.request_page(self.left - started);
        }
        has_started
    }

    /// Starts to open up to `limit` records, one of each segment in turn, so that the segments
    /// advance alike. Returns how many.
    fn start_records(&mut self, limit: usize) -> usize {
        let (mut started, mut before) = (0, None);
        while before != Some(started) {
            before = Some(started);
            for turn in self.turns() {
                let starts = started < limit
                    && self.segments.get_mut(turn).is_some_and(Segment::start_record);
                started += usize::from(starts);
            }
        }
        started
    }

    /// The indexes of all segments. The one after `turn` comes first.
    fn turns(&self) -> impl Iterator<Item = usize> + use<T> {
        let (turn, segments) = (self.turn, self.segments.len());
        (1..=segments).map(move |step| (turn + step) % segments)
    }

    fn pause(&mut self) {
        self.segments.iter_mut().for_each(Segment::pause);
        if let Some((search, _)) = &mut self.search {
            search.pause();
        }
    }
}

/// A call of `next`. When it ends or is dropped, it cancels what would stay in progress without
/// anybody to poll it.
struct Next<'r, T: 'static>(&'r mut Records<T>);

impl<T> Drop for Next<'_, T> {
    fn drop(&mut self) {
        self.0.pause();
    }
}

/// No field is pinned in place.
impl<T> Unpin for Records<T> {}

impl<T: 'static> Stream for Records<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl<T> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

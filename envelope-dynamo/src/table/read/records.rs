//! Records as they come: page by page, opened several at a time, each with its own result.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use crate::error::Error;
use crate::table::read::open::Opener;
use crate::table::read::resume_token::{Fingerprint, Position, ResumeToken};
use crate::table::read::segment::{Segment, Taken};

/// The records of a query or a scan, in order, each with its own result.
///
/// ```no_run
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
/// # use envelope_dynamo::{Envelope, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// let users = Table::<User>::new(dynamodb, provider);
/// let mut records = users.scan().stream()?;
/// while let Some(user) = records.next().await {
///     match user {
///         Ok(user) => println!("{}", user.user_id),
///         Err(error) => eprintln!("{error}"), // names the record; those after it still come
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// A record that does not open is one error, named by its key, and the records after it still come.
/// A page that DynamoDB does not give, after the SDK's own retries, is one error as well; then the
/// stream ends (or the segment, where there are several), and [`resume_token`](Self::resume_token)
/// says where to go on. So a stream that was read to its end was read whole exactly if its token is
/// `None`.
///
/// Nothing is asked before the stream is polled. In memory are a page of 1 MB at most, as DynamoDB
/// gives them, for each segment, and up to 16 open records, or as many as `.concurrency(n)` says.
///
/// # Between two records
///
/// While the caller works on a record, nothing is under way: no call to KMS, no request to
/// DynamoDB. The records of a window (16, or `.concurrency(n)`) are opened together, the next page
/// is asked for together with the last window of a page, and the first record is given when all of
/// them are done. So the caller may take its time, and may call KMS itself, through a provider with
/// a bound on its calls as well.
///
/// A future of [`next`](Self::next) may be dropped at any time. No record is lost: openings that
/// are under way are given up, and begun again by the next call of `next`. Once: what was begun
/// again stays under way, so that a `select!` in a loop, which drops each call of `next`, gets its
/// records.
///
/// It is a [`Stream`] as well, for the combinators of the `futures` crate. A `Stream` cannot know
/// that nobody polls it any more: after `Poll::Pending`, poll it until it is ready, or drop it. A
/// combinator of several streams, such as `select`, leaves one of them pending while it gives a
/// record of another.
pub struct Records<T> {
    fingerprint: Fingerprint,
    segments: Vec<Segment<T>>,
    /// The segment of the record that was taken last.
    turn: usize,
    opener: Opener<T>,
    /// How many records may still be taken.
    left: usize,
    /// How many records may be opened at a time.
    concurrency: usize,
}

impl<T: 'static> Records<T> {
    pub(crate) const fn new(
        fingerprint: Fingerprint,
        segments: Vec<Segment<T>>,
        opener: Opener<T>,
        limit: usize,
        concurrency: usize,
    ) -> Self {
        Self { fingerprint, segments, turn: 0, opener, left: limit, concurrency }
    }

    /// The next record, or why there is none where one should be; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        let next = Next(self);
        poll_fn(|context| next.0.poll(context)).await
    }

    /// The records that are left, up to the first error.
    ///
    /// # Errors
    ///
    /// The first that occurs; [`resume_token`](Self::resume_token) then points behind the record
    /// that it is about.
    pub async fn try_collect<C: Default + Extend<T>>(&mut self) -> Result<C, Error> {
        let mut records = C::default();
        while let Some(record) = self.next().await {
            records.extend([record?]);
        }
        Ok(records)
    }

    /// The results that are left, errors among them.
    pub async fn collect<C: Default + Extend<Result<T, Error>>>(&mut self) -> C {
        let mut results = C::default();
        while let Some(record) = self.next().await {
            results.extend([record]);
        }
        results
    }

    /// Where to go on after what was taken, in this process or another; `None` when there is
    /// nothing left.
    ///
    /// It points behind the last record that this stream gave, a bad one included. After a page
    /// that DynamoDB did not give it points before that page.
    #[must_use]
    pub fn resume_token(&self) -> Option<ResumeToken> {
        let positions: Vec<_> =
            self.segments.iter().map(|segment| segment.taken().clone()).collect();
        let done = positions.iter().all(|position| *position == Position::End);
        (!done).then(|| ResumeToken { fingerprint: self.fingerprint, positions })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        while self.left > 0 {
            ready!(self.poll_under_way(context));
            if let Some(taken) = self.take() {
                self.left -= usize::from(taken.is_record);
                return Poll::Ready(Some(taken.result));
            }
            if !self.begin() {
                break;
            }
        }
        Poll::Ready(None)
    }

    fn poll_under_way(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut done = Poll::Ready(());
        for segment in &mut self.segments {
            if segment.poll(context, &self.opener).is_pending() {
                done = Poll::Pending;
            }
        }
        done
    }

    /// A record of the segment whose turn it is.
    fn take(&mut self) -> Option<Taken<T>> {
        self.turns().find_map(|turn| {
            let taken = self.segments.get_mut(turn)?.take()?;
            self.turn = turn;
            Some(taken)
        })
    }

    /// Begins the next window, and pages; whether there was anything to begin.
    fn begin(&mut self) -> bool {
        let bound = self.concurrency.min(self.left);
        let begun = self.begin_records(bound);
        let mut begins = begun > 0;
        for segment in &mut self.segments {
            begins |= segment.begin_page(self.left - begun);
        }
        begins
    }

    /// Begins records in turns, so that the segments advance alike; how many.
    fn begin_records(&mut self, bound: usize) -> usize {
        let (mut begun, mut before) = (0, None);
        while before != Some(begun) {
            before = Some(begun);
            for turn in self.turns() {
                let begins =
                    begun < bound && self.segments.get_mut(turn).is_some_and(Segment::begin_record);
                begun += usize::from(begins);
            }
        }
        begun
    }

    /// The segments, from the one whose turn it is.
    fn turns(&self) -> impl Iterator<Item = usize> + use<T> {
        let (turn, segments) = (self.turn, self.segments.len());
        (1..=segments).map(move |step| (turn + step) % segments)
    }

    fn pause(&mut self) {
        self.segments.iter_mut().for_each(Segment::pause);
    }
}

/// A call of `next`: when it ends, or is dropped, nothing stays under way that nobody polls.
struct Next<'r, T: 'static>(&'r mut Records<T>);

impl<T> Drop for Next<'_, T> {
    fn drop(&mut self) {
        self.0.pause();
    }
}

/// Nothing in it is pinned in place.
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

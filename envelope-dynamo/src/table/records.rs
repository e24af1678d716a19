//! Records as they come: page by page, opened several at a time, each with its own result.

pub(super) mod lane;
pub(super) mod open;
pub(super) mod pages;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use self::lane::Lane;
use self::open::Opener;
use crate::error::Error;
use crate::token::{Fingerprint, Position, ResumeToken};

/// The records of a query or a scan, in order, each with its own result.
///
/// ```no_run
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
/// # use envelope_dynamo::{Envelope, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// let users = Table::<User>::new(dynamodb, provider);
/// let mut records = users.scan().stream();
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
/// A record that does not open is one error, named by its key, and the records after it still come. A page that
/// DynamoDB does not give, after the SDK's own retries, is one error as well; then the stream ends (or the segment, where
/// there are several), and [`resume_token`](Self::resume_token) says where to go on. So a stream that was read to its end
/// was read whole exactly if its token is `None`.
///
/// Nothing is asked before the stream is polled. In memory are a page of 1 MB at most, as DynamoDB gives them, for each
/// segment, and the records being opened; the next page is asked for when the last records of one are being opened. Dropping a
/// future of [`next`](Self::next) loses nothing.
///
/// It is a [`Stream`] as well, for the combinators of the `futures` crate.
pub struct Records<T> {
    reading: Fingerprint,
    /// Why nothing is asked at all.
    refused: Option<Error>,
    lanes: Vec<Lane<T>>,
    /// The lane whose turn it is.
    turn: usize,
    opener: Opener<T>,
    /// How many records may still be taken.
    left: usize,
    /// How many records may be opened at a time.
    concurrency: usize,
}

impl<T: 'static> Records<T> {
    pub(super) const fn new(
        reading: Fingerprint,
        lanes: Vec<Lane<T>>,
        opener: Opener<T>,
        limit: usize,
        concurrency: usize,
    ) -> Self {
        Self { reading, refused: None, lanes, turn: 0, opener, left: limit, concurrency }
    }

    /// A stream of one error.
    pub(super) fn refused(error: Error, opener: Opener<T>) -> Self {
        let reading = Fingerprint::of(&[], &[]);
        Self { reading, refused: Some(error), lanes: Vec::new(), turn: 0, opener, left: 0, concurrency: 1 }
    }

    /// The next record, or why there is none where one should be; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// The records that are left, up to the first error.
    ///
    /// # Errors
    ///
    /// The first that occurs; [`resume_token`](Self::resume_token) then points behind the record that it is about.
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

    /// Where to go on after what was taken, in this process or another; `None` when there is nothing left.
    ///
    /// It points behind the last record that this stream gave, a bad one included. After a page that DynamoDB did not
    /// give it points before that page.
    #[must_use]
    pub fn resume_token(&self) -> Option<ResumeToken> {
        let positions: Vec<_> = self.lanes.iter().map(|lane| lane.taken().clone()).collect();
        let done = positions.iter().all(|position| *position == Position::End);
        (!done).then(|| ResumeToken { reading: self.reading, positions })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        if let Some(error) = self.refused.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut waiting = false;
        for _ in 0..self.lanes.len() {
            let opening: usize = self.lanes.iter().map(Lane::opening).sum();
            let room = self.concurrency.saturating_sub(opening);
            self.turn = (self.turn + 1) % self.lanes.len();
            let Some(lane) = self.lanes.get_mut(self.turn) else { continue };
            match lane.poll(context, &self.opener, self.left, room) {
                Poll::Ready(Some(taken)) => {
                    self.left -= usize::from(taken.is_record);
                    return Poll::Ready(Some(taken.result));
                }
                Poll::Ready(None) => {}
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(None) }
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
        f.debug_struct("Records").field("segments", &self.lanes.len()).finish_non_exhaustive()
    }
}

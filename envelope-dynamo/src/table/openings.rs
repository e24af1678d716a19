//! A queue of items to open, several at a time.

use std::collections::VecDeque;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;

/// A record being opened.
pub(crate) type Opening<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// Several records being opened in a task of the runtime. `None` if the runtime has shut down: the
/// items were returned then.
pub(crate) type Chunk<'a, T> = BoxFuture<'a, Option<Vec<Result<T, Error>>>>;

/// A queue of items, each with a tag. The items at its front, the window, are opened concurrently.
///
/// An opening may hold a permit to call KMS, or wait for one, and a call to KMS has a deadline.
/// While the caller of a stream works on a record, nobody polls the stream's openings: they would
/// keep their permits, and their deadlines would pass. So a stream returns records only after the
/// whole window is done. It cancels its openings if the caller goes away before that.
///
/// A caller that goes away each time, such as a branch of `select!` in a loop, would then never get
/// a record, and would call KMS forever. So openings that were cancelled and started again are not
/// cancelled a second time until one of them is done.
pub(crate) struct Openings<'a, Tag, T> {
    queue: VecDeque<Entry<'a, Tag, T>>,
    /// How many items, from the front, are in the window.
    window: usize,
    /// Whether openings were cancelled since the last one was done.
    was_cancelled: bool,
    /// Chunks of the window, each with the positions of its items. The runtime polls them, so they
    /// are not cancelled before the queue is dropped.
    chunks: Vec<(Vec<usize>, Chunk<'a, T>)>,
}

struct Entry<'a, Tag, T> {
    tag: Tag,
    state: State<'a, T>,
}

enum State<'a, T> {
    Waiting(Item),
    /// The item is lent to the opening.
    Opening(Opening<'a, T>, Arc<Mutex<Item>>),
    /// The item is lent to a chunk.
    InChunk(Arc<Mutex<Item>>),
    Done(Result<T, Error>),
}

/// An item that is lent to an opening. When the opening ends or is dropped, its lender has the item
/// again, without what the opening took from it.
pub(crate) struct LentItem {
    item: Item,
    lender: Arc<Mutex<Item>>,
}

impl LentItem {
    fn new(item: Item) -> (Self, Arc<Mutex<Item>>) {
        let lender = Arc::default();
        (Self { item, lender: Arc::clone(&lender) }, lender)
    }
}

impl Deref for LentItem {
    type Target = Item;

    fn deref(&self) -> &Item {
        &self.item
    }
}

impl DerefMut for LentItem {
    fn deref_mut(&mut self) -> &mut Item {
        &mut self.item
    }
}

impl Drop for LentItem {
    fn drop(&mut self) {
        *self.lender.lock().unwrap_or_else(PoisonError::into_inner) = mem::take(&mut self.item);
    }
}

impl<'a, Tag, T> Openings<'a, Tag, T> {
    pub(crate) const fn new() -> Self {
        Self { queue: VecDeque::new(), window: 0, was_cancelled: false, chunks: Vec::new() }
    }

    pub(crate) fn push(&mut self, tag: Tag, item: Item) {
        self.queue.push_back(Entry { tag, state: State::Waiting(item) });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether every item is in the window.
    pub(crate) fn all_started(&self) -> bool {
        self.window == self.queue.len()
    }

    /// Takes the next item into the window. Returns whether there was one.
    pub(crate) fn start_next(&mut self) -> bool {
        let has_more = !self.all_started();
        self.window += usize::from(has_more);
        has_more
    }

    /// The tag of the last item.
    pub(crate) fn last_tag(&mut self) -> Option<&mut Tag> {
        self.queue.back_mut().map(|entry| &mut entry.tag)
    }

    /// Opens the items of the window. Ready when all of them are done.
    ///
    /// An opening must leave its item as it is while it waits: it may be dropped and started again.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut open: impl FnMut(LentItem) -> Opening<'a, T>,
    ) -> Poll<()> {
        let mut done = Poll::Ready(());
        for entry in self.queue.iter_mut().take(self.window) {
            let was_done = entry.is_done();
            if entry.poll(context, &mut open).is_pending() {
                done = Poll::Pending;
            } else if !was_done {
                self.was_cancelled = false;
            }
        }
        done
    }

    /// Opens the items of the window in chunks of `size`. Ready when all of them are done.
    pub(crate) fn poll_chunks(
        &mut self,
        context: &mut Context<'_>,
        size: usize,
        open: impl FnMut(Vec<LentItem>) -> Chunk<'a, T>,
    ) -> Poll<()> {
        self.start_chunks(size, open);
        for (positions, mut chunk) in mem::take(&mut self.chunks) {
            match chunk.as_mut().poll(context) {
                Poll::Pending => self.chunks.push((positions, chunk)),
                Poll::Ready(Some(results)) => self.finish(positions, results),
                Poll::Ready(None) => {
                    self.take_back(positions);
                    context.waker().wake_by_ref();
                }
            }
        }
        let all_done = self.queue.iter().take(self.window).all(Entry::is_done);
        if all_done { Poll::Ready(()) } else { Poll::Pending }
    }

    fn start_chunks(&mut self, size: usize, mut open: impl FnMut(Vec<LentItem>) -> Chunk<'a, T>) {
        let window = self.queue.iter_mut().take(self.window).enumerate();
        let mut lent: VecDeque<_> =
            window.filter_map(|(position, entry)| Some((position, entry.lend()?))).collect();
        while !lent.is_empty() {
            let chunk = lent.drain(..size.min(lent.len()));
            let (positions, items): (Vec<_>, Vec<_>) = chunk.unzip();
            self.chunks.push((positions, open(items)));
        }
    }

    fn finish(&mut self, positions: Vec<usize>, results: Vec<Result<T, Error>>) {
        for (position, result) in positions.into_iter().zip(results) {
            if let Some(entry) = self.queue.get_mut(position) {
                entry.state = State::Done(result);
            }
        }
    }

    fn take_back(&mut self, positions: Vec<usize>) {
        for position in positions {
            if let Some(entry) = self.queue.get_mut(position)
                && let State::InChunk(lender) = &entry.state
            {
                entry.state = State::Waiting(returned(lender));
            }
        }
    }

    /// Takes the first item, if it is done and no chunk is in progress.
    pub(crate) fn take(&mut self) -> Option<(Tag, Result<T, Error>)> {
        if !self.chunks.is_empty() {
            return None;
        }
        let entry = self.queue.pop_front_if(|first| first.is_done())?;
        let State::Done(result) = entry.state else { return None };
        self.window -= 1;
        Some((entry.tag, result))
    }

    /// Drops the openings in progress, unless they were dropped before. They start again when the
    /// window is polled. The results of those that are done stay.
    pub(crate) fn cancel(&mut self) {
        if self.was_cancelled {
            return;
        }
        for entry in self.queue.iter_mut().take(self.window) {
            if let State::Opening(_, lender) = &entry.state {
                let lender = Arc::clone(lender);
                // Dropping the opening returns the item.
                entry.state = State::Waiting(Item::new());
                entry.state = State::Waiting(returned(&lender));
                self.was_cancelled = true;
            }
        }
    }
}

fn returned(lender: &Mutex<Item>) -> Item {
    mem::take(&mut lender.lock().unwrap_or_else(PoisonError::into_inner))
}

impl<'a, Tag, T> Entry<'a, Tag, T> {
    const fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// Lends the item to a chunk, if it is waiting.
    fn lend(&mut self) -> Option<LentItem> {
        let State::Waiting(item) = &mut self.state else { return None };
        let (lent, lender) = LentItem::new(mem::take(item));
        self.state = State::InChunk(lender);
        Some(lent)
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        open: &mut impl FnMut(LentItem) -> Opening<'a, T>,
    ) -> Poll<()> {
        if let State::Waiting(item) = &mut self.state {
            let (lent, lender) = LentItem::new(mem::take(item));
            self.state = State::Opening(open(lent), lender);
        }
        if let State::Opening(opening, _) = &mut self.state {
            let result = ready!(opening.as_mut().poll(context));
            self.state = State::Done(result);
        }
        Poll::Ready(())
    }
}

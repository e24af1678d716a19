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
}

struct Entry<'a, Tag, T> {
    tag: Tag,
    state: State<'a, T>,
}

enum State<'a, T> {
    Waiting(Item),
    /// The item is lent to the opening.
    Opening(Opening<'a, T>, Arc<Mutex<Item>>),
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
        Self { queue: VecDeque::new(), window: 0, was_cancelled: false }
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

    /// Takes the first item, if it is done.
    pub(crate) fn take(&mut self) -> Option<(Tag, Result<T, Error>)> {
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

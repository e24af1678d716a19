//! Items to be opened, a window of them at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::dynamodb::Item;
use crate::error::Error;

/// A record being opened.
pub(crate) type Opening<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A queue of items, each with a tag. Those at its front, the window, are opened together.
///
/// An opening may hold a permit to call KMS, or wait in line for one, and a call to KMS has a
/// deadline. While the caller of a stream does other work, nobody polls the stream's openings: the
/// permits would not come back, and the deadlines would pass. So the streams give a record to their
/// caller only when the whole window is done, and give up their openings when the caller goes away
/// in the middle.
///
/// A caller that goes away each time, as one branch of `select!` in a loop does, would never get a
/// record so, and would call KMS for ever. So what was given up and begun again stays, until one of
/// the openings is done.
pub(crate) struct Openings<'a, Tag, T> {
    queue: VecDeque<Entry<'a, Tag, T>>,
    /// How many items, from the front, are in the window.
    window: usize,
    /// Whether openings were given up since the last one was done.
    were_given_up: bool,
}

struct Entry<'a, Tag, T> {
    tag: Tag,
    item: Item,
    state: State<'a, T>,
}

enum State<'a, T> {
    Waiting,
    Opening(Opening<'a, T>),
    Done(Result<T, Error>),
}

impl<'a, Tag, T> Openings<'a, Tag, T> {
    pub(crate) const fn new() -> Self {
        Self { queue: VecDeque::new(), window: 0, were_given_up: false }
    }

    pub(crate) fn push(&mut self, tag: Tag, item: Item) {
        self.queue.push_back(Entry { tag, item, state: State::Waiting });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether every item is in the window.
    pub(crate) fn all_begun(&self) -> bool {
        self.window == self.queue.len()
    }

    /// Takes the next item into the window; whether there is one.
    pub(crate) fn begin(&mut self) -> bool {
        let has_more = !self.all_begun();
        self.window += usize::from(has_more);
        has_more
    }

    /// The tag of the last item.
    pub(crate) fn last_tag(&mut self) -> Option<&mut Tag> {
        self.queue.back_mut().map(|entry| &mut entry.tag)
    }

    /// Opens the window; ready when all of it is done.
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut open: impl FnMut(Item) -> Opening<'a, T>,
    ) -> Poll<()> {
        let mut done = Poll::Ready(());
        for entry in self.queue.iter_mut().take(self.window) {
            let was_done = entry.is_done();
            if entry.poll(context, &mut open).is_pending() {
                done = Poll::Pending;
            } else if !was_done {
                self.were_given_up = false;
            }
        }
        done
    }

    /// Takes the first item that is done.
    pub(crate) fn take(&mut self) -> Option<(Tag, Result<T, Error>)> {
        let entry = self.queue.pop_front_if(|first| first.is_done())?;
        let State::Done(result) = entry.state else { return None };
        self.window -= 1;
        Some((entry.tag, result))
    }

    /// Drops the openings under way, unless they were dropped before; they start again when the
    /// window is polled. Those that are done stay done.
    pub(crate) fn give_up(&mut self) {
        if self.were_given_up {
            return;
        }
        for entry in self.queue.iter_mut().take(self.window) {
            if matches!(entry.state, State::Opening(_)) {
                entry.state = State::Waiting;
                self.were_given_up = true;
            }
        }
    }
}

impl<'a, Tag, T> Entry<'a, Tag, T> {
    const fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        open: &mut impl FnMut(Item) -> Opening<'a, T>,
    ) -> Poll<()> {
        if matches!(self.state, State::Waiting) {
            // The item stays here: the opening may be given up and begun again.
            self.state = State::Opening(open(self.item.clone()));
        }
        if let State::Opening(opening) = &mut self.state {
            let result = ready!(opening.as_mut().poll(context));
            (self.state, self.item) = (State::Done(result), Item::new());
        }
        Poll::Ready(())
    }
}

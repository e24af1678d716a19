//! One sequence of pages: a query, or a segment of a scan.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use super::open::{Opener, Opening};
use super::pages::{Fetching, Page, Pages};
use crate::binding::Item;
use crate::error::Error;
use crate::token::Position;

/// Pages one after the other, and the records of the one that came last.
pub(in crate::table) struct Lane<T> {
    pages: Pages,
    next: Next,
    /// Behind the last record that was taken.
    taken: Position,
    records: VecDeque<Entry<T>>,
    /// How many of `records`, from the front, are being opened or wait to be taken.
    opening: usize,
    opener: Option<Opener<T>>,
}

enum Next {
    /// The page that follows the position is yet to be asked for.
    After(Option<Item>),
    Fetching(Fetching),
    /// There is none, or it could not be had.
    Nothing,
}

struct Entry<T> {
    state: State<T>,
    /// Where the reading goes on behind this record; none for a page that could not be had.
    after: Option<Position>,
}

enum State<T> {
    Waiting(Item),
    Opening(Opening<T>),
    Done(Result<T, Error>),
}

/// What a lane gives.
pub(super) struct Taken<T> {
    pub(super) result: Result<T, Error>,
    /// Whether it is about a record, and not a page.
    pub(super) is_record: bool,
}

impl<T: 'static> Lane<T> {
    pub(in crate::table) fn new(pages: Pages, from: Position) -> Self {
        let next = match &from {
            Position::Start => Next::After(None),
            Position::After(key) => Next::After(Some(key.clone())),
            Position::End => Next::Nothing,
        };
        Self { pages, next, taken: from, records: VecDeque::new(), opening: 0, opener: None }
    }

    pub(super) const fn taken(&self) -> &Position {
        &self.taken
    }

    pub(super) const fn opening(&self) -> usize {
        self.opening
    }

    /// The next record: `left` may still be taken, and `room` more be opened now.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        opener: &Opener<T>,
        left: usize,
        mut room: usize,
    ) -> Poll<Option<Taken<T>>> {
        loop {
            let came = self.poll_page(context, opener, left);
            room -= self.open(room.min(left.saturating_sub(self.opening)));
            self.poll_opening(context);
            if let Some(taken) = self.take() {
                return Poll::Ready(Some(taken));
            }
            if self.records.is_empty() && matches!(self.next, Next::Nothing) {
                return Poll::Ready(None);
            }
            if !came {
                return Poll::Pending;
            }
        }
    }

    /// Asks for the next page if all records of the last are being opened; whether one came.
    fn poll_page(&mut self, context: &mut Context<'_>, opener: &Opener<T>, left: usize) -> bool {
        if let Next::After(start) = &mut self.next
            && self.opening == self.records.len()
            && self.records.len() < left
        {
            self.next = Next::Fetching(self.pages.fetch(start.take(), left - self.records.len()));
        }
        let Next::Fetching(fetching) = &mut self.next else { return false };
        match fetching.as_mut().poll(context) {
            Poll::Pending => return false,
            Poll::Ready(Ok(page)) => self.turn_to(page, opener),
            Poll::Ready(Err(error)) => {
                self.next = Next::Nothing;
                self.records.push_back(Entry { state: State::Done(Err(error)), after: None });
                self.opening = self.records.len();
            }
        }
        true
    }

    fn turn_to(&mut self, page: Page, opener: &Opener<T>) {
        self.pages.learn(page.shape);
        self.opener = Some(opener.for_page(page.items.iter().map(|(item, _)| item)));
        for (item, key) in page.items {
            if opener.takes(&item) {
                self.records.push_back(Entry { state: State::Waiting(item), after: Some(Position::After(key)) });
            }
        }
        let end = page.end.clone().map_or(Position::End, Position::After);
        match self.records.back_mut() {
            Some(last) => last.after = Some(end),
            None => self.taken = end,
        }
        self.next = page.end.map_or(Next::Nothing, |key| Next::After(Some(key)));
    }

    /// Begins to open so many records; how many there were.
    fn open(&mut self, room: usize) -> usize {
        let Some(opener) = &self.opener else { return 0 };
        let before = self.opening;
        for entry in self.records.iter_mut().skip(before).take(room) {
            if let State::Waiting(item) = &mut entry.state {
                entry.state = State::Opening(opener.open(std::mem::take(item)));
            }
            self.opening += 1;
        }
        self.opening - before
    }

    fn poll_opening(&mut self, context: &mut Context<'_>) {
        for entry in self.records.iter_mut().take(self.opening) {
            if let State::Opening(opening) = &mut entry.state
                && let Poll::Ready(result) = opening.as_mut().poll(context)
            {
                entry.state = State::Done(result);
            }
        }
    }

    /// The first record, if it is open.
    fn take(&mut self) -> Option<Taken<T>> {
        let first = self.records.pop_front_if(|first| matches!(first.state, State::Done(_)))?;
        let State::Done(result) = first.state else { return None };
        self.opening -= 1;
        let is_record = first.after.is_some();
        self.taken = first.after.unwrap_or_else(|| self.taken.clone());
        Some(Taken { result, is_record })
    }
}

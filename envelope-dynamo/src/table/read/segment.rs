//! One sequence of pages: a query, or a segment of a scan.

use std::task::{Context, Poll, ready};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::table::openings::Openings;
use crate::table::read::open::Opener;
use crate::table::read::page_request::PageRequest;
use crate::table::read::pages::{Page, Pages};
use crate::table::read::resume_token::Position;

/// Pages one after the other, and the records of the one that came last.
pub(crate) struct Segment<T> {
    pages: Pages,
    next: Next,
    /// Behind the last record that was taken.
    taken: Position,
    /// Records, and where the reading goes on behind each.
    records: Openings<'static, Position, T>,
    /// How the records of the page are opened.
    opener: Option<Opener<T>>,
}

enum Next {
    /// The page that follows the position is yet to be asked for.
    After(Option<Item>),
    Requested(Box<PageRequest>),
    /// It could not be had.
    Failed(Error),
    /// There is none, or its error was taken.
    Nothing,
}

/// What a segment gives.
pub(crate) struct Taken<T> {
    pub(crate) result: Result<T, Error>,
    /// Whether it is about a record, and not a page.
    pub(crate) is_record: bool,
}

impl<T: 'static> Segment<T> {
    pub(crate) fn new(pages: Pages, from: Position) -> Self {
        let next = match &from {
            Position::Start => Next::After(None),
            Position::After(key) => Next::After(Some(key.clone())),
            Position::End => Next::Nothing,
        };
        Self { pages, next, taken: from, records: Openings::new(), opener: None }
    }

    pub(crate) const fn taken(&self) -> &Position {
        &self.taken
    }

    /// Begins to open the next record of the page, if there is one.
    pub(crate) fn begin_record(&mut self) -> bool {
        self.records.start_next()
    }

    /// Asks for the next page if all records of the last one are being opened. Of it, `wanted` can
    /// be used.
    pub(crate) fn begin_page(&mut self, wanted: usize) -> bool {
        let Next::After(start) = &mut self.next else { return false };
        let begins = wanted > 0 && self.records.all_started();
        if begins {
            let request = PageRequest::new(self.pages.clone(), start.take(), wanted);
            self.next = Next::Requested(Box::new(request));
        }
        begins
    }

    /// Goes on with all that was begun; ready when nothing is under way.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, opener: &Opener<T>) -> Poll<()> {
        let of_page = self.opener.as_ref().unwrap_or(opener);
        let records = self.records.poll(context, |item| of_page.open(item));
        ready!(self.poll_page(context, opener));
        records
    }

    fn poll_page(&mut self, context: &mut Context<'_>, opener: &Opener<T>) -> Poll<()> {
        if let Next::Requested(request) = &mut self.next {
            match ready!(request.poll(context)) {
                Ok(page) => self.turn_to(page, opener),
                Err(error) => self.next = Next::Failed(error),
            }
        }
        Poll::Ready(())
    }

    fn turn_to(&mut self, page: Page, opener: &Opener<T>) {
        self.pages.set_projection(page.projection);
        self.opener = Some(opener.for_page(page.items.iter().map(|(item, _)| item)));
        for (item, key) in page.items {
            if opener.takes(&item) {
                self.records.push(Position::After(key), item);
            }
        }
        let end = page.end.clone().map_or(Position::End, Position::After);
        match self.records.last_tag() {
            Some(after) => *after = end,
            None => self.taken = end,
        }
        self.next = page.end.map_or(Next::Nothing, |key| Next::After(Some(key)));
    }

    /// The next record if it is open, or the error of a page behind the last one.
    pub(crate) fn take(&mut self) -> Option<Taken<T>> {
        if let Some((after, result)) = self.records.take() {
            self.taken = after;
            return Some(Taken { result, is_record: true });
        }
        if !self.records.is_empty() {
            return None;
        }
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Failed(error) => Some(Taken { result: Err(error), is_record: false }),
            next => {
                self.next = next;
                None
            }
        }
    }

    /// Leaves nothing under way that nobody polls; see [`Openings`].
    pub(crate) fn pause(&mut self) {
        self.records.cancel();
        if let Next::Requested(request) = &mut self.next {
            request.pause();
        }
    }
}

//! One sequence of pages: a query, or one segment of a scan.

use std::task::{Context, Poll, ready};

use crate::dynamodb::Item;
use crate::error::Error;
use crate::record::key_identity::KeyIdentity;
use crate::table::openings::Openings;
use crate::table::read::open::Opener;
use crate::table::read::page_request::PageRequest;
use crate::table::read::pages::{Page, Pages};
use crate::table::read::resume_token::Position;
use crate::table::read::source::KeyParts;

/// Reads pages one after the other, and holds the records of the last page.
pub(crate) struct Segment<T> {
    pages: Pages,
    next: Next,
    /// The position after the last record that was taken.
    taken: Reached,
    /// The records of the page.
    records: Openings<'static, Listed, Option<T>>,
    /// Opens the records of the page.
    opener: Option<Opener<T>>,
    /// The size of the chunks, if the records of the window are opened in tasks.
    in_chunks: Option<usize>,
}

enum Next {
    /// The page with this exclusive start key was not requested yet.
    After(Option<Item>),
    Requested(Box<PageRequest>),
    /// DynamoDB refused the page.
    Failed(Error),
    /// There is no next page, or its error was taken.
    End,
}

/// A record of a page.
struct Listed {
    /// The position after it.
    after: Reached,
    /// Which record it is, in a search.
    identity: Option<KeyIdentity>,
}

/// A position, or the key of the record that it is after.
enum Reached {
    Position(Position),
    Record(KeyParts),
}

impl Reached {
    fn position(&self) -> Position {
        match self {
            Self::Position(position) => position.clone(),
            Self::Record(key) => Position::After(key.clone().into_item()),
        }
    }
}

/// What was taken from a segment.
pub(crate) struct Taken<T> {
    /// `None` for a record that a search passes over.
    pub(crate) result: Result<Option<T>, Error>,
    /// Whether the result is about a record. If not, it is the error of a page.
    pub(crate) is_record: bool,
    /// Which record it is, in a search.
    pub(crate) identity: Option<KeyIdentity>,
}

impl<T: 'static> Segment<T> {
    pub(crate) fn new(pages: Pages, from: Position) -> Self {
        let next = match &from {
            Position::Start => Next::After(None),
            Position::After(key) => Next::After(Some(key.clone())),
            Position::End => Next::End,
        };
        Self {
            pages,
            next,
            taken: Reached::Position(from),
            records: Openings::new(),
            opener: None,
            in_chunks: None,
        }
    }

    /// Whether the last record was taken.
    pub(crate) const fn is_at_end(&self) -> bool {
        matches!(self.taken, Reached::Position(Position::End))
    }

    /// The position after the last record that was taken.
    pub(crate) fn position(&self) -> Position {
        self.taken.position()
    }

    /// Has the records of the next window opened in tasks, in chunks of this size.
    pub(crate) const fn set_chunks(&mut self, size: Option<usize>) {
        self.in_chunks = size;
    }

    /// Starts to open the next record of the page. Returns whether there was one.
    pub(crate) fn start_record(&mut self) -> bool {
        self.records.start_next()
    }

    /// Requests the next page if all records of the last page were started. The caller can use
    /// `wanted` of its records. Returns whether a page was requested.
    pub(crate) fn request_page(&mut self, wanted: usize) -> bool {
        let Next::After(start) = &mut self.next else { return false };
        let can_request = wanted > 0 && self.records.all_started();
        if can_request {
            let request = PageRequest::new(self.pages.clone(), start.take(), wanted);
            self.next = Next::Requested(Box::new(request));
        }
        can_request
    }

    /// Polls everything that was started. Ready when nothing is in progress.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, opener: &Opener<T>) -> Poll<()> {
        let of_page = self.opener.as_ref().unwrap_or(opener);
        let records = match (self.in_chunks, of_page.in_task) {
            (Some(size), Some(open)) => {
                self.records.poll_chunks(context, size, |items| open(of_page, items))
            }
            _ => self.records.poll(context, |item| of_page.open(item)),
        };
        ready!(self.poll_page(context, opener));
        records
    }

    fn poll_page(&mut self, context: &mut Context<'_>, opener: &Opener<T>) -> Poll<()> {
        if let Next::Requested(request) = &mut self.next {
            match ready!(request.poll(context)) {
                Ok(page) => self.add_page(page, opener),
                Err(error) => self.next = Next::Failed(error),
            }
        }
        Poll::Ready(())
    }

    fn add_page(&mut self, page: Page, opener: &Opener<T>) {
        self.pages.set_projection(page.projection);
        self.opener = Some(opener.for_page(page.items.iter().map(|(item, _)| item)));
        for (item, key) in page.items {
            if opener.takes(&item) {
                let identity = self.pages.identity(&item);
                self.records.push(Listed { after: Reached::Record(key), identity }, item);
            }
        }
        let end = page.end.clone().map_or(Position::End, Position::After);
        let end = Reached::Position(end);
        match self.records.last_tag() {
            Some(last) => last.after = end,
            None => self.taken = end,
        }
        self.next = page.end.map_or(Next::End, |key| Next::After(Some(key)));
    }

    /// Takes the next record if it is open. After the last record, takes the error of the page.
    pub(crate) fn take(&mut self) -> Option<Taken<T>> {
        if let Some((Listed { after, identity }, result)) = self.records.take() {
            self.taken = after;
            return Some(Taken { result, is_record: true, identity });
        }
        if !self.records.is_empty() {
            return None;
        }
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Failed(error) => {
                Some(Taken { result: Err(error), is_record: false, identity: None })
            }
            next => {
                self.next = next;
                None
            }
        }
    }

    /// Cancels what must not stay in progress without anybody to poll it; see [`Openings`].
    pub(crate) fn pause(&mut self) {
        self.records.cancel();
        if let Next::Requested(request) = &mut self.next {
            request.pause();
        }
    }
}

//! The request for one page, which its caller may stop polling.

use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::table::pausable::PausableRequest;
use crate::table::read::pages::{Page, Pages};

/// A request for a page, in progress.
pub(crate) struct PageRequest {
    pages: Pages,
    start: Option<Item>,
    wanted: usize,
    request: PausableRequest<'static, Result<Page, Error>>,
}

impl PageRequest {
    /// Requests the page after `start`. The caller can use `wanted` of its records.
    pub(crate) fn new(pages: Pages, start: Option<Item>, wanted: usize) -> Self {
        let page = pages.clone().read(start.clone(), wanted).boxed();
        Self { pages, start, wanted, request: PausableRequest::new(page) }
    }

    /// Notes that nobody polls the request for now.
    pub(crate) const fn pause(&mut self) {
        self.request.pause();
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Page, Error>> {
        let outcome = ready!(self.request.poll(context));
        if outcome.is_ok() || !self.request.may_be_late() {
            return Poll::Ready(outcome);
        }
        let page = self.pages.clone().read(self.start.take(), self.wanted).boxed();
        self.request = PausableRequest::second(page);
        self.poll(context)
    }
}

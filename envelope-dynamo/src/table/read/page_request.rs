//! A request for one page that its caller may stop polling.

use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::table::read::pages::{Page, Pages};

/// A request for a page, in progress.
///
/// It holds no permit to call KMS, so it may stay in progress while nobody polls it. But the SDK's
/// timeouts go on. If the request fails after such a pause, it is sent again, once: a caller that
/// stops polling each time must learn of the failure in the end.
pub(crate) struct PageRequest {
    pages: Pages,
    start: Option<Item>,
    wanted: usize,
    page: BoxFuture<'static, Result<Page, Error>>,
    was_paused: bool,
    is_second: bool,
}

impl PageRequest {
    /// Requests the page after `start`. The caller can use `wanted` of its records.
    pub(crate) fn new(pages: Pages, start: Option<Item>, wanted: usize) -> Self {
        let page = pages.clone().read(start.clone(), wanted).boxed();
        Self { pages, start, wanted, page, was_paused: false, is_second: false }
    }

    /// Notes that nobody polls the request for now.
    pub(crate) const fn pause(&mut self) {
        self.was_paused = true;
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Page, Error>> {
        let outcome = ready!(self.page.as_mut().poll(context));
        if outcome.is_ok() || !self.was_paused || self.is_second {
            return Poll::Ready(outcome);
        }
        let again = Self::new(self.pages.clone(), self.start.take(), self.wanted);
        *self = Self { is_second: true, ..again };
        self.poll(context)
    }
}

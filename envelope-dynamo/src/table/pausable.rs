//! A request to DynamoDB that its caller may stop polling.

use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

/// A request in progress that may be paused: nobody polls it until the caller comes back.
///
/// A request to DynamoDB holds no permit to call KMS, so it may stay in progress during a pause.
/// But the SDK's timeouts go on. A request that fails after a pause should be sent again, once: a
/// caller that pauses every request must learn of the failure in the end.
pub(crate) struct PausableRequest<'a, T> {
    request: BoxFuture<'a, T>,
    was_paused: bool,
    is_second: bool,
}

impl<'a, T> PausableRequest<'a, T> {
    pub(crate) fn new(request: BoxFuture<'a, T>) -> Self {
        Self { request, was_paused: false, is_second: false }
    }

    /// A request that replaces one which failed after a pause.
    pub(crate) fn second(request: BoxFuture<'a, T>) -> Self {
        Self { is_second: true, ..Self::new(request) }
    }

    /// Notes that nobody polls the request for now.
    pub(crate) const fn pause(&mut self) {
        self.was_paused = true;
    }

    /// Whether a failure can be due to a pause, and the request should be sent again.
    pub(crate) const fn may_be_late(&self) -> bool {
        self.was_paused && !self.is_second
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<T> {
        self.request.poll_unpin(context)
    }
}

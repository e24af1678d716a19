//! Whether a write may have happened although DynamoDB's answer was lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedAsyncSleep};
use aws_sdk_dynamodb::error::BoxError;

use crate::error::no_answer::never_connected;

/// RFC 9110, section 15.5.9.
const REQUEST_TIMEOUT: u16 = 408;

/// Watches each attempt that the SDK makes for one call. DynamoDB may carry out one attempt and
/// refuse the next one, so the last answer alone does not tell the outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttemptOutcome(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// An attempt was sent and has not ended, or its future was dropped before it ended.
    under_way: AtomicBool,
    /// An attempt ended without an answer that says whether it was carried out.
    unknown: AtomicBool,
    /// The clock with which the SDK pauses between its own attempts.
    sleep: OnceLock<SharedAsyncSleep>,
}

impl AttemptOutcome {
    /// Whether an attempt without an answer may have been carried out. Says nothing about a call
    /// that succeeded.
    pub(crate) fn is_unknown(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) || self.0.unknown.load(Ordering::Relaxed)
    }

    /// Records that an attempt may have been carried out.
    pub(crate) fn set_unknown(&self) {
        self.0.unknown.store(true, Ordering::Relaxed);
    }

    /// The clock with which the SDK pauses. A client that was configured by hand has one, but its
    /// configuration does not show it.
    pub(crate) fn sleep(&self) -> Option<SharedAsyncSleep> {
        self.0.sleep.get().cloned()
    }
}

impl Intercept for AttemptOutcome {
    fn name(&self) -> &'static str {
        "EnvelopeAttemptOutcome"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(sleep) = components.sleep_impl() {
            self.0.sleep.get_or_init(|| sleep);
        }
        // The call of an earlier attempt was dropped before the attempt ended.
        if self.0.under_way.swap(true, Ordering::Relaxed) {
            self.set_unknown();
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let was_sent = self.0.under_way.swap(false, Ordering::Relaxed);
        let (done, error) = match context.output_or_error() {
            Some(Ok(_)) => (true, None),
            Some(Err(error)) => (false, error.as_connector_error()),
            None => (false, None),
        };
        let never_sent = error.is_some_and(never_connected);
        // With a 4xx, DynamoDB refused the request before it wrote anything. A 5xx says nothing
        // about the write. A proxy may answer 408 after it has passed the request on.
        let status = context.response().map(|response| response.status());
        let refused = status
            .is_some_and(|status| status.is_client_error() && status.as_u16() != REQUEST_TIMEOUT);
        if was_sent && !done && !refused && !never_sent {
            self.set_unknown();
        }
        Ok(())
    }
}

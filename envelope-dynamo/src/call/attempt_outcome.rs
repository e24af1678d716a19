//! Whether a write that was not answered may have happened all the same.

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

/// Watches each of the SDK's tries: the last one may be refused although an earlier one was carried
/// out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doubt(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// A try is on its way, or was given up on its way.
    under_way: AtomicBool,
    /// A try ended without an answer that says whether it was carried out.
    unanswered: AtomicBool,
    /// What the SDK sleeps by between its own tries.
    sleep: OnceLock<SharedAsyncSleep>,
}

impl Doubt {
    /// Whether one of the tries may have been carried out; a success that was answered is for the
    /// caller to know.
    pub(crate) fn exists(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) || self.0.unanswered.load(Ordering::Relaxed)
    }
}

impl Doubt {
    /// Notes that a try may have been carried out.
    pub(crate) fn admit(&self) {
        self.0.unanswered.store(true, Ordering::Relaxed);
    }

    /// What the SDK sleeps by: a client that was configured by hand has it, but does not tell.
    pub(crate) fn sleep(&self) -> Option<SharedAsyncSleep> {
        self.0.sleep.get().cloned()
    }
}

impl Intercept for Doubt {
    fn name(&self) -> &'static str {
        "EnvelopeDoubt"
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
        // A try before this one was dropped on its way, with its call: no end of it was seen.
        if self.0.under_way.swap(true, Ordering::Relaxed) {
            self.admit();
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
        // DynamoDB refuses before it does anything; an error of its own (5xx) says nothing. A proxy
        // may answer 408 although it has passed the request on.
        let refused = context.response().map(|response| response.status());
        let refused = refused
            .is_some_and(|status| status.is_client_error() && status.as_u16() != REQUEST_TIMEOUT);
        if was_sent && !done && !refused && !never_sent {
            self.admit();
        }
        Ok(())
    }
}

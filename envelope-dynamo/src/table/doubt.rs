//! Whether a write that was not answered may have happened all the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::config::interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents, SharedAsyncSleep};
use aws_sdk_dynamodb::error::BoxError;

/// Watches each of the SDK's tries: the last one may be refused although an earlier one was carried out.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt(Arc<Seen>);

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
    /// Whether one of the tries may have been carried out; a success that was answered is for the caller to know.
    pub(super) fn exists(&self) -> bool {
        self.0.under_way.load(Ordering::Relaxed) || self.0.unanswered.load(Ordering::Relaxed)
    }
}

impl Doubt {
    /// What the SDK sleeps by: a client that was configured by hand has it, but does not tell.
    pub(super) fn sleep(&self) -> Option<SharedAsyncSleep> {
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
        self.0.under_way.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let was_sent = self.0.under_way.swap(false, Ordering::Relaxed);
        let done = matches!(context.output_or_error(), Some(Ok(_)));
        // DynamoDB refuses before it does anything; an error of its own (5xx) says nothing.
        let refused = context.response().is_some_and(|response| response.status().is_client_error());
        if was_sent && !done && !refused {
            self.0.unanswered.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

//! One call to KMS: its permit, its trace and its errors, and a task of its own to run in.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use envelope_core::{ContextForm, KeyError};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::keys::kms::error::{identified, key_error};
use crate::keys::kms::limits::Permits;
use crate::keys::kms::trace::traced;

/// How traces and errors describe a call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    /// The key, or both keys.
    pub(crate) key: String,
    pub(crate) form: ContextForm,
}

impl Call {
    pub(crate) fn new(operation: &'static str, key: impl Into<String>, form: ContextForm) -> Self {
        Self { operation, key: key.into(), form }
    }

    /// Waits for a permit, sends the request, and makes of the answer what the caller needs.
    ///
    /// `take` runs in the call's task, so that an answer that nobody fetches is dropped as `R`,
    /// which wipes its secrets.
    pub(crate) async fn make<T, E, R, F>(
        self,
        permits: &Permits,
        send: impl Fn() -> F + Send + Sync + 'static,
        take: impl Fn(T) -> Result<R, KeyError> + Send + Sync + 'static,
    ) -> Result<R, KeyError>
    where
        T: RequestId + Send + 'static,
        E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
        R: Send + 'static,
        F: Future<Output = Result<T, SdkError<E>>> + Send + 'static,
    {
        let parts = Arc::new((self, permits.clone(), send, take));
        in_a_task(|| {
            let parts = Arc::clone(&parts);
            async move {
                let (call, permits, send, take) = &*parts;
                let Self { operation, key, form } = call;
                let _permit = permits.acquire().await;
                let answer =
                    async { send().await.map_err(|error| key_error(error, key, operation)) };
                let output = traced(operation, key, *form, answer).await?;
                let request_id = output.request_id().map(str::to_owned);
                take(output).map_err(|error| identified(error, request_id))
            }
        })
        .await
    }
}

/// Runs a future in a task of its own, which ends with whoever waits for it.
///
/// A caller may be alive and not be polled: a stream between two items, a branch of `select!` that
/// waits. Its permit would be kept from everybody else, and its deadline would pass unused. In its
/// own task the call runs to its end.
///
/// Outside of a Tokio runtime the caller runs the future itself.
async fn in_a_task<T, F>(make: impl Fn() -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let Ok(runtime) = Handle::try_current() else { return make().await };
    match Task(runtime.spawn(make().in_current_span().with_current_subscriber())).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime that the task was on is gone, and whoever waits is on another.
            Err(_) => make().await,
        },
    }
}

/// A task that is aborted when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

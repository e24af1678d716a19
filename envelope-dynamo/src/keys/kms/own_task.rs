//! Runs a call to KMS in a Tokio task of its own.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

/// Runs a future in a task of its own, which is aborted when the returned future is dropped.
///
/// A caller can be alive and not be polled: a stream between two records, or a branch of `select!`.
/// If such a caller ran the call itself, it would keep its permit from everybody else, and the
/// deadline would pass unused. In a task of its own the call runs to its end.
///
/// Outside of a Tokio runtime the caller runs the future itself.
pub(crate) async fn in_own_task<T, F>(make: impl Fn() -> F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let Ok(runtime) = Handle::try_current() else { return make().await };
    match AbortOnDrop(runtime.spawn(make().in_current_span().with_current_subscriber())).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime of the task has shut down, and the caller runs on another one.
            Err(_) => make().await,
        },
    }
}

/// A task that is aborted when its caller is dropped.
pub(crate) struct AbortOnDrop<T>(pub(crate) JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

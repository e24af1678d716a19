//! The one way to call KMS: with a permit, a deadline, a trace, and in a task of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use envelope_core::{ContextForm, KeyError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;

use crate::keys::kms::error::{key_error, with_request_id};
use crate::keys::kms::own_task::in_own_task;

/// The SDK's client, and how KMS is called with it.
#[derive(Clone, Debug)]
pub(crate) struct KmsClient {
    /// Builds the requests.
    pub(crate) sdk: Client,
    grant_tokens: Vec<String>,
    /// Limits the calls that run at a time, first come first served. `None` sets no limit.
    permits: Option<Arc<Semaphore>>,
}

/// What traces and errors say about a call. No key bytes and no context values.
#[derive(Debug)]
pub(crate) struct CallInfo {
    pub(crate) operation: &'static str,
    /// The key, or both keys.
    pub(crate) key: String,
    /// `None` for a call without an encryption context.
    pub(crate) form: Option<ContextForm>,
}

impl KmsClient {
    pub(crate) const fn new(sdk: Client) -> Self {
        Self { sdk, grant_tokens: Vec::new(), permits: None }
    }

    pub(crate) fn add_grant_token(&mut self, token: String) {
        self.grant_tokens.push(token);
    }

    /// The grant tokens, as the SDK's builders take them.
    pub(crate) fn grant_tokens(&self) -> Option<Vec<String>> {
        (!self.grant_tokens.is_empty()).then(|| self.grant_tokens.clone())
    }

    pub(crate) fn limit_concurrent_calls(&mut self, calls: usize) {
        let permits = calls.clamp(1, Semaphore::MAX_PERMITS);
        self.permits = Some(Arc::new(Semaphore::new(permits)));
    }

    /// Limits the time of each operation, and keeps the client's other timeouts.
    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        let config = self.sdk.config();
        let timeouts =
            config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
        let timeouts = timeouts.operation_timeout(deadline).build();
        self.sdk = Client::from_conf(config.to_builder().timeout_config(timeouts).build());
    }

    pub(crate) fn set_retry(&mut self, retry: RetryConfig) {
        self.sdk = Client::from_conf(self.sdk.config().to_builder().retry_config(retry).build());
    }

    /// Waits for a permit, sends the request, and converts the answer with `take`.
    ///
    /// `take` runs in the call's task. So an answer that no caller fetches is dropped as an `R`,
    /// which wipes its secrets.
    pub(crate) async fn call<T, E, R, F>(
        &self,
        info: CallInfo,
        send: impl Fn() -> F + Send + Sync + 'static,
        take: impl Fn(T) -> Result<R, KeyError> + Send + Sync + 'static,
    ) -> Result<R, KeyError>
    where
        T: RequestId + Send + 'static,
        E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
        R: Send + 'static,
        F: Future<Output = Result<T, SdkError<E>>> + Send + 'static,
    {
        let parts = Arc::new((self.permits.clone(), info, send, take));
        in_own_task(|| {
            let parts = Arc::clone(&parts);
            async move {
                let (permits, info, send, take) = &*parts;
                let _permit = acquire(permits.as_ref()).await;
                let answer = async {
                    send().await.map_err(|error| key_error(error, &info.key, info.operation))
                };
                let output = info.traced(answer).await?;
                let request_id = output.request_id().map(str::to_owned);
                take(output).map_err(|error| with_request_id(error, request_id))
            }
        })
        .await
    }
}

impl CallInfo {
    pub(crate) fn new(
        operation: &'static str,
        key: impl Into<String>,
        form: impl Into<Option<ContextForm>>,
    ) -> Self {
        Self { operation, key: key.into(), form: form.into() }
    }

    /// Runs a call in a span, and reports its outcome: request id, time, and the kind of an error.
    async fn traced<T: RequestId>(
        &self,
        call: impl Future<Output = Result<T, KeyError>>,
    ) -> Result<T, KeyError> {
        let Self { operation, key, form } = self;
        let context_form = form.map(tracing::field::display);
        let span = tracing::debug_span!("kms", operation, key, context_form);
        async {
            let start = Instant::now();
            let outcome = call.await;
            let microseconds = start.elapsed().as_micros();
            match &outcome {
                Ok(output) => {
                    tracing::debug!(request_id = output.request_id(), microseconds, "answered");
                }
                Err(error) => tracing::warn!(
                    request_id = error.request_id(),
                    microseconds,
                    kind = ?error.kind(),
                    "failed"
                ),
            }
            outcome
        }
        .instrument(span)
        .await
    }
}

/// Waits for a permit, which is returned when the value is dropped.
async fn acquire(permits: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // The semaphore is never closed, so this never fails.
    Arc::clone(permits?).acquire_owned().await.ok()
}

//! The settings of calls to KMS: how many run at a time, the deadline, and the retries.

use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;

use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

impl KmsKeyWrapper {
    /// Makes at most this many calls at a time, and at least one. Further callers wait, first come
    /// first served.
    ///
    /// KMS limits the requests per second of an account, for all its services together. With this
    /// limit, a burst in one service does not throttle the others. The time of waiting does not
    /// count against the [`deadline`](Self::deadline).
    ///
    /// A call holds its permit until KMS has answered, or until its future is dropped. On a Tokio
    /// runtime each call runs in a task of its own. So a caller that is not polled, such as a
    /// stream between two records, does not hold a permit any longer.
    #[must_use]
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.kms.limit_concurrent_calls(calls);
        self
    }

    /// Gives up a call after this time, which includes the SDK's retries. The error is
    /// [`Unreachable`](crate::error::KeyErrorKind::Unreachable), which is retryable.
    ///
    /// On a Tokio runtime the call runs in a task of its own. So an answer in time counts, even if
    /// the caller is not polled meanwhile.
    ///
    /// The client needs a way to sleep: the SDK's feature `rt-tokio`, or a `sleep_impl` in its
    /// configuration.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.kms.set_deadline(deadline);
        self
    }

    /// Sets another retry configuration than the client has. The SDK retries with exponential
    /// backoff and jitter.
    #[must_use]
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.kms.set_retry(retry);
        self
    }
}

impl KmsKeyProvider {
    /// Makes at most this many calls at a time; see [`KmsKeyWrapper::max_concurrent_calls`].
    #[must_use]
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.wrapper = self.wrapper.max_concurrent_calls(calls);
        self
    }

    /// Gives up a call after this time; see [`KmsKeyWrapper::deadline`].
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.wrapper = self.wrapper.deadline(deadline);
        self
    }

    /// Sets another retry configuration than the client has; see [`KmsKeyWrapper::retry`].
    #[must_use]
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.wrapper = self.wrapper.retry(retry);
        self
    }
}

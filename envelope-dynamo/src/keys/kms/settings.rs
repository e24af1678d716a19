//! How KMS is called: how many calls at a time, how long each may take, how often it is tried.

use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;

use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};

impl KmsKeyWrapper {
    /// Makes at most this many calls at a time, and at least one; further callers wait, first come
    /// first served.
    ///
    /// KMS grants an account a number of requests per second for all its services together; a bound
    /// keeps one service's burst from throttling the others. Waiting is not part of a call's
    /// [`deadline`](Self::deadline).
    ///
    /// A call holds its permit until KMS has answered, or until its future is dropped. On a Tokio
    /// runtime each call runs in a task of its own, so a caller that is not polled, such as a
    /// stream between two records, holds no permit for longer than that.
    #[must_use]
    pub fn max_concurrent_calls(mut self, calls: usize) -> Self {
        self.kms.limit_concurrent_calls(calls);
        self
    }

    /// Gives up a call, the SDK's retries included, after this time: `Unreachable`, which may be
    /// tried again.
    ///
    /// On a Tokio runtime the call runs in a task of its own, so the time in which its caller is
    /// not polled does not count against the answer.
    ///
    /// The client needs a way to wait: the SDK's feature `rt-tokio`, or a `sleep_impl` in its
    /// configuration.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.kms.set_deadline(deadline);
        self
    }

    /// Retries in another way than the client does by itself: the SDK backs off exponentially, with
    /// jitter.
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

    /// Retries in another way than the client does by itself; see [`KmsKeyWrapper::retry`].
    #[must_use]
    pub fn retry(mut self, retry: RetryConfig) -> Self {
        self.wrapper = self.wrapper.retry(retry);
        self
    }
}

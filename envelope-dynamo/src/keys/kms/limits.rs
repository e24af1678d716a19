//! KMS under load: how many calls at a time, how long each may take, how often it is tried.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Leave to make a call; whoever asks first gets it first, and whoever goes away gives it back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permits(Option<Arc<Semaphore>>);

impl Permits {
    pub(crate) fn at_most(calls: usize) -> Self {
        Self(Some(Arc::new(Semaphore::new(calls.clamp(1, Semaphore::MAX_PERMITS)))))
    }

    /// Waits for a permit, which lasts as long as what is returned; at once where there is no
    /// bound.
    pub(crate) async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        match &self.0 {
            // It is never closed, so this never fails.
            Some(semaphore) => Arc::clone(semaphore).acquire_owned().await.ok(),
            None => None,
        }
    }
}

/// The client, its calls bounded in time; its other time limits stay.
pub(crate) fn with_deadline(client: &Client, deadline: Duration) -> Client {
    let config = client.config();
    let timeouts =
        config.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    Client::from_conf(
        config.to_builder().timeout_config(timeouts.operation_timeout(deadline).build()).build(),
    )
}

pub(crate) fn with_retry(client: &Client, retry: RetryConfig) -> Client {
    Client::from_conf(client.config().to_builder().retry_config(retry).build())
}

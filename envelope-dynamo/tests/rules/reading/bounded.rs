//! A key provider with a bound on its calls and a deadline, both of which run in the caller's
//! future.

use std::time::Duration;

use envelope_dynamo::error::{KeyError, KeyErrorKind};
use envelope_dynamo::keys::{DataKey, GeneratedKey, KeyFuture, WrappedKey};
use envelope_dynamo::message::EncryptionContext;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{UnwrapKey, WrapKey};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;

/// Calls after which an answer comes as fast as the first one did.
const ROUND: u64 = 16;

/// Unlike `KmsKeyProvider`, it makes its calls in no tasks of their own: who does not poll them
/// keeps their permits.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) keys: TestKeyProvider,
    pub(super) permits: Semaphore,
    pub(super) deadline: Duration,
}

impl Bounded {
    /// Makes a call whose answer takes longer than that of the call before.
    async fn make<T>(&self, call: KeyFuture<'_, T>) -> Result<T, KeyError> {
        let _permit = self.permits.acquire().await.expect("nobody closes it");
        let slow = async {
            let answer = call.await;
            for _ in 0..10 * (self.keys.unwrap_calls() % ROUND) {
                yield_now().await;
            }
            answer
        };
        let late = |_| KeyError::new(KeyErrorKind::Unreachable, "no answer in time");
        timeout(self.deadline, slow).await.map_err(late)?
    }
}

impl WrapKey for Bounded {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(self.make(self.keys.generate(context)))
    }
}

impl UnwrapKey for Bounded {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        Box::pin(self.make(self.keys.unwrap_key(wrapped, context)))
    }
}

//! When refusals end a run: a service that refuses everything does not mean the records.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::maintain::engine::error::RunErrorKind;

/// So many refusals of one service that has agreed to nothing end a run, beside as many as there
/// are records under way. Those count because a refusal is quicker than a change.
const WITHOUT_SUCCESS: u64 = 16;

/// What KMS and DynamoDB have refused for good, and whether they have agreed to anything.
///
/// Each is judged alone: KMS may refuse everything while records are changed that need no call to
/// it.
#[derive(Default)]
pub(crate) struct Refusals {
    /// Records that are being changed.
    under_way: AtomicU64,
    kms: OfService,
    dynamodb: OfService,
}

#[derive(Default)]
struct OfService {
    has_agreed: AtomicBool,
    refused: AtomicU64,
    first: Mutex<Option<Error>>,
}

impl Refusals {
    pub(crate) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn kms_agreed(&self) {
        self.kms.has_agreed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn dynamodb_agreed(&self) {
        self.dynamodb.has_agreed.store(true, Ordering::Relaxed);
    }

    /// Counts an error that will not pass, if one of the services gave it.
    pub(crate) fn count(&self, error: Error) {
        let service = if error.key_error().is_some() {
            &self.kms
        } else if error.dynamodb_error().is_some() {
            &self.dynamodb
        } else {
            return;
        };
        service.refused.fetch_add(1, Ordering::Relaxed);
        service.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Fails if a service has refused so much, and agreed to nothing, that the run must not go on.
    pub(crate) fn check(&self) -> Result<(), RunErrorKind> {
        let least = WITHOUT_SUCCESS + self.under_way.load(Ordering::Relaxed);
        self.check_least(least)
    }

    /// Fails if a service has refused something, and agreed to nothing.
    pub(crate) fn check_any(&self) -> Result<(), RunErrorKind> {
        self.check_least(1)
    }

    fn check_least(&self, least: u64) -> Result<(), RunErrorKind> {
        for service in [&self.kms, &self.dynamodb] {
            if service.refused.load(Ordering::Relaxed) < least
                || service.has_agreed.load(Ordering::Relaxed)
            {
                continue;
            }
            let first = service.first.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(first) = first {
                return Err(RunErrorKind::AllRefused(Box::new(first)));
            }
        }
        Ok(())
    }
}

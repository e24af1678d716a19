//! Opens records in tasks of the runtime, so that all of its threads open records.

use std::panic::resume_unwind;

use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::keys::kms::own_task::AbortOnDrop;
use crate::table::openings::{Chunk, LentItem};
use crate::table::read::open::Opener;

/// How many records are opened together: about as many as a page of 1 MB has, if a record has 4 KB.
pub(crate) const WINDOW: usize = 256;

/// Opens items in a task, one after the other.
pub(crate) type OpenInTask<T> = fn(&Opener<T>, Vec<LentItem>) -> Chunk<'static, Option<T>>;

/// Whether the caller runs in a runtime that has threads for tasks.
pub(crate) fn has_threads() -> bool {
    Handle::try_current()
        .is_ok_and(|runtime| runtime.runtime_flavor() != RuntimeFlavor::CurrentThread)
}

pub(crate) fn open_in_task<T: Send + 'static>(
    opener: &Opener<T>,
    items: Vec<LentItem>,
) -> Chunk<'static, Option<T>> {
    let opener = opener.clone();
    let open = async move {
        let mut results = Vec::with_capacity(items.len());
        for item in items {
            results.push(opener.open(item).await);
        }
        results
    };
    let Ok(runtime) = Handle::try_current() else { return Box::pin(async { Some(open.await) }) };
    let task = AbortOnDrop(runtime.spawn(open.in_current_span().with_current_subscriber()));
    Box::pin(async {
        match task.await {
            Ok(results) => Some(results),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => None,
            },
        }
    })
}

//! What is said of every KMS call: operation, key, context form, request id and time; no key bytes,
//! no context values.

use std::time::Instant;

use aws_sdk_kms::operation::RequestId;
use envelope_core::{ContextForm, KeyError};
use tracing::Instrument as _;

/// Makes a call inside a span, and reports how it went.
pub(crate) async fn traced<T: RequestId>(
    operation: &'static str,
    key: &str,
    form: ContextForm,
    call: impl Future<Output = Result<T, KeyError>>,
) -> Result<T, KeyError> {
    let span = tracing::debug_span!("kms", operation, key, context_form = %form);
    async {
        let start = Instant::now();
        let outcome = call.await;
        let microseconds = start.elapsed().as_micros();
        match &outcome {
            Ok(output) => tracing::debug!(request_id = output.request_id(), microseconds, "answered"),
            Err(error) => {
                tracing::warn!(request_id = error.request_id(), microseconds, kind = ?error.kind(), "failed");
            }
        }
        outcome
    }
    .instrument(span)
    .await
}

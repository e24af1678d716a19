//! The time of DynamoDB's clock, from its answers.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};

/// Keeps the header `Date` of the first and of the last answer.
///
/// The clock of the machine that runs may be wrong, and this report is compared with times that
/// others have written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerTime(Arc<Mutex<(Option<String>, Option<String>)>>);

impl ServerTime {
    /// The times of the first and of the last answer (RFC 3339); `None` if it had no date.
    pub(crate) fn first_and_last(&self) -> (Option<String>, Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for ServerTime {
    fn name(&self) -> &'static str {
        "EnvelopeServerTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let date = date.and_then(|date| date.fmt(DateTimeFormat::DateTime).ok());
        if let Some(date) = date {
            let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            times.0.get_or_insert_with(|| date.clone());
            times.1 = Some(date);
        }
        Ok(())
    }
}

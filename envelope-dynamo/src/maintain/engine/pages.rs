//! Reads a segment of a table page by page, items as they are stored.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, Select};

use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::DynamoDbError;
use crate::expression::placeholders::Placeholders;
use crate::maintain::engine::limits::Bucket;
use crate::maintain::stored_table::StoredTable;

/// How often a page is asked for before the run fails.
const MAX_TRIES: u32 = 16;

/// A way to scan a table.
pub(crate) struct Pages<'a> {
    pub(crate) table: &'a StoredTable,
    /// The attributes to read; `None` for all.
    pub(crate) attributes: Option<Vec<String>>,
    /// The number of segments of the table.
    pub(crate) total: u32,
}

/// One page of a scan.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Where the next page starts; `None` after the last one.
    pub(crate) next: Option<Item>,
    pub(crate) read_units: f64,
}

impl Pages<'_> {
    /// Reads the page of `segment` that starts after the key `after`.
    pub(crate) async fn read(
        &self,
        segment: u32,
        after: Option<&Item>,
        is_consistent: bool,
        pace: &Bucket,
    ) -> Result<Page, DynamoDbError> {
        let mut placeholders = Placeholders::of(&[]);
        let projection = self.attributes.as_ref().map(|attributes| {
            let names = attributes.iter().map(|name| placeholders.name(name));
            names.collect::<Vec<_>>().join(", ")
        });
        let (names, _) = placeholders.into_maps();
        let request = self
            .table
            .client
            .scan()
            .table_name(&self.table.name)
            .set_select(projection.is_some().then_some(Select::SpecificAttributes))
            .set_projection_expression(projection)
            .set_expression_attribute_names(names)
            .segment(i32::try_from(segment).unwrap_or(i32::MAX))
            .total_segments(i32::try_from(self.total).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.cloned())
            .consistent_read(is_consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut retry = Retry::new(&self.table.client);
        loop {
            pace.ready().await;
            match request.clone().send().await {
                Ok(page) => {
                    let consumed = page.consumed_capacity.and_then(|units| units.capacity_units);
                    let read_units = consumed.unwrap_or_default();
                    pace.spend(read_units);
                    let next = page.last_evaluated_key;
                    return Ok(Page { items: page.items.unwrap_or_default(), next, read_units });
                }
                Err(error) => {
                    let error = DynamoDbError::new("Scan", &self.table.name, error);
                    if !error.retryable || retry.failed() >= MAX_TRIES {
                        return Err(error);
                    }
                    if is_throttling(&error) {
                        pace.throttled();
                    }
                    retry.pause().await;
                }
            }
        }
    }
}

/// Whether DynamoDB asked the caller to slow down.
pub(crate) fn is_throttling(error: &DynamoDbError) -> bool {
    matches!(
        error.code(),
        Some(
            "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
        )
    )
}

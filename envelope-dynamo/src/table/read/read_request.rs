//! One request of a query or a scan, and DynamoDB's answer to it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::scan::ScanError;
use aws_sdk_dynamodb::operation::scan::builders::ScanFluentBuilder;
use aws_sdk_dynamodb::types::Select;

use crate::dynamodb::Item;
use crate::error::record_id::RecordId;
use crate::error::{Error, dynamodb_error};
use crate::expression::placeholders::Placeholders;
use crate::table::read::source::Source;

/// A request for a page of a query or of a scan.
#[derive(Clone)]
pub(crate) enum ReadRequest {
    Query(QueryFluentBuilder),
    Scan(ScanFluentBuilder),
}

/// A page as DynamoDB returns it.
pub(crate) struct Answer {
    pub(crate) items: Vec<Item>,
    pub(crate) count: i32,
    /// The exclusive start key of the next page; `None` after the last page.
    pub(crate) end: Option<Item>,
}

/// Why DynamoDB returned no page.
pub(crate) enum RequestError {
    Query(SdkError<QueryError>),
    Scan(SdkError<ScanError>),
}

impl ReadRequest {
    /// Asks for a set of attributes, in place of listed ones.
    pub(crate) fn select(self, select: Option<Select>) -> Self {
        match self {
            Self::Query(query) => {
                Self::Query(query.set_select(select).set_projection_expression(None))
            }
            Self::Scan(scan) => Self::Scan(scan.set_select(select).set_projection_expression(None)),
        }
    }

    /// Asks for the listed attributes alone.
    pub(crate) fn project<'n>(self, names: impl Iterator<Item = &'n str>) -> Self {
        let (own_names, own_values) = match &self {
            Self::Query(query) => (
                query.get_expression_attribute_names().clone(),
                query.get_expression_attribute_values().clone(),
            ),
            Self::Scan(scan) => (
                scan.get_expression_attribute_names().clone(),
                scan.get_expression_attribute_values().clone(),
            ),
        };
        let mut placeholders = Placeholders::new(own_names, own_values);
        let expression: Vec<_> = names.map(|name| placeholders.name(name)).collect();
        let expression = Some(expression.join(", "));
        let (names, _) = placeholders.into_maps();
        match self.select(None) {
            Self::Query(query) => Self::Query(
                query.set_projection_expression(expression).set_expression_attribute_names(names),
            ),
            Self::Scan(scan) => Self::Scan(
                scan.set_projection_expression(expression).set_expression_attribute_names(names),
            ),
        }
    }

    pub(crate) async fn send(
        self,
        start: Option<Item>,
        limit: Option<i32>,
    ) -> Result<Answer, RequestError> {
        match self {
            Self::Query(query) => {
                let query = query.set_exclusive_start_key(start).set_limit(limit);
                let output = query.send().await.map_err(RequestError::Query)?;
                let (items, count) = (output.items.unwrap_or_default(), output.count);
                Ok(Answer { items, count, end: output.last_evaluated_key })
            }
            Self::Scan(scan) => {
                let scan = scan.set_exclusive_start_key(start).set_limit(limit);
                let output = scan.send().await.map_err(RequestError::Scan)?;
                let (items, count) = (output.items.unwrap_or_default(), output.count);
                Ok(Answer { items, count, end: output.last_evaluated_key })
            }
        }
    }
}

impl RequestError {
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Query(error) => error.message(),
            Self::Scan(error) => error.message(),
        }
        .unwrap_or_default()
    }

    /// Whether DynamoDB says that the index does not project the attributes that were asked for.
    pub(crate) fn is_about_projection(&self) -> bool {
        let message = self.message();
        message.contains("ALL_ATTRIBUTES is not supported") || message.contains("does not project")
    }

    pub(crate) fn into_error(self, source: &Source) -> Error {
        match self {
            Self::Query(error) => failed("Query", source, error),
            Self::Scan(error) => failed("Scan", source, error),
        }
    }
}

fn failed<E>(operation: &'static str, source: &Source, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + Send + Sync + 'static,
{
    dynamodb_error(operation, &source.table, RecordId::of_table(source.logical), error)
}

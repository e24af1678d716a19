//! Creates a table of keys.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::error::dynamodb::DynamoDbError;
use crate::error::write_outcome::WriteOutcome;
use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::key_table::{KeyTable, item};

/// AWS takes about ten seconds to create a table.
const CREATION_TIMEOUT: Duration = Duration::from_secs(300);

impl<P> KeyTable<P> {
    /// Creates the table, and waits until it can be used.
    pub(crate) async fn create_table(&self) -> Result<(), KeyTableError> {
        let mut creation = self
            .client
            .create_table()
            .table_name(&self.name)
            .billing_mode(BillingMode::PayPerRequest);
        for (name, role) in [(item::BRANCH, KeyType::Hash), (item::VERSION, KeyType::Range)] {
            let element = KeySchemaElement::builder().attribute_name(name).key_type(role).build();
            let kind = ScalarAttributeType::S;
            let definition =
                AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
            creation = creation
                .key_schema(element.map_err(unbuilt)?)
                .attribute_definitions(definition.map_err(unbuilt)?);
        }
        let outcome = AttemptOutcome::default();
        let created = creation.customize().interceptor(outcome.clone()).send().await;
        created.map_err(|error| {
            DynamoDbError::new("CreateTable", &self.name, error)
                .or_in_doubt(outcome.is_unknown(), false)
        })?;
        let ready = self
            .client
            .wait_until_table_exists()
            .table_name(&self.name)
            .wait(CREATION_TIMEOUT)
            .await;
        ready.map(drop).map_err(|error| {
            KeyTableError::DynamoDb(DynamoDbError {
                operation: "DescribeTable",
                table: self.name.as_str().into(),
                code: None,
                message: Some("the table was created, but is not yet known to be active".into()),
                request_id: None,
                retryable: false,
                no_answer: None,
                outcome: WriteOutcome::Written,
                cause: None,
                sdk_error: Some(std::sync::Arc::new(error)),
            })
        })
    }
}

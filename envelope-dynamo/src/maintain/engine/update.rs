//! The one write of maintenance: an update of an item, on condition that it is as it was read.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::write_attempt::{is_failed_condition, is_transaction_conflict};
use crate::dynamodb::Item;
use crate::expression::placeholders::Placeholders;
use crate::item::modify_record::payload_unchanged;
use crate::maintain::stored_table::StoredTable;

/// What an attribute must still be.
#[allow(dead_code)] // a reseal will expect payloads
pub(crate) enum Expected {
    /// The value that was read.
    Value(AttributeValue),
    /// A payload with the unique beginning of this one.
    Payload(Vec<u8>),
    Absent,
}

/// The attributes that a step sets, and those that must be as they were read.
#[derive(Default)]
pub(crate) struct Update {
    pub(crate) set: Vec<(String, AttributeValue)>,
    pub(crate) expected: Vec<(String, Expected)>,
}

/// What came of an update.
pub(crate) enum Updated {
    Done {
        write_units: f64,
    },
    /// The item is no longer as it was read. An earlier attempt of this very update may have
    /// changed it.
    Overtaken {
        may_be_ours: bool,
    },
}

impl Update {
    /// Sends the update. It never creates an item, since it expects an attribute.
    ///
    /// DynamoDB is not asked for the stored item if the condition fails: a role that must not read
    /// all attributes would then see them.
    pub(crate) async fn send(
        &self,
        table: &StoredTable,
        key: Item,
        outcome: &AttemptOutcome,
    ) -> Result<Updated, Box<SdkError<UpdateItemError>>> {
        let mut placeholders = Placeholders::of(&[]);
        let set: Vec<_> = self
            .set
            .iter()
            .map(|(name, value)| {
                format!("{} = {}", placeholders.name(name), placeholders.value(value.clone()))
            })
            .collect();
        let condition: Vec<_> = self
            .expected
            .iter()
            .map(|(name, expected)| match expected {
                Expected::Value(value) => {
                    format!("{} = {}", placeholders.name(name), placeholders.value(value.clone()))
                }
                Expected::Payload(payload) => payload_unchanged(name, payload, &mut placeholders),
                Expected::Absent => format!("attribute_not_exists({})", placeholders.name(name)),
            })
            .collect();
        let (names, values) = placeholders.into_maps();
        let sent = table
            .client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(key))
            .update_expression(format!("SET {}", set.join(", ")))
            .condition_expression(condition.join(" AND "))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(outcome.clone())
            .send()
            .await;
        match sent {
            Ok(output) => {
                let consumed = output.consumed_capacity.and_then(|units| units.capacity_units);
                Ok(Updated::Done { write_units: consumed.unwrap_or_default() })
            }
            Err(error) if is_failed_condition(&error) => {
                Ok(Updated::Overtaken { may_be_ours: outcome.is_unknown() })
            }
            Err(error) if is_transaction_conflict(&error) => {
                Ok(Updated::Overtaken { may_be_ours: outcome.is_unknown() })
            }
            Err(error) => Err(Box::new(error)),
        }
    }
}

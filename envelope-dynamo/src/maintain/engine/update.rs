//! The one write of maintenance: an update of an item, on condition that it is as it was read.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, TransactWriteItem};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::write_attempt::{is_failed_condition, is_transaction_conflict};
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::expression::placeholders::{Placeholders, check_length};
use crate::item::modify_record::payload_unchanged;
use crate::item::size::item_bytes;
use crate::item::unique_value::UniqueValue;
use crate::maintain::stored_table::StoredTable;
use crate::record::item_key::record_id;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;
use crate::table::transaction::target::{Action, Target, invalid};

/// What an attribute must still be.
pub(crate) enum Expected {
    /// The value that was read.
    Value(AttributeValue),
    /// A payload with the unique beginning of this one.
    Payload(Vec<u8>),
    Absent,
}

/// The attributes that a step sets and removes, and those that must be as they were read.
#[derive(Default)]
pub(crate) struct Update {
    pub(crate) set: Vec<(String, AttributeValue)>,
    pub(crate) remove: Vec<String>,
    pub(crate) expected: Vec<(String, Expected)>,
    /// The values that no other record may have, and that the record must claim.
    pub(crate) unique: Vec<UniqueValue>,
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
    /// Checks that DynamoDB takes expressions of this length.
    ///
    /// DynamoDB also limits an expression to 300 operators and functions. Each clause has two of
    /// them and 28 bytes or more, so the length is exceeded first.
    pub(crate) fn check_length(&self) -> Result<(), ErrorKind> {
        let (change, condition) = self.render(&mut Placeholders::of(&[]));
        check_length(Some(&change))?;
        check_length(Some(&condition))
    }

    /// The item after the update.
    pub(crate) fn applied(&self, item: &Item) -> Item {
        let mut new = item.clone();
        self.remove.iter().for_each(|name| drop(new.remove(name)));
        new.extend(self.set.iter().cloned());
        new
    }

    /// The update expression, and the condition.
    fn render(&self, placeholders: &mut Placeholders) -> (String, String) {
        let mut set = Vec::new();
        for (name, value) in &self.set {
            let (name, value) = (placeholders.name(name), placeholders.value(value.clone()));
            set.push(format!("{name} = {value}"));
        }
        let mut conditions = Vec::new();
        for (name, expected) in &self.expected {
            conditions.push(match expected {
                Expected::Value(value) => {
                    format!("{} = {}", placeholders.name(name), placeholders.value(value.clone()))
                }
                Expected::Payload(payload) => payload_unchanged(name, payload, placeholders),
                Expected::Absent => format!("attribute_not_exists({})", placeholders.name(name)),
            });
        }
        let mut change = format!("SET {}", set.join(", "));
        if !self.remove.is_empty() {
            let names = self.remove.iter().map(|name| placeholders.name(name));
            change += &format!(" REMOVE {}", names.collect::<Vec<_>>().join(", "));
        }
        (change, conditions.join(" AND "))
    }

    /// Whether the record must claim values in the same transaction.
    pub(crate) fn has_claims(&self) -> bool {
        self.unique.iter().any(|value| !value.tags.is_empty())
    }

    /// The update of `item` as an action of a transaction.
    pub(crate) fn action(
        &self,
        table: &StoredTable,
        kind: &Kind,
        item: &Item,
    ) -> Result<Action, Error> {
        let mut placeholders = Placeholders::of(&[]);
        let (change, condition) = self.render(&mut placeholders);
        let (names, values) = placeholders.into_maps();
        let (id, key) = (record_id(kind, item), table.key(item));
        let identity = KeyIdentity::in_schema(kind.schema, &key);
        let identity = identity.map_err(|problem| Error::new(id.clone(), problem))?;
        let update = types::Update::builder()
            .table_name(&table.name)
            .set_key(Some(key.clone()))
            .update_expression(change)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .build()
            .map_err(|error| invalid(&id, error))?;
        let target = Target::at(id, (table.name.clone(), identity), key);
        let bytes = item_bytes(&self.applied(item));
        Ok(Action { target, bytes, item: TransactWriteItem::builder().update(update).build() })
    }

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
        let (change, condition) = self.render(&mut placeholders);
        let (names, values) = placeholders.into_maps();
        let sent = table
            .client
            .update_item()
            .table_name(&table.name)
            .set_key(Some(key))
            .update_expression(change)
            .condition_expression(condition)
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

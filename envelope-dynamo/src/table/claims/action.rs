//! The actions by which a transaction claims the unique values of a record.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem};

use crate::dynamodb::Item;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::item::size::item_bytes;
use crate::item::unique_value::UniqueValue;
use crate::record::key_identity::KeyIdentity;
use crate::table::claims::{CLAIM, Claims, OWNER};
use crate::table::transaction::target::{Action, ClaimFor, Target, invalid};

/// A value that a record is about to claim, under one search key.
pub(crate) struct Claim<'v> {
    value: &'v UniqueValue,
    tag: &'v AttributeValue,
    standing: Standing,
}

/// Who has the claim.
#[derive(PartialEq)]
enum Standing {
    /// Nobody, or the record itself.
    Free,
    /// A record that does not have the value any more.
    Left { owner: Item },
}

/// The claims of these values, as if all were free.
pub(crate) fn claims_of(values: &[UniqueValue]) -> Vec<Claim<'_>> {
    let tags = values.iter().flat_map(|value| value.tags.iter().map(move |tag| (value, tag)));
    tags.map(|(value, tag)| Claim { value, tag, standing: Standing::Free }).collect()
}

impl Claims<'_> {
    /// Finds out who has each claim.
    ///
    /// # Errors
    ///
    /// [`WriteError::Taken`] if it is another record, and this record has the value.
    pub(crate) async fn judge(
        &self,
        claims: &mut [Claim<'_>],
        key: &Item,
        id: &RecordId,
    ) -> Result<(), Error> {
        let own = KeyIdentity::in_schema(self.schema, key);
        let own = own.map_err(|problem| Error::new(id.clone(), problem))?;
        for claim in claims {
            claim.standing = match self.owner(claim.tag, id).await? {
                None => Standing::Free,
                Some(owner)
                    if KeyIdentity::in_schema(self.schema, &owner).is_ok_and(|o| o == own) =>
                {
                    Standing::Free
                }
                Some(owner) if self.has_value(&owner, claim.value, id).await? => {
                    let taken = WriteError::Taken { field: claim.value.name };
                    return Err(Error::new(id.clone(), taken));
                }
                Some(owner) => Standing::Left { owner },
            };
        }
        Ok(())
    }

    /// Whether the record with this key carries a search tag of the value, read consistently.
    async fn has_value(
        &self,
        key: &Item,
        value: &UniqueValue,
        id: &RecordId,
    ) -> Result<bool, Error> {
        let read = self
            .client
            .get_item()
            .table_name(self.records)
            .set_key(Some(key.clone()))
            .consistent_read(true)
            .projection_expression("#tag")
            .expression_attribute_names("#tag", value.attribute)
            .send()
            .await;
        let read =
            read.map_err(|error| dynamodb_error("GetItem", self.records, id.clone(), error))?;
        Ok(value.is_in(read.item.as_ref().and_then(|record| record.get(value.attribute))))
    }

    /// The actions that claim the values for the record of `action`: one for each claim, and one
    /// for each record that left one.
    pub(crate) fn actions(
        &self,
        claims: &[Claim<'_>],
        record: &Target,
    ) -> Result<Vec<Action>, Error> {
        let mut actions = Vec::new();
        let mut left: Vec<(&Item, Vec<&UniqueValue>)> = Vec::new();
        for claim in claims {
            actions.push(self.claim(claim, record)?);
            let Standing::Left { owner } = &claim.standing else { continue };
            match left.iter_mut().find(|(other, _)| *other == owner) {
                Some((_, values)) if values.iter().any(|it| it.name == claim.value.name) => {}
                Some((_, values)) => values.push(claim.value),
                None => left.push((owner, vec![claim.value])),
            }
        }
        for (owner, values) in left {
            actions.push(self.still_without(owner, &values, record)?);
        }
        Ok(actions)
    }

    /// Claims one tag, on condition that its owner is as it was judged.
    fn claim(&self, claim: &Claim<'_>, record: &Target) -> Result<Action, Error> {
        let Claim { value, tag, standing } = claim;
        let own = AttributeValue::M(record.key.clone());
        let item =
            Item::from([(CLAIM.to_owned(), (*tag).clone()), (OWNER.to_owned(), own.clone())]);
        let (condition, expected) = match standing {
            Standing::Free => ("attribute_not_exists(#claim) OR #owner = :owner", own),
            Standing::Left { owner } => ("#owner = :owner", AttributeValue::M(owner.clone())),
        };
        let bytes = item_bytes(&item);
        let mut put = Put::builder()
            .table_name(self.claims)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_values(":owner", expected);
        if *standing == Standing::Free {
            put = put.expression_attribute_names("#claim", CLAIM);
        }
        let put = put.build().map_err(|error| invalid(&record.id, error))?;
        let target = self.claim_target(tag, record, value.name);
        Ok(Action { target, bytes, item: TransactWriteItem::builder().put(put).build() })
    }

    /// Checks that the record with this key still has none of the values.
    pub(crate) fn still_without(
        &self,
        key: &Item,
        values: &[&UniqueValue],
        record: &Target,
    ) -> Result<Action, Error> {
        let (mut conditions, mut names) = (Vec::new(), HashMap::new());
        let mut operands = HashMap::new();
        for (number, value) in values.iter().enumerate() {
            let name = format!("#tag{number}");
            let tags = value.tags.iter().map(|tag| {
                let operand = format!(":tag{}", operands.len());
                operands.insert(operand.clone(), tag.clone());
                operand
            });
            let tags = tags.collect::<Vec<_>>().join(", ");
            conditions.push(format!("(attribute_not_exists({name}) OR NOT {name} IN ({tags}))"));
            names.insert(name, value.attribute.to_owned());
        }
        let check = ConditionCheck::builder()
            .table_name(self.records)
            .set_key(Some(key.clone()))
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(operands))
            .build()
            .map_err(|error| invalid(&record.id, error))?;
        let identity = KeyIdentity::in_schema(self.schema, key);
        let identity = identity.map_err(|problem| Error::new(record.id.clone(), problem))?;
        let place = (self.records.to_owned(), identity);
        let name = values.first().map_or("", |value| value.name);
        let target = self.target(record, place, key.clone(), name);
        let item = TransactWriteItem::builder().condition_check(check).build();
        Ok(Action { target, bytes: item_bytes(key), item })
    }

    /// The target of an action on the claim `tag`.
    pub(crate) fn claim_target(
        &self,
        tag: &AttributeValue,
        record: &Target,
        name: &'static str,
    ) -> Target {
        let bytes = tag.as_b().map_or(&[][..], |tag| tag.as_ref());
        let place = (self.claims.to_owned(), KeyIdentity::of_bytes(bytes));
        self.target(record, place, Item::from([(CLAIM.to_owned(), tag.clone())]), name)
    }

    /// The target of an action on behalf of `record`. Errors name the record.
    fn target(
        &self,
        record: &Target,
        place: (String, KeyIdentity),
        key: Item,
        name: &'static str,
    ) -> Target {
        let claim = Some(ClaimFor { position: 0, name });
        Target { claim, ..Target::at(record.id.clone(), place, key) }
    }
}

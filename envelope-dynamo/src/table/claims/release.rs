//! Deletes claims of values that a record had before.
//!
//! Nothing depends on it: such a claim does not count. But it would say for ever that the record
//! once had the value, and it costs storage.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::item::size::item_bytes;
use crate::item::unique_value::UniqueValue;
use crate::record::key_identity::KeyIdentity;
use crate::table::claims::write::send;
use crate::table::claims::{CLAIM, Claims, OWNER};
use crate::table::transaction::target::{Action, Target, invalid};

/// The values that a record had as `stored` and does not have with `values`, as far as its search
/// tags tell.
pub(crate) fn former(values: &[UniqueValue], stored: &Item) -> Vec<UniqueValue> {
    let former = values.iter().filter_map(|value| {
        let tag = stored.get(value.attribute).filter(|tag| tag.is_b())?;
        let tags = vec![tag.clone()];
        (!value.is_in(Some(tag))).then(|| UniqueValue { tags, ..value.clone() })
    });
    former.collect()
}

impl Claims<'_> {
    /// Deletes the claims of values that the record with this key had before. Checks in the same
    /// transaction that the claim is the record's and that the record does not have the value:
    /// another write may have given it back.
    ///
    /// Errors do not matter: the write of the record was carried out, and the claim does not count.
    pub(crate) async fn release(&self, key: &Item, id: &RecordId, former: &[UniqueValue]) {
        for value in former {
            for tag in &value.tags {
                let _ = self.release_one(key, id, value, tag).await;
            }
        }
    }

    async fn release_one(
        &self,
        key: &Item,
        id: &RecordId,
        value: &UniqueValue,
        tag: &AttributeValue,
    ) -> Result<(), Error> {
        let identity = KeyIdentity::in_schema(self.schema, key);
        let identity = identity.map_err(|problem| Error::new(id.clone(), problem))?;
        let record = Target::at(id.clone(), (self.records.to_owned(), identity), key.clone());
        let delete = Delete::builder()
            .table_name(self.claims)
            .key(CLAIM, tag.clone())
            .condition_expression("#owner = :owner")
            .expression_attribute_names("#owner", OWNER)
            .expression_attribute_values(":owner", AttributeValue::M(key.clone()))
            .build()
            .map_err(|error| invalid(id, error))?;
        let target = self.claim_target(tag, &record, value.name);
        let item = TransactWriteItem::builder().delete(delete).build();
        let bytes = item_bytes(&target.key);
        let actions = [Action { target, bytes, item }, self.still_without(key, &[value], &record)?];
        // The record was written, so an error of this transaction would say nothing about it.
        let _ = send(self.client, &actions, &AttemptOutcome::default()).await;
        Ok(())
    }
}

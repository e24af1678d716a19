//! Deletes one version of a branch's key, unless the pointer names it.

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, TransactWriteItem};
use envelope_core::{BranchName, BranchVersion};

use crate::keys::key_table::error::{KeyTableError, unbuilt};
use crate::keys::key_table::{KeyTable, item};

impl<P> KeyTable<P> {
    /// Deletes a version that exists, on condition that no attribute of `used` in the pointer names
    /// it. The first of them must be there.
    pub(crate) fn delete_unless_used(
        &self,
        branch: &BranchName,
        version: BranchVersion,
        used: &[&str],
    ) -> Result<Vec<TransactWriteItem>, KeyTableError> {
        let mut check = ConditionCheck::builder()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, item::POINTER)))
            .expression_attribute_values(":version", item::text(version));
        let mut conditions = Vec::with_capacity(used.len());
        for (at, name) in used.iter().enumerate() {
            check = check.expression_attribute_names(format!("#{name}"), *name);
            conditions.push(match at {
                0 => format!("attribute_exists(#{name}) AND #{name} <> :version"),
                _ => format!("(attribute_not_exists(#{name}) OR #{name} <> :version)"),
            });
        }
        let check = check.condition_expression(conditions.join(" AND ")).build();
        let delete = Delete::builder()
            .table_name(&self.name)
            .set_key(Some(item::key(branch, &version.to_string())))
            .condition_expression("attribute_exists(#branch)")
            .expression_attribute_names("#branch", item::BRANCH)
            .build();
        Ok(vec![
            TransactWriteItem::builder().condition_check(check.map_err(unbuilt)?).build(),
            TransactWriteItem::builder().delete(delete.map_err(unbuilt)?).build(),
        ])
    }
}

//! The secondary indexes that a maintenance write changes too.

use aws_sdk_dynamodb::types::{Projection, ProjectionType, ScalarAttributeType};

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::error::DynamoDbError;
use crate::maintain::stored_table::StoredTable;
use crate::record::schema::is_reserved;

/// An index whose entries a write of maintenance changes.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// The attributes that an item needs to be in the index.
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    name: String,
    /// DynamoDB's type.
    scalar: Option<ScalarAttributeType>,
    /// Whether the run changes the attribute, so that an entry moves.
    moves: bool,
}

impl Key {
    fn is_in(&self, item: &Item) -> bool {
        item.get(&self.name).is_some_and(|value| {
            self.scalar.as_ref().is_none_or(|scalar| scalar.as_str() == type_name(value))
        })
    }
}

impl Index {
    /// Whether entries move to another key.
    pub(crate) fn moves(&self) -> bool {
        self.keys.iter().any(|key| key.moves)
    }

    /// How many entries of the index one write changes at most.
    pub(crate) fn most_writes(&self) -> u64 {
        if self.moves() { 2 } else { 1 }
    }

    /// How many entries of the index a write of `item` changes: to move one, DynamoDB deletes it
    /// and puts it anew.
    pub(crate) fn writes(&self, item: &Item) -> u64 {
        let mut missing = self.keys.iter().filter(|key| !key.is_in(item)).peekable();
        match missing.peek() {
            None => self.most_writes(),
            // The run adds what is missing.
            Some(_) => u64::from(missing.all(|key| key.moves && !item.contains_key(&key.name))),
        }
    }

    /// The indexes of the table that a change of wrapped keys and of the attributes `changed`
    /// changes too.
    pub(crate) async fn all(
        table: &StoredTable,
        changed: &[String],
    ) -> Result<Vec<Self>, DynamoDbError> {
        let output = table.client.describe_table().table_name(&table.name).send().await;
        let output = output.map_err(|e| DynamoDbError::new("DescribeTable", &table.name, e))?;
        let Some(description) = output.table else { return Ok(Vec::new()) };
        let scalar = |name: &str| {
            let mut definitions = description.attribute_definitions().iter();
            definitions
                .find(|definition| definition.attribute_name() == name)
                .map(|definition| definition.attribute_type().clone())
        };
        let global = description.global_secondary_indexes().iter();
        let global =
            global.map(|index| (index.index_name(), index.projection(), index.key_schema()));
        let local = description.local_secondary_indexes().iter();
        let local = local.map(|index| (index.index_name(), index.projection(), index.key_schema()));
        let index =
            |(name, _, keys): (Option<&str>, _, &[aws_sdk_dynamodb::types::KeySchemaElement])| {
                let keys = keys.iter().map(|key| key.attribute_name());
                Self {
                    name: name.unwrap_or_default().to_owned(),
                    keys: keys
                        .map(|name| Key {
                            name: name.to_owned(),
                            scalar: scalar(name),
                            moves: changed.iter().any(|changed| changed == name),
                        })
                        .collect(),
                }
            };
        let all = global.chain(local);
        let all = all.map(|it| (has_changed(it.1, changed), index(it)));
        Ok(all.filter(|(is, index)| *is || index.moves()).map(|(_, index)| index).collect())
    }
}

/// Whether the index has a copy of an attribute that changes.
fn has_changed(projection: Option<&Projection>, changed: &[String]) -> bool {
    projection.is_some_and(|projection| {
        let mut names = projection.non_key_attributes().iter();
        projection.projection_type() == Some(&ProjectionType::All)
            || names.any(|name| is_reserved(name) || changed.contains(name))
    })
}

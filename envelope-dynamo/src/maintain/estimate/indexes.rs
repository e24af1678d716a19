//! The secondary indexes that a maintenance write changes too.

use aws_sdk_dynamodb::types::{Projection, ProjectionType, ScalarAttributeType};

use crate::convert::type_name;
use crate::dynamodb::Item;
use crate::error::DynamoDbError;
use crate::maintain::stored_table::StoredTable;
use crate::record::schema::is_reserved;

/// An index whose entries have wrapped keys.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// The attributes that an item needs to be in the index, with DynamoDB's type.
    keys: Vec<(String, Option<ScalarAttributeType>)>,
}

impl Index {
    /// Whether `item` is in the index.
    pub(crate) fn has(&self, item: &Item) -> bool {
        self.keys.iter().all(|(name, scalar)| {
            item.get(name).is_some_and(|value| {
                scalar.as_ref().is_none_or(|scalar| scalar.as_str() == type_name(value))
            })
        })
    }

    /// The indexes of the table that a change of wrapped keys changes too.
    pub(crate) async fn all(table: &StoredTable) -> Result<Vec<Self>, DynamoDbError> {
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
                    keys: keys.map(|name| (name.to_owned(), scalar(name))).collect(),
                }
            };
        let all = global.chain(local).filter(|(_, projection, _)| has_keys(*projection));
        Ok(all.map(index).collect())
    }
}

fn has_keys(projection: Option<&Projection>) -> bool {
    projection.is_some_and(|projection| {
        projection.projection_type() == Some(&ProjectionType::All)
            || projection.non_key_attributes().iter().any(|name| is_reserved(name))
    })
}

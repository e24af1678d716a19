//! What is looked at before a run: is this the table that the schema file describes, and is it safe
//! to write it?

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{KeyType, PointInTimeRecoveryStatus, TableDescription};
use serde::Serialize;

use crate::error::DynamoDbError;
use crate::maintain::engine::error::{Refusal, RunErrorKind};
use crate::maintain::stored_table::StoredTable;

/// What DynamoDB says of a table.
///
/// ```
/// # mod example {
/// #     include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/example_server.rs"));
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_dynamo::{Envelope, maintain::SchemaFile};
/// use envelope_dynamo::maintain::{StoredTable, TableInfo};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let dynamodb = example::users(&[]);
/// # let schema = SchemaFile::new().with::<User>();
/// // Before a run is planned: is this the right table, and is it safe to change it?
/// let table = StoredTable::new(dynamodb, &schema, "users")?;
/// let info: TableInfo = table.describe().await?; // fails if the table has other keys
/// assert_eq!(info.arn, "arn:aws:dynamodb:eu-central-1:111122223333:table/users");
/// assert_eq!(info.recovery, Some(true)); // a run refuses `Some(false)`
/// assert!(info.replicas.is_empty()); // a run refuses a global table
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableInfo {
    /// The ARN.
    pub arn: String,
    /// DynamoDB's id of the table: a table that is created again under the same name has another.
    pub id: String,
    /// The number of items, up to six hours old.
    pub items: u64,
    /// The bytes of all items, up to six hours old.
    pub bytes: u64,
    /// The regions of the replicas of a global table.
    pub replicas: Vec<String>,
    /// The names of the secondary indexes.
    pub indexes: Vec<String>,
    /// The ARN of the table's stream, if it has one.
    pub stream: Option<String>,
    /// Whether point-in-time recovery is on; `None` if DynamoDB does not say (DynamoDB Local has
    /// no such call).
    pub recovery: Option<bool>,
}

/// Which dangers the caller has accepted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) only_writer_region: bool,
    pub(crate) no_recovery: bool,
}

impl StoredTable {
    /// Asks DynamoDB about the table, and checks that it has the keys of the schema file.
    ///
    /// Needs `dynamodb:DescribeTable` and `dynamodb:DescribeContinuousBackups`.
    ///
    /// # Errors
    ///
    /// [`Refusal::OtherKeys`], and the errors of DynamoDB.
    pub async fn describe(&self) -> Result<TableInfo, RunErrorKind> {
        let failed =
            |error| RunErrorKind::from(DynamoDbError::new("DescribeTable", &self.name, error));
        let output = self.client.describe_table().table_name(&self.name).send().await;
        let table = output.map_err(failed)?.table;
        let table = table.unwrap_or_else(|| TableDescription::builder().build());
        self.check_keys(&table)?;
        let region = |arn: &str| arn.split(':').nth(3).unwrap_or_default().to_owned();
        let arn = table.table_arn().unwrap_or_default().to_owned();
        let own = region(&arn);
        let replicas = table.replicas().iter().filter_map(|replica| replica.region_name());
        let global = table.global_secondary_indexes().iter().filter_map(|index| index.index_name());
        let local = table.local_secondary_indexes().iter().filter_map(|index| index.index_name());
        Ok(TableInfo {
            id: table.table_id().unwrap_or_default().to_owned(),
            items: number(table.item_count()),
            bytes: number(table.table_size_bytes()),
            replicas: replicas.filter(|region| *region != own).map(str::to_owned).collect(),
            indexes: global.chain(local).map(str::to_owned).collect(),
            stream: table.latest_stream_arn().map(str::to_owned),
            recovery: self.recovery().await?,
            arn,
        })
    }

    /// Refuses a table that a run could harm.
    pub(crate) fn check_safe(&self, info: &TableInfo, accepted: Accepted) -> Result<(), Refusal> {
        if !info.replicas.is_empty() && !accepted.only_writer_region {
            let (table, regions) = (self.name.clone(), info.replicas.clone());
            return Err(Refusal::Replicas { table, regions });
        }
        if info.recovery == Some(false) && !accepted.no_recovery {
            return Err(Refusal::NoRecovery { table: self.name.clone() });
        }
        Ok(())
    }

    fn check_keys(&self, table: &TableDescription) -> Result<(), Refusal> {
        let scalar = |name: &str| {
            let mut definitions = table.attribute_definitions().iter();
            definitions
                .find(|definition| definition.attribute_name() == name)
                .map(|definition| definition.attribute_type().as_str().to_owned())
        };
        let found = [KeyType::Hash, KeyType::Range].into_iter().filter_map(|part| {
            let key = table.key_schema().iter().find(|key| *key.key_type() == part)?;
            Some((key.attribute_name().to_owned(), scalar(key.attribute_name())))
        });
        let found: Vec<_> = found.collect();
        let expected: Vec<_> = self
            .key_fields()
            .map(|field| (field.name.to_owned(), self.key_type(field.name)))
            .collect();
        let is_same = found.len() == expected.len()
            && found.iter().zip(&expected).all(|((name, scalar), (other, expected))| {
                name == other && (expected.is_none() || scalar == expected)
            });
        if is_same {
            return Ok(());
        }
        let (found, expected) = (listed(&found), listed(&expected));
        Err(Refusal::OtherKeys { table: self.name.clone(), found, expected })
    }

    /// Whether point-in-time recovery is on.
    async fn recovery(&self) -> Result<Option<bool>, RunErrorKind> {
        let asked = self.client.describe_continuous_backups().table_name(&self.name).send().await;
        match asked {
            Ok(output) => {
                let description = output.continuous_backups_description;
                let recovery = description.and_then(|it| it.point_in_time_recovery_description);
                let status = recovery.and_then(|it| it.point_in_time_recovery_status);
                Ok(Some(status == Some(PointInTimeRecoveryStatus::Enabled)))
            }
            // Emulators do not have the call.
            Err(error)
                if matches!(
                    error.code(),
                    Some("UnknownOperationException" | "ValidationException")
                ) =>
            {
                Ok(None)
            }
            Err(error) => {
                Err(DynamoDbError::new("DescribeContinuousBackups", &self.name, error).into())
            }
        }
    }
}

fn number(value: Option<i64>) -> u64 {
    value.and_then(|value| value.try_into().ok()).unwrap_or_default()
}

fn listed(keys: &[(String, Option<String>)]) -> String {
    let key = |(name, scalar): &(String, Option<String>)| match scalar {
        Some(scalar) => format!("{name} ({scalar})"),
        None => name.clone(),
    };
    keys.iter().map(key).collect::<Vec<_>>().join(", ")
}

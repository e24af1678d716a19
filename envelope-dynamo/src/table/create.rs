//! Creates a table with the keys, the indexes and the time to live of a struct.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection, ProjectionType, TimeToLiveSpecification,
};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::error::usage::UsageError;
use crate::error::{Error, dynamodb_error};
use crate::item::entity::Entity;
use crate::record::Envelope as _;
use crate::record::index::{IndexSchema, primary_key_attributes};
use crate::record::index_key::KeyAttribute;
use crate::table::Table;

/// How long a new table may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

const MALFORMED: ErrorKind = ErrorKind::Data(DataError::Malformed(
    "the keys of the struct make no table that DynamoDB takes",
));

const DIFFERENT_INDEXES: ErrorKind = ErrorKind::Data(DataError::Malformed(
    "two record types of the table have indexes of one name with different keys",
));

/// The creation of a table, being built; see [`Table::create_table`].
#[must_use = "a creation does nothing until it is sent"]
pub struct CreateTable<'a, T, P: ?Sized> {
    table: &'a Table<T, P>,
    builder: CreateTableFluentBuilder,
}

impl<T: Entity, P: ?Sized> Table<T, P> {
    /// Creates the table with the keys and indexes of the struct: for tests, and for development on
    /// your own machine.
    ///
    /// The table is billed on demand, its indexes project all attributes, and a `#[ttl]` field
    /// takes effect. In production, create tables with the tool that creates your other
    /// infrastructure.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users", index(name = "by_plan", partition_key = plan))]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    ///     #[authenticated]
    ///     plan: String,
    /// }
    ///
    /// let provider = LocalKeyProvider::new(RootKey::generate()?);
    /// let users = Table::<User>::new(dynamodb, provider).named("test-users");
    /// users.create_table().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_table(&self) -> CreateTable<'_, T, P> {
        CreateTable {
            table: self,
            builder: self.client.create_table().billing_mode(BillingMode::PayPerRequest),
        }
    }
}

impl<'a, T: Entity, P: ?Sized> CreateTable<'a, T, P> {
    /// Sets other parameters on the SDK's own builder: throughput, streams, encryption at rest.
    ///
    /// Name, keys and indexes are set afterwards.
    pub fn customize(
        mut self,
        with: impl FnOnce(CreateTableFluentBuilder) -> CreateTableFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Creates the table, waits up to two minutes until it is ready, and turns on the time to live
    /// of a `#[ttl]` field.
    ///
    /// # Errors
    ///
    /// [`UsageError::KeyTypeUnknown`] for a key whose Rust type does not say whether it is a
    /// string, a number or bytes; and every error of DynamoDB, such as `ResourceInUseException`
    /// if the table exists. After [`ServiceError::TableNotReady`] and every later error,
    /// [`Error::write_outcome`] is `Written`: the table was created.
    pub async fn send(self) -> Result<(), Error> {
        let id = || RecordId::of_table(T::First::TABLE);
        let (table, creation) = (self.table, self.into_sdk()?);
        let outcome = AttemptOutcome::default();
        let created = creation.customize().interceptor(outcome.clone()).send().await;
        let failed = |error| {
            dynamodb_error("CreateTable", &table.name, id(), error)
                .or_in_doubt(outcome.is_unknown())
        };
        created.map_err(failed)?;
        table.finish_creation().await.map_err(|error| error.after_write(None))
    }

    /// The SDK's request, ready to be sent.
    ///
    /// # Errors
    ///
    /// [`UsageError::KeyTypeUnknown`], as [`send`](Self::send).
    pub fn into_sdk(self) -> Result<CreateTableFluentBuilder, Error> {
        self.build().map_err(|kind| Error::new(RecordId::of_table(T::First::TABLE), kind))
    }

    fn build(self) -> Result<CreateTableFluentBuilder, ErrorKind> {
        let keys = primary_key_attributes::<T::First>();
        let indexes = indexes::<T>()?;
        let mut creation =
            self.builder.table_name(&*self.table.name).set_key_schema(Some(key_schema(&keys)?));
        let mut defined: Vec<&str> = Vec::new();
        for key in keys.iter().chain(indexes.iter().flat_map(|index| &index.keys)) {
            if !defined.contains(&key.name) {
                defined.push(key.name);
                creation = creation.attribute_definitions(definition(key)?);
            }
        }
        for index in &indexes {
            let (keys, all) = (
                key_schema(&index.keys)?,
                Projection::builder().projection_type(ProjectionType::All),
            );
            creation = if index.is_local {
                let local = LocalSecondaryIndex::builder()
                    .index_name(index.name)
                    .set_key_schema(Some(keys));
                creation.local_secondary_indexes(
                    local.projection(all.build()).build().map_err(malformed)?,
                )
            } else {
                let global = GlobalSecondaryIndex::builder()
                    .index_name(index.name)
                    .set_key_schema(Some(keys));
                creation.global_secondary_indexes(
                    global.projection(all.build()).build().map_err(malformed)?,
                )
            };
        }
        Ok(creation)
    }
}

impl<T: Entity, P: ?Sized> Table<T, P> {
    /// Waits until the table is ready, and turns on the time to live.
    async fn finish_creation(&self) -> Result<(), Error> {
        let id = || RecordId::of_table(T::First::TABLE);
        let ready =
            self.client.wait_until_table_exists().table_name(&*self.name).wait(READY_WITHIN).await;
        ready.map_err(|_| Error::new(id(), ErrorKind::DynamoDb(ServiceError::TableNotReady)))?;
        let Some(ttl) = ttl::<T>() else { return Ok(()) };
        let setting = TimeToLiveSpecification::builder().attribute_name(ttl).enabled(true).build();
        let setting = setting.map_err(|error| Error::new(id(), malformed(error)))?;
        let update = self
            .client
            .update_time_to_live()
            .table_name(&*self.name)
            .time_to_live_specification(setting);
        update
            .send()
            .await
            .map_err(|error| dynamodb_error("UpdateTimeToLive", &self.name, id(), error))?;
        Ok(())
    }
}

/// The indexes of all record types. Types that share an index give it the same keys.
fn indexes<T: Entity>() -> Result<Vec<IndexSchema>, ErrorKind> {
    let mut indexes: Vec<IndexSchema> = Vec::new();
    for index in T::KINDS.iter().flat_map(|kind| (kind.indexes)()) {
        match indexes.iter().find(|other| other.name == index.name) {
            None => indexes.push(index),
            Some(other) if other.is_same(&index) => {}
            Some(_) => return Err(DIFFERENT_INDEXES),
        }
    }
    Ok(indexes)
}

/// The attribute with the time after which DynamoDB may delete a record.
fn ttl<T: Entity>() -> Option<&'static str> {
    T::KINDS.iter().find_map(|kind| kind.schema.ttl()).map(|field| field.name)
}

fn malformed(_: BuildError) -> ErrorKind {
    MALFORMED
}

/// Partition keys, then sort keys.
fn key_schema(keys: &[KeyAttribute]) -> Result<Vec<KeySchemaElement>, ErrorKind> {
    let element = |key: &KeyAttribute| {
        KeySchemaElement::builder()
            .attribute_name(key.name)
            .key_type(if key.is_sort { KeyType::Range } else { KeyType::Hash })
            .build()
            .map_err(malformed)
    };
    keys.iter().map(element).collect()
}

fn definition(key: &KeyAttribute) -> Result<AttributeDefinition, ErrorKind> {
    let scalar = key
        .scalar
        .clone()
        .ok_or(ErrorKind::Usage(UsageError::KeyTypeUnknown { attribute: key.name }))?;
    AttributeDefinition::builder()
        .attribute_name(key.name)
        .attribute_type(scalar)
        .build()
        .map_err(malformed)
}

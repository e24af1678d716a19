//! Claims: which record has a value that no other record may have (`#[searchable(unique)]`).
//!
//! A claim is an item of a table of its own. Its key is a search tag, and its owner is the primary
//! key of a record. A claim counts only while the owner's record carries a search tag of the value.
//! So nobody needs to clean up: a claim whose record was deleted, by whomever, is taken over.

pub(crate) mod action;
pub(crate) mod release;
pub(crate) mod write;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::data::DataError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::error::usage::UsageError;
use crate::error::{Error, dynamodb_error};
use crate::item::entity::Entity;
use crate::item::unique_value::first_unique;
use crate::record::Envelope as _;
use crate::record::key_identity::KeyIdentity;
use crate::record::kind::Kind;
use crate::record::schema::Schema;
use crate::table::Table;
use crate::table::transaction::target::invalid;

/// The key of a claim: a search tag.
const CLAIM: &str = "claim";

/// The attribute with the primary key of the record that has the value.
const OWNER: &str = "owner";

/// How long a new table may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

pub(crate) const NO_UNIQUE_FIELD: DataError =
    DataError::Malformed("the struct has no unique field");

const NO_OWNER: DataError = DataError::Malformed(
    "a claim names no primary key of this table, so this library did not write it: delete the \
     claim, or name the right table of claims",
);

impl<T: Entity, P: ?Sized> Table<T, P> {
    /// Sets the table of claims, which `#[searchable(unique)]` fields need.
    ///
    /// Every write of a unique value also claims the value there, in one transaction with the
    /// record. A physical table of records has a table of claims of its own, in the same account
    /// and region. Its partition key is `claim`, of type B;
    /// [`create_claims_table`](Self::create_claims_table) makes it.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// #     search_keys: envelope_dynamo::keys::SearchKeys,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// use envelope_dynamo::error::WriteError;
    /// use envelope_dynamo::{Envelope, ErrorKind, Table};
    ///
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     #[searchable(normalize(trim, ascii_lowercase), unique)]
    ///     email: String,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider)
    ///     .with_search_keys(search_keys)
    ///     .with_claims("user-claims");
    /// let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    /// match users.put(&user).if_not_exists().send().await {
    ///     Ok(()) => println!("welcome"),
    ///     Err(error) => match error.kind() {
    ///         ErrorKind::Write(WriteError::Taken { field }) => println!("{field} is in use"),
    ///         _ => return Err(error),
    ///     },
    /// }
    /// let user: Option<User> = users.unique(|u| u.email).get("Zoe@example.com").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Claims are not authenticated. Whoever can write their table can keep a value from being
    /// used, or free one, so that two records have it. They cannot make one record pass for
    /// another: a record that is found by a claim is opened and compared.
    ///
    /// A transaction reaches one region. In two regions of a global table, two records can get one
    /// value at the same time: make all writes of unique values in one region.
    #[must_use]
    pub fn with_claims(mut self, table: impl Into<String>) -> Self {
        self.claims = Some(table.into().into());
        self
    }

    /// Creates the table of claims, and waits up to two minutes until it is ready: for tests, and
    /// for development on your own machine.
    ///
    /// # Errors
    ///
    /// [`UsageError::NoClaims`] without [`with_claims`](Self::with_claims); and every error of
    /// DynamoDB. After [`ServiceError::TableNotReady`], the table was created.
    pub async fn create_claims_table(&self) -> Result<(), Error> {
        let id = || RecordId::of_table(T::First::TABLE);
        let Some(name) = &self.claims else {
            let attribute = T::KINDS.iter().find_map(first_unique).unwrap_or("blind_..");
            return Err(Error::new(id(), UsageError::NoClaims { attribute }));
        };
        let invalid = |error: BuildError| invalid(&id(), error);
        let key = KeySchemaElement::builder().attribute_name(CLAIM).key_type(KeyType::Hash);
        let definition = AttributeDefinition::builder()
            .attribute_name(CLAIM)
            .attribute_type(ScalarAttributeType::B);
        let creation = self
            .client
            .create_table()
            .table_name(&**name)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key.build().map_err(invalid)?)
            .attribute_definitions(definition.build().map_err(invalid)?);
        let outcome = AttemptOutcome::default();
        let created = creation.customize().interceptor(outcome.clone()).send().await;
        created.map_err(|error| {
            dynamodb_error("CreateTable", name, id(), error).or_in_doubt(outcome.is_unknown())
        })?;
        let ready =
            self.client.wait_until_table_exists().table_name(&**name).wait(READY_WITHIN).await;
        let not_ready = |_| Error::new(id(), ErrorKind::DynamoDb(ServiceError::TableNotReady));
        ready.map(drop).map_err(|error| not_ready(error).after_write(None))
    }

    /// The claims of records of this kind; `None` if it has no unique field.
    ///
    /// # Errors
    ///
    /// If there is no table of claims.
    pub(crate) fn claims_of(&self, kind: &Kind) -> Result<Option<Claims<'_>>, ErrorKind> {
        let Some(attribute) = first_unique(kind) else { return Ok(None) };
        let claims = self.claims_in(kind.schema);
        claims.ok_or(ErrorKind::Usage(UsageError::NoClaims { attribute })).map(Some)
    }

    /// The claims of records with this schema, if there is a table of claims.
    pub(crate) fn claims_in(&self, schema: Schema) -> Option<Claims<'_>> {
        let (client, records) = (&self.client, &*self.name);
        self.claims.as_ref().map(|claims| Claims { client, records, claims, schema })
    }
}

/// A table of claims, and the table of the records that make them.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'t> {
    pub(crate) client: &'t Client,
    /// The physical table of the records.
    pub(crate) records: &'t str,
    /// The physical table of the claims.
    pub(crate) claims: &'t str,
    /// The schema of the records: their keys.
    pub(crate) schema: Schema,
}

impl Claims<'_> {
    /// The key attributes of the record that owns the claim `tag`, read consistently.
    pub(crate) async fn owner(
        &self,
        tag: &AttributeValue,
        id: &RecordId,
    ) -> Result<Option<Item>, Error> {
        let read = self
            .client
            .get_item()
            .table_name(self.claims)
            .key(CLAIM, tag.clone())
            .consistent_read(true)
            .send()
            .await;
        let read =
            read.map_err(|error| dynamodb_error("GetItem", self.claims, id.clone(), error))?;
        let Some(mut claim) = read.item else { return Ok(None) };
        match claim.remove(OWNER) {
            Some(AttributeValue::M(owner)) if self.is_key(&owner) => Ok(Some(owner)),
            _ => Err(Error::new(id.clone(), NO_OWNER)),
        }
    }

    /// Whether these are the attributes of a primary key, and no others.
    fn is_key(&self, owner: &Item) -> bool {
        let keys = || self.schema.keys();
        owner.len() == keys().count()
            && keys().all(|key| owner.contains_key(key.name))
            && KeyIdentity::in_schema(self.schema, owner).is_ok()
    }
}

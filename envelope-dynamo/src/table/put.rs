use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use envelope_core::WrapKey;

use super::{Sending, Table, dynamodb_error};
use crate::binding::record_id;
use crate::entity::Entity;
use crate::error::{Error, ErrorKind, RecordId};
use crate::expression::{Condition, Placeholders, both, refuse_encrypted_names, refuse_legacy_conditions};
use crate::item::to_item;
use crate::record::{Envelope, Mark};
use crate::size::{MAX_ITEM_BYTES, item_bytes};

/// A put being built; see [`Table::put`].
#[must_use = "a put does nothing until it is sent"]
pub struct Put<'a, T, P: ?Sized> {
    table: &'a Table<T, P>,
    record: &'a T,
    builder: Option<PutItemFluentBuilder>,
    condition: Option<Condition<T>>,
}

impl<'a, T: Entity, P: WrapKey + ?Sized> Put<'a, T, P> {
    pub(super) const fn new(table: &'a Table<T, P>, record: &'a T) -> Self {
        Self { table, record, builder: None, condition: None }
    }

    /// Stores the record only if none stands under its key; otherwise [`ErrorKind::ConditionFailed`].
    ///
    /// If the answer to a first try is lost, the SDK tries again, and finds the record that the first try stored: then
    /// this fails although the record was written by this very call.
    pub fn if_not_exists(self) -> Self {
        self.condition_of(Condition::not_exists(partition_key::<T::First>()))
    }

    /// Stores the record only if one stands under its key; otherwise [`ErrorKind::ConditionFailed`].
    pub fn if_exists(self) -> Self {
        self.condition_of(Condition::exists(partition_key::<T::First>()))
    }

    /// Stores the record only if what stands under its key fulfils a condition; otherwise
    /// [`ErrorKind::ConditionFailed`]. Several conditions must all hold.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64 }
    /// # let user = User { user_id: "u_1".into(), email: "zoe@example.com".into(), logins: 3 };
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.put(&user).condition(|stored| stored.logins.le(3)).send().await
    /// # }
    /// ```
    pub fn condition(self, condition: impl FnOnce(&T::Attributes) -> Condition<T>) -> Self
    where
        T: Envelope,
    {
        self.condition_of(condition(&T::attributes()))
    }

    fn condition_of(mut self, condition: Condition<T>) -> Self {
        self.condition = Some(match self.condition.take() {
            Some(other) => other.and(condition),
            None => condition,
        });
        self
    }

    /// Sets what this library does not cover on the SDK's own builder: a condition, consumed capacity, and so on.
    ///
    /// Table and item are set afterwards, so that nothing unsealed can take their place. An expression that names an
    /// encrypted field is refused before anything is sent.
    ///
    /// ```no_run
    /// # async fn example<U: envelope_dynamo::Envelope>(users: envelope_dynamo::Table<U>, user: &U) -> Result<(), envelope_dynamo::Error> {
    /// use aws_sdk_dynamodb::types::AttributeValue;
    ///
    /// users
    ///     .put(user)
    ///     .customize(|put| {
    ///         put.condition_expression("logins < :max").expression_attribute_values(":max", AttributeValue::N("10".into()))
    ///     })
    ///     .send()
    ///     .await
    /// # }
    /// ```
    pub fn customize(mut self, with: impl FnOnce(PutItemFluentBuilder) -> PutItemFluentBuilder) -> Self {
        let builder = self.builder.take().unwrap_or_else(|| self.table.client.put_item());
        self.builder = Some(with(builder));
        self
    }

    /// Seals the record and sends it.
    ///
    /// # Errors
    ///
    /// As [`to_item`]; [`ErrorKind::TooLarge`] and [`ErrorKind::EncryptedNameInExpression`] before anything is sent;
    /// [`ErrorKind::ConditionFailed`]; and whatever DynamoDB answers.
    pub async fn send(self) -> Result<(), Error> {
        let table = self.table;
        let (builder, id) = self.prepare().await?;
        builder.send().await.map_err(|error| dynamodb_error("PutItem", &table.name, id, error))?;
        Ok(())
    }

    /// Seals the record and gives the SDK's request, ready to be sent: for its output, or for a send of your own.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), without DynamoDB's.
    pub async fn into_sdk(self) -> Result<PutItemFluentBuilder, Error> {
        Ok(self.prepare().await?.0)
    }

    async fn prepare(self) -> Result<(PutItemFluentBuilder, RecordId), Error> {
        let builder = self.builder.unwrap_or_else(|| self.table.client.put_item());
        let condition = builder.get_condition_expression().as_deref().unwrap_or_default();
        refuse_encrypted_names::<T>(condition, builder.get_expression_attribute_names().as_ref())?;
        refuse_legacy_conditions::<T>(builder.get_expected().as_ref())?;
        let item = to_item(self.record, &*self.table.provider).await?;
        let id = record_id::<T::First>(&item);
        let bytes = item_bytes(&item);
        if bytes > MAX_ITEM_BYTES {
            return Err(Error::new(id, ErrorKind::TooLarge { bytes }));
        }
        let builder = match self.condition {
            Some(condition) => conditional(builder, condition).map_err(|kind| Error::new(id.clone(), kind))?,
            None => builder,
        };
        Ok((builder.table_name(&*self.table.name).set_item(Some(item)), id))
    }
}

fn conditional<T>(builder: PutItemFluentBuilder, condition: Condition<T>) -> Result<PutItemFluentBuilder, ErrorKind> {
    let names = builder.get_expression_attribute_names().clone();
    let mut placeholders = Placeholders::new(names, builder.get_expression_attribute_values().clone());
    let condition = placeholders.condition(condition)?;
    let own = builder.get_condition_expression().clone();
    let (names, values) = placeholders.into_maps();
    Ok(builder
        .set_condition_expression(both(own, Some(condition)))
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values))
}

/// The attribute that every record has.
fn partition_key<T: Envelope>() -> &'static str {
    T::FIELDS.iter().find(|field| field.mark == Mark::PartitionKey).map_or("", |field| field.name)
}

/// `.await` without `.send()` sends as well.
impl<'a, T: Entity + Sync, P: WrapKey + ?Sized> IntoFuture for Put<'a, T, P> {
    type Output = Result<(), Error>;
    type IntoFuture = Sending<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

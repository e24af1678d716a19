//! Deletes a record.

use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use envelope_core::UnwrapKey;

use crate::call::write_attempt::WriteAttempt;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::expression::Condition;
use crate::item::unique_value::no_values;
use crate::record::Envelope;
use crate::record::item_key::partition_key;
use crate::record::key::IntoKey;
use crate::record::kind::Kind;
use crate::table::Table;
use crate::table::claims::release::former;
use crate::table::customized::Customized as _;
use crate::table::own_type::{absent_or_own, name_other_type};
use crate::table::request::with_condition;
use crate::table::write::return_values::ReturningOld;

impl<T, P: ?Sized> Table<T, P> {
    /// Deletes a record by its key. Needs no data key.
    pub fn delete(&self, key: impl IntoKey<T::Key>) -> Delete<'_, T, P>
    where
        T: Envelope,
    {
        Delete::new(self, key.into_key())
    }
}

/// A delete being built; see [`Table::delete`].
#[must_use = "a delete does nothing until it is sent"]
pub struct Delete<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
    builder: DeleteItemFluentBuilder,
    condition: Option<Condition<T>>,
}

impl<'a, T: Envelope, P: ?Sized> Delete<'a, T, P> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key, builder: table.client.delete_item(), condition: None }
    }

    /// Fails with [`WriteError::ConditionFailed`] if there is no record.
    ///
    /// If the answer to an attempt is lost, the SDK sends the request again, and DynamoDB finds no
    /// record. Then this fails although this call deleted the record, and
    /// [`Error::is_in_doubt`] is true.
    pub fn if_exists(self) -> Self {
        self.condition_of(Condition::exists(partition_key::<T>()))
    }

    /// Deletes the record only if it fulfils a condition; otherwise
    /// [`WriteError::ConditionFailed`]. If this is called several times, all conditions must
    /// hold.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key] user_id: String,
    /// #     #[encrypted] email: String,
    /// #     #[plaintext] logins: u64,
    /// # }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.delete("u_1").condition(|stored| stored.logins.eq(0)).send().await
    /// # }
    /// ```
    pub fn condition(self, condition: impl FnOnce(&T::Attributes) -> Condition<T>) -> Self {
        self.condition_of(condition(&T::attributes()))
    }

    fn condition_of(mut self, condition: Condition<T>) -> Self {
        self.condition = Condition::joined(self.condition.take(), Some(condition));
        self
    }

    /// Sets other parameters of the request on the SDK's own builder. Table and key are set
    /// afterwards.
    ///
    /// Expressions are refused ([`UsageError::Customized`]): use [`condition`](Self::condition).
    ///
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    pub fn customize(
        mut self,
        with: impl FnOnce(DeleteItemFluentBuilder) -> DeleteItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Makes the delete return the record that it deleted, opened. Call this last, before `send`.
    ///
    /// If the answer to an attempt is lost, the SDK sends the request again, and DynamoDB finds
    /// nothing to delete. Then the delete fails with [`WriteError::AnswerLost`], because the
    /// first attempt may have deleted a record.
    pub fn returning_old(self) -> ReturningOld<Self>
    where
        P: UnwrapKey,
    {
        ReturningOld(self)
    }

    /// Deletes the record. Succeeds if there is none. If the record had unique values, other
    /// records can have them from then on; a handle with [claims](Table::with_claims) also
    /// deletes the claims.
    ///
    /// # Errors
    ///
    /// If DynamoDB does not accept the key; [`UsageError::Customized`];
    /// [`WriteError::ConditionFailed`]; [`DataError::WrongEntity`] if the item has another type,
    /// which only its `entity(..)` shows; and every error of DynamoDB. Then nothing was deleted.
    ///
    /// [`DataError::WrongEntity`]: crate::error::DataError::WrongEntity
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    pub async fn send(self) -> Result<(), Error> {
        self.deliver(None).await.map(drop)
    }

    /// Sends the request, and tells what happened. Returns the old item if `returns` asks for it.
    async fn deliver(self, returns: Option<ReturnValue>) -> Result<Option<Item>, Error> {
        let table = self.table;
        let (returns_old, is_conditional) = (returns.is_some(), self.condition.is_some());
        let (request, key, id) = self.prepare()?;
        let no_values = no_values(&Kind::of::<T>());
        let claims = table.claims_in(T::SCHEMA).filter(|_| !no_values.is_empty());
        // The old item says which values the record had.
        let returns = claims.map_or(returns, |_| Some(ReturnValue::AllOld));
        let attempt = WriteAttempt::new("DeleteItem", &table.name, id.clone(), key.clone())
            .repeatable_if(!is_conditional && !returns_old);
        let request =
            request.set_return_values(returns).customize().interceptor(attempt.outcome.clone());
        match request.send().await.map(|output| output.attributes) {
            // An earlier attempt may have deleted the record that this one did not find.
            Ok(None) if returns_old && attempt.outcome.is_unknown() => {
                Err(attempt.error_after(WriteError::AnswerLost))
            }
            Ok(old) => {
                if let (Some(claims), Some(old)) = (claims, &old) {
                    Box::pin(claims.release(&key, &id, &former(&no_values, old))).await;
                }
                Ok(old.filter(|_| returns_old).map(|old| attempt.returned(old)))
            }
            Err(error) => Err(name_other_type(attempt.error(error), &Kind::of::<T>())),
        }
    }

    /// The request, and the record that it deletes.
    pub(crate) fn prepare(self) -> Result<(DeleteItemFluentBuilder, Item, RecordId), Error> {
        let (key, id) = self.table.key_item(self.key)?;
        let request = self.builder.checked_for(&id)?;
        let condition = Condition::joined(self.condition, absent_or_own());
        let request = with_condition(request, condition, self.table.kinds)
            .map_err(|kind| Error::new(id.clone(), kind))?;
        Ok((request.table_name(&*self.table.name).set_key(Some(key.clone())), key, id))
    }
}

impl<'a, T: Envelope, P: UnwrapKey + ?Sized> ReturningOld<Delete<'a, T, P>> {
    /// Deletes the record. Returns the deleted record, or `None` if there was none.
    ///
    /// # Errors
    ///
    /// As [`Delete::send`]; [`WriteError::AnswerLost`]; and as [`from_item`](crate::from_item()) if
    /// the old record does not open. Then it has been deleted, and [`Table::open_returned`]
    /// opens it later.
    pub async fn send(self) -> Result<Option<T>, Error> {
        let table = self.0.table;
        match self.0.deliver(Some(ReturnValue::AllOld)).await? {
            Some(old) => table.open_written(old).await.map(Some),
            None => Ok(None),
        }
    }
}

//! Sends an update, and tells what happened.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use envelope_core::UnwrapKey;

use crate::call::write_attempt::{WriteAttempt, found, is_failed_condition};
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::expression::limit::name_limit;
use crate::expression::{Changes, Condition, Limit};
use crate::item::managed_fields;
use crate::record::Envelope;
use crate::record::item_key::partition_key;
use crate::record::kind::Kind;
use crate::table::customized::Customized as _;
use crate::table::own_type::{absent_or_own, name_other_type};
use crate::table::request::{Expressions, WriteRequest as _};
use crate::table::write::return_values::ReturningNew;
use crate::table::write::update::Update;

impl<T: Envelope, P: ?Sized> Update<'_, T, P> {
    /// Changes the record in place. Needs no data key.
    ///
    /// # Errors
    ///
    /// [`WriteError::NoRecord`] if there is no such record: an update never creates one, because
    /// the new record would not be sealed; [`WriteError::ConditionFailed`];
    /// [`DataError::WrongEntity`] if the item has another type, which only its `entity(..)` shows;
    /// [`UsageError::Customized`] and [`UsageError::Attribute`] before anything is sent; and
    /// every error of DynamoDB.
    ///
    /// [`DataError::WrongEntity`]: crate::error::DataError::WrongEntity
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    /// [`UsageError::Attribute`]: crate::error::UsageError::Attribute
    pub async fn send(self) -> Result<(), Error> {
        self.deliver(None).await.map(drop)
    }

    /// Sends the request, and tells what happened. Returns the attributes that `returns` asks for.
    async fn deliver(self, returns: Option<ReturnValue>) -> Result<Option<Item>, Error> {
        let table = self.table;
        let Prepared { request, key, id, limits } = self.prepare()?;
        // Never repeatable: the update may add, append or count a version.
        let attempt = WriteAttempt::new("UpdateItem", &table.name, id, key);
        let request =
            request.set_return_values(returns).customize().interceptor(attempt.outcome.clone());
        match request.send().await {
            Ok(output) => Ok(output.attributes.map(|new| attempt.returned(new))),
            Err(error) if is_failed_condition(&error) && found(&error).is_none() => {
                Err(attempt.failed(WriteError::NoRecord))
            }
            Err(error) => {
                let error = name_other_type(attempt.error(error), &Kind::of::<T>());
                Err(name_limit(error, &limits))
            }
        }
    }

    /// The request, and the record that it changes.
    pub(crate) fn prepare(self) -> Result<Prepared, Error> {
        let (table, (key, id)) = (self.table, self.table.key_item(self.key)?);
        let request = self.builder.checked_for(&id)?;
        let fail = |kind| Error::new(id.clone(), kind);
        let limits = limits::<T>(&self.changes).map_err(fail)?;
        let conditions = self.condition.into_iter().chain(limits.iter().map(Limit::condition));
        let conditions = conditions.chain(absent_or_own());
        let condition = conditions.fold(Condition::exists(partition_key::<T>()), Condition::and);
        let mut expressions = Expressions::of(table.kinds);
        let now = table.clock.system_time();
        expressions.change::<T>(self.changes, now).map_err(fail)?;
        expressions.demand(&condition).map_err(fail)?;
        let request =
            request.with(expressions.render()).table_name(&*table.name).set_key(Some(key.clone()));
        Ok(Prepared { request, key, id, limits })
    }
}

/// An update that is ready to be sent.
pub(crate) struct Prepared {
    pub(crate) request: UpdateItemFluentBuilder,
    /// The key attributes of the record.
    pub(crate) key: Item,
    pub(crate) id: RecordId,
    /// The limits of the numbers that the update adds to.
    pub(crate) limits: Vec<Limit>,
}

/// The limits of the numbers that an update adds to, and of a version that it counts.
pub(crate) fn limits<T: Envelope>(changes: &Changes) -> Result<Vec<Limit>, ErrorKind> {
    let version = managed_fields::version_limit(T::SCHEMA).filter(|_| !changes.is_empty());
    Ok(changes.limits()?.into_iter().chain(version).collect())
}

impl<T: Envelope, P: UnwrapKey + ?Sized> ReturningNew<Update<'_, T, P>> {
    /// Changes the record in place, and returns the record as it is stored afterwards.
    ///
    /// # Errors
    ///
    /// As [`Update::send`]; and as [`from_item`](crate::from_item()) if the record does not open:
    /// then it has been changed, and [`Table::open_returned`](crate::Table::open_returned) opens it
    /// later.
    pub async fn send(self) -> Result<T, Error> {
        let table = self.0.table;
        let new = self.0.deliver(Some(ReturnValue::AllNew)).await?;
        table.open_written(new.unwrap_or_default()).await
    }
}

//! Checks a condition on a record that a transaction does not write.

use aws_sdk_dynamodb::types::ConditionCheck;
use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;

use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::error::usage::UsageError;
use crate::expression::Condition;
use crate::record::Envelope;
use crate::record::item_key::partition_key;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::request::with_condition;

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// Checks a condition on a record that a transaction does not write; see
    /// [`transact_write`](crate::transact_write()).
    pub fn check(&self, key: impl IntoKey<T::Key>) -> Check<'_, T, P> {
        Check::new(self, key.into_key())
    }
}

/// A condition on a record that a transaction does not write; see [`Table::check`].
#[must_use = "a check does nothing until it is part of a transaction"]
pub struct Check<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
    builder: ConditionCheckBuilder,
    condition: Option<Condition<T>>,
}

impl<'a, T: Envelope, P: ?Sized> Check<'a, T, P> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key, builder: ConditionCheck::builder(), condition: None }
    }

    /// There must be a record with this key.
    pub fn if_exists(self) -> Self {
        self.condition_of(Condition::exists(partition_key::<T>()))
    }

    /// There must be no record with this key.
    pub fn if_not_exists(self) -> Self {
        self.condition_of(Condition::not_exists(partition_key::<T>()))
    }

    /// The record must fulfil a condition. If this is called several times, all conditions must
    /// hold.
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
    pub fn customize(
        mut self,
        with: impl FnOnce(ConditionCheckBuilder) -> ConditionCheckBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// The action of a transaction, and the record that it is about.
    pub(crate) fn prepare(self) -> Result<(ConditionCheck, RecordId), Error> {
        let (key, id) = self.table.key_item(self.key)?;
        let request = self.builder.checked_for(&id)?;
        let request = with_condition(request, self.condition, self.table.kinds)
            .map_err(|kind| Error::new(id.clone(), kind))?;
        // Table and key are set: only the condition can be missing.
        match request.table_name(&*self.table.name).set_key(Some(key)).build() {
            Ok(check) => Ok((check, id)),
            Err(_) => Err(Error::new(id, UsageError::CheckWithoutCondition)),
        }
    }
}

//! Checks a condition on a record that a transaction does not write.

use std::marker::PhantomData;

use aws_sdk_dynamodb::types::ConditionCheck;
use aws_sdk_dynamodb::types::builders::ConditionCheckBuilder;

use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::record_id::RecordId;
use crate::expression::Condition;
use crate::record::Envelope;
use crate::record::item_key::partition_key;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::own_type::absent_or_own;
use crate::table::request::with_condition;

impl<T, P: ?Sized> Table<T, P> {
    /// Checks a condition on a record that a transaction does not write; see
    /// [`transact_write`](crate::transact_write()).
    ///
    /// An item of another type, which only its `entity(..)` shows, does not fulfil any condition.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Table, transact_write, transaction::TransactionError};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "deletions")]
    /// # struct Deletion { #[partition_key] user_id: String, #[encrypted] reason: String }
    /// # async fn example(
    /// #     users: Table<User>, deletions: Table<Deletion>, zoe: User,
    /// # ) -> Result<(), TransactionError> {
    /// // Stores the user only if nobody has asked to be deleted under this key.
    /// transact_write(users.client())
    ///     .check(deletions.check("u_1").if_not_exists())
    ///     .put(users.put(&zoe))
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A check without a condition does not compile:
    ///
    /// ```compile_fail,E0277
    /// # use envelope_dynamo::{Envelope, Table, transact_write};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # fn example(users: Table<User>) {
    /// // This check has no condition: add `.if_exists()`, for example.
    /// transact_write(users.client()).check(users.check("u_1"));
    /// # }
    /// ```
    pub fn check(&self, key: impl IntoKey<T::Key>) -> Check<'_, T, P, NoCondition>
    where
        T: Envelope,
    {
        Check::new(self, key.into_key())
    }
}

/// A condition on a record that a transaction does not write; see [`Table::check`].
///
/// `C` is [`HasCondition`] after the first condition. Only then it can be part of a transaction.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// # use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::transaction::{Check, HasCondition};
/// use envelope_dynamo::{Envelope, KeyProvider, Table, transact_write};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "doctors")]
/// # struct Doctor {
/// #     #[partition_key] id: String,
/// #     #[encrypted] name: String,
/// #     #[plaintext] on_leave: bool,
/// # }
/// # #[derive(Envelope)]
/// # #[envelope(table = "visits")]
/// # struct Visit { #[partition_key] id: String, #[encrypted] notes: String }
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let doctors = Table::<Doctor>::new(dynamodb.clone(), TestKeyProvider::default());
/// # let visits = Table::<Visit>::new(dynamodb, TestKeyProvider::default());
/// # let visit = Visit { id: "v_1".into(), notes: "a cold".into() };
/// /// A rule for several transactions: the doctor must be at work.
/// fn at_work<'a>(
///     doctors: &'a Table<Doctor>,
///     id: &str,
/// ) -> Check<'a, Doctor, dyn KeyProvider, HasCondition> {
///     doctors.check(id).if_exists().condition(|doctor| doctor.on_leave.eq(false))
/// }
///
/// let transaction = transact_write(visits.client())
///     .check(at_work(&doctors, "d_1"))
///     .put(visits.put(&visit))
///     .prepare()
///     .await?;
/// assert_eq!(transaction.records().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[must_use = "a check does nothing until it is part of a transaction"]
pub struct Check<'a, T: Envelope, P: ?Sized, C = HasCondition> {
    table: &'a Table<T, P>,
    key: T::Key,
    builder: ConditionCheckBuilder,
    condition: Option<Condition<T>>,
    state: PhantomData<fn() -> C>,
}

/// The state of a [`Check`] with a condition.
pub enum HasCondition {}

/// The state of a [`Check`] without a condition, which DynamoDB would refuse; see [`Table::check`].
pub enum NoCondition {}

/// The state of a [`Check`] that can be part of a transaction: [`HasCondition`]. You cannot
/// implement this trait. [`Transaction::check`](crate::transaction::Transaction::check) requires
/// it.
#[diagnostic::on_unimplemented(
    message = "this check has no condition",
    label = "DynamoDB refuses a check without a condition",
    note = "add `.if_exists()`, `.if_not_exists()` or `.condition(|record| ..)` to the check"
)]
pub trait Conditional: sealed::Sealed {}

impl Conditional for HasCondition {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::HasCondition {}
}

impl<'a, T: Envelope, P: ?Sized> Check<'a, T, P, NoCondition> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        let builder = ConditionCheck::builder();
        Self { table, key, builder, condition: None, state: PhantomData }
    }
}

impl<'a, T: Envelope, P: ?Sized, C> Check<'a, T, P, C> {
    /// There must be a record with this key.
    pub fn if_exists(self) -> Check<'a, T, P> {
        self.condition_of(Condition::exists(partition_key::<T>()))
    }

    /// There must be no record with this key.
    pub fn if_not_exists(self) -> Check<'a, T, P> {
        self.condition_of(Condition::not_exists(partition_key::<T>()))
    }

    /// The record must fulfil a condition. If this is called several times, all conditions must
    /// hold.
    pub fn condition(
        self,
        condition: impl FnOnce(&T::Attributes) -> Condition<T>,
    ) -> Check<'a, T, P> {
        self.condition_of(condition(&T::attributes()))
    }

    fn condition_of(self, condition: Condition<T>) -> Check<'a, T, P> {
        let Self { table, key, builder, condition: earlier, .. } = self;
        let condition = Condition::joined(earlier, Some(condition));
        Check { table, key, builder, condition, state: PhantomData }
    }

    /// Sets other parameters of the request on the SDK's own builder. Table and key are set
    /// afterwards.
    ///
    /// Expressions are refused ([`UsageError::Customized`]): use [`condition`](Self::condition).
    ///
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    pub fn customize(
        mut self,
        with: impl FnOnce(ConditionCheckBuilder) -> ConditionCheckBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// The request of a transaction's action, the key of the record, and the record.
    pub(crate) fn prepare(self) -> Result<(ConditionCheckBuilder, Item, RecordId), Error> {
        let (key, id) = self.table.key_item(self.key)?;
        let request = self.builder.checked_for(&id)?;
        let condition = Condition::joined(self.condition, absent_or_own());
        let request = with_condition(request, condition, self.table.kinds)
            .map_err(|kind| Error::new(id.clone(), kind))?;
        Ok((request.table_name(&*self.table.name).set_key(Some(key.clone())), key, id))
    }
}

//! Changes plaintext attributes in place.

use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use envelope_core::UnwrapKey;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::expression::placeholders::Placeholders;
use crate::expression::{
    Addable, Amount, Changes, Clauses, Condition, IntoOperand, Limit, operand_kind,
};
use crate::item::managed_fields;
use crate::record::Envelope;
use crate::record::attribute::{Attribute, InPlace};
use crate::record::item_key::{partition_key, with_requested_key};
use crate::record::key::{IntoKey, IntoValue};
use crate::record::kind::Kind;
use crate::record::path::UpdateTarget;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::write::condition_failure::{WriteAttempt, found, name_limit, open_written};
use crate::table::write::return_values::ReturningNew;

impl<T: Envelope, P: ?Sized> Table<T, P> {
    /// Changes `#[plaintext]` attributes of a record where they stand, without touching what is
    /// sealed; needs no data key.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] logins: u64, #[plaintext] note: Option<String> }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.update("u_1").add(|u| u.logins, 1).set(|u| u.note, "trial").condition(|u| u.logins.lt(100)).send().await
    /// # }
    /// ```
    pub fn update(&self, key: impl IntoKey<T::Key>) -> Update<'_, T, P> {
        Update::new(self, key.into_key())
    }
}

/// An update being built; see [`Table::update`].
///
/// Only `#[plaintext]` attributes are changed in place; what the payload is bound to does not
/// compile here.
///
/// A `#[plaintext]` `#[version]` is counted and `#[updated]` is stamped with every change. An
/// `#[authenticated]` version cannot be counted in place: a put of the record as it was read before
/// takes back what was changed here.
///
/// ```compile_fail,E0277
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) {
/// # use envelope_dynamo::{Envelope, Table};
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// let users = Table::<User>::new(dynamodb, provider);
/// users.update("u_1").set(|u| u.email, "new@example.com"); // only `#[plaintext]` attributes can be changed in place
/// # }
/// ```
#[must_use = "an update does nothing until it is sent"]
pub struct Update<'a, T: Envelope, P: ?Sized> {
    pub(crate) table: &'a Table<T, P>,
    pub(crate) key: T::Key,
    pub(crate) builder: UpdateItemFluentBuilder,
    pub(crate) changes: Changes,
    pub(crate) condition: Option<Condition<T>>,
}

impl<'a, T: Envelope, P: ?Sized> Update<'a, T, P> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self {
            table,
            key,
            builder: table.client.update_item(),
            changes: Changes::default(),
            condition: None,
        }
    }

    /// Sets an attribute, or what is within one.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use std::collections::HashMap;
    /// # use envelope_dynamo::{Envelope, Table};
    /// #[derive(Envelope)]
    /// #[envelope(table = "users")]
    /// struct User {
    ///     #[partition_key]
    ///     user_id: String,
    ///     #[encrypted]
    ///     email: String,
    ///     #[plaintext]
    ///     tags: Vec<String>,
    ///     #[plaintext]
    ///     settings: HashMap<String, String>,
    /// }
    ///
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users
    ///     .update("u_1")
    ///     .set(|u| u.settings.key("theme"), "dark")
    ///     .set(|_| User::attribute::<bool>("seen by legacy service"), true) // the struct does not have it
    ///     .remove(|u| u.tags.at(0))
    ///     .send()
    ///     .await
    /// # }
    /// ```
    pub fn set<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        value: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.set(attribute(&T::attributes()), value);
        self
    }

    /// Sets an attribute to what another one has; DynamoDB refuses it where the record does not
    /// have the other.
    ///
    /// Both must be stored alike: what one field's `#[serde(with = ..)]` writes, the other's has to
    /// read.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] plan: String, #[plaintext] last_plan: Option<String> }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users.update("u_1").set_from(|u| u.last_plan, |u| u.plan).set(|u| u.plan, "free").send().await
    /// # }
    /// ```
    pub fn set_from<A, B>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        other: impl FnOnce(&T::Attributes) -> B,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
        B: IntoOperand<T, A::Value, operand_kind::Attribute>,
    {
        let attributes = T::attributes();
        self.changes.set_from(attribute(&attributes), other(&attributes));
        self
    }

    /// Sets an attribute that the record does not have; one that it has stays, even `null`.
    pub fn set_if_absent<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        value: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.set_if_absent(attribute(&T::attributes()), value);
        self
    }

    /// Adds to a number, or subtracts a negative amount; an absent attribute counts as zero.
    ///
    /// The number stays one that the field's type can hold: the update carries a condition for
    /// that, and fails with [`UsageError::Attribute`](crate::error::UsageError::Attribute) where it does not hold. A type of your own
    /// says its range by [`Addable::RANGE`](crate::expression::Addable::RANGE).
    ///
    /// If the answer to a first try is lost, the SDK tries again, and **the amount may be added
    /// twice**. Where that matters, say what the number is to be before: `.condition(|u|
    /// u.logins.eq(3))` lets one try through at most. Or let [`modify`](Self::modify) do it:
    /// each of its changes is applied once.
    pub fn add<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        amount: impl Amount,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Value: Addable, Mark: InPlace>,
    {
        self.changes.add(attribute(&T::attributes()), amount);
        self
    }

    /// Removes an attribute: an `Option`, or one with `#[serde(default)]`; a record could not be
    /// read without any other.
    ///
    /// Or what is within one: an element of a list, a key of a map, a field of a struct that is an
    /// `Option`.
    pub fn remove<A>(mut self, attribute: impl FnOnce(&T::Attributes) -> A) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.remove(attribute(&T::attributes()));
        self
    }

    /// Appends to a list; an absent one counts as empty. As with [`add`](Self::add), a lost answer
    /// may append twice.
    pub fn append<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        values: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.append(attribute(&T::attributes()), values);
        self
    }

    /// Puts values before those of a list; an absent one counts as empty. As with
    /// [`add`](Self::add), a lost answer may do it twice.
    pub fn prepend<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        values: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.prepend(attribute(&T::attributes()), values);
        self
    }

    /// Adds the elements of `set` to a set: a field with `#[serde(with =
    /// "envelope_dynamo::convert::string_set")]` or its like.
    pub fn add_elements<V, M: InPlace>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) -> Self {
        self.changes.add_elements(attribute(&T::attributes()), set);
        self
    }

    /// Deletes the elements of `set` from a set. A set that is empty then is absent, as DynamoDB
    /// has it.
    pub fn delete_elements<V, M: InPlace>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) -> Self {
        self.changes.delete_elements(attribute(&T::attributes()), set);
        self
    }

    /// Changes the record only if it fulfils a condition; otherwise [`WriteError::ConditionFailed`](crate::error::WriteError::ConditionFailed).
    /// Several conditions must all hold.
    pub fn condition(mut self, condition: impl FnOnce(&T::Attributes) -> Condition<T>) -> Self {
        let condition = condition(&T::attributes());
        self.condition = Condition::joined(self.condition.take(), Some(condition));
        self
    }

    /// Sets what this library does not cover on the SDK's own builder, such as the consumed
    /// capacity; table and key are set afterwards.
    ///
    /// Expressions are refused ([`UsageError::Customized`](crate::error::UsageError::Customized)): [`set`](Self::set) and its like, and
    /// [`condition`](Self::condition), say them.
    pub fn customize(
        mut self,
        with: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Has the update yield the record as it then is, opened; the last call before `send`.
    pub fn returning_new(self) -> ReturningNew<Self>
    where
        P: UnwrapKey,
    {
        ReturningNew(self)
    }

    /// Changes the record where it stands; needs no data key.
    ///
    /// # Errors
    ///
    /// [`WriteError::NoRecord`](crate::error::WriteError::NoRecord) if there is none: an update never creates one, which would be
    /// unsealed; [`WriteError::ConditionFailed`](crate::error::WriteError::ConditionFailed); [`UsageError::Customized`](crate::error::UsageError::Customized) and
    /// [`UsageError::Attribute`](crate::error::UsageError::Attribute) before anything is sent; and whatever DynamoDB answers.
    pub async fn send(self) -> Result<(), Error> {
        self.deliver(None).await.map(|_| ())
    }

    /// Sends the request; the attributes that are asked for.
    async fn deliver(self, returns: Option<ReturnValue>) -> Result<Option<Item>, Error> {
        let table = self.table;
        let Prepared { builder, key, id, limits } = self.prepare()?;
        // An update may add, append or count a version, and so is never repeatable.
        let (is_repeatable, outcome) = (false, AttemptOutcome::default());
        let attempt = WriteAttempt {
            operation: "UpdateItem",
            table: &table.name,
            id,
            key,
            is_repeatable,
            outcome,
        };
        let request =
            builder.set_return_values(returns).customize().interceptor(attempt.outcome.clone());
        match request.send().await {
            Ok(output) => Ok(output.attributes.map(|new| with_requested_key(new, attempt.key))),
            Err(error) if is_absent(&error) => {
                Err(Error::new(attempt.id, ErrorKind::Write(WriteError::NoRecord))
                    .or_in_doubt(attempt.outcome.is_unknown()))
            }
            Err(error) => Err(name_limit(attempt.error(error), &limits)),
        }
    }

    /// The request, and which record it is on.
    pub(crate) fn prepare(self) -> Result<Prepared, Error> {
        let (key, id) = self.table.key_item(self.key)?;
        let builder = self.builder.checked().map_err(|kind| Error::new(id.clone(), kind))?;
        let now = self.table.clock.system_time();
        let limits = limits::<T>(&self.changes).map_err(|kind| Error::new(id.clone(), kind))?;
        let conditions = self.condition.into_iter().chain(limits.iter().map(Limit::condition));
        let condition = conditions.fold(Condition::exists(partition_key::<T>()), Condition::and);
        let builder = request(builder, self.changes, now, condition, self.table.kinds)
            .map_err(|kind| Error::new(id.clone(), kind))?
            .table_name(&*self.table.name)
            .set_key(Some(key.clone()));
        Ok(Prepared { builder, key, id, limits })
    }
}

/// An update that is ready to be sent.
pub(crate) struct Prepared {
    pub(crate) builder: UpdateItemFluentBuilder,
    /// The key attributes of the record.
    pub(crate) key: Item,
    pub(crate) id: RecordId,
    /// The limits of the numbers that are added to.
    pub(crate) limits: Vec<Limit>,
}

/// The limits of the numbers that an update adds to, the version among them.
pub(crate) fn limits<T: Envelope>(changes: &Changes) -> Result<Vec<Limit>, ErrorKind> {
    let version = managed_fields::version_limit(T::SCHEMA).filter(|_| !changes.is_empty());
    Ok(changes.limits()?.into_iter().chain(version).collect())
}

/// The request with its changes and conditions.
fn request<T: Envelope>(
    builder: UpdateItemFluentBuilder,
    changes: Changes,
    now: SystemTime,
    condition: Condition<T>,
    kinds: &'static [Kind],
) -> Result<UpdateItemFluentBuilder, ErrorKind> {
    let (mut clauses, mut placeholders) = (Clauses::default(), Placeholders::of(kinds));
    if !changes.is_empty() {
        managed_fields::update(T::SCHEMA, &mut clauses, &mut placeholders, now);
    }
    changes.render::<T>(&mut clauses, &mut placeholders)?;
    let condition = condition.render(&mut placeholders)?;
    let update = clauses.expression();
    let (names, values) = placeholders.into_maps();
    Ok(builder
        .set_update_expression(update)
        .condition_expression(condition)
        .set_expression_attribute_names(names)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
}

/// Whether a condition of the update did not hold.
pub(crate) fn is_failed_condition(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

/// Whether a condition failed because there is no record.
fn is_absent(error: &SdkError<UpdateItemError>) -> bool {
    is_failed_condition(error) && found(error).is_none()
}

impl<'a, T: Envelope, P: UnwrapKey + ?Sized> ReturningNew<Update<'a, T, P>> {
    /// Changes the record where it stands; the record as it then is.
    ///
    /// # Errors
    ///
    /// As [`Update::send`]; and as [`from_item`](crate::from_item()) where the record does not
    /// open: then it has been changed, and [`Table::open_returned`] opens it later.
    pub async fn send(self) -> Result<T, Error> {
        let provider = &*self.0.table.provider;
        let new = self.0.deliver(Some(ReturnValue::AllNew)).await?;
        open_written(new.unwrap_or_default(), provider).await
    }
}

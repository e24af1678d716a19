//! Builds an update: changes of plaintext attributes in place, and their conditions.

pub(crate) mod send;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use envelope_core::UnwrapKey;

use crate::expression::{Addable, Amount, Changes, Condition, IntoOperand, operand_kind};
use crate::record::Envelope;
use crate::record::attribute::{Attribute, InPlace};
use crate::record::key::{IntoKey, IntoValue};
use crate::record::path::UpdateTarget;
use crate::table::Table;
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
    pub(super) table: &'a Table<T, P>,
    pub(super) key: T::Key,
    pub(super) builder: UpdateItemFluentBuilder,
    pub(super) changes: Changes,
    pub(super) condition: Option<Condition<T>>,
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
}

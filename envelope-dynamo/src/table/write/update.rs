//! Builds an update: changes of plaintext attributes in place, and their conditions.

pub(crate) mod send;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use envelope_core::UnwrapKey;

use crate::expression::{Addable, Amount, Changes, Condition, IntoOperand, operand_kind};
use crate::record::Envelope;
use crate::record::attribute::{Attribute, InPlace};
use crate::record::key::{IntoKey, IntoValue};
use crate::record::path::{Elements, UpdateTarget};
use crate::table::Table;
use crate::table::write::return_values::ReturningNew;

impl<T, P: ?Sized> Table<T, P> {
    /// Changes `#[plaintext]` attributes of a record in place. Leaves the sealed fields as they
    /// are, and needs no data key.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Error, LocalKeyProvider, Table};
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: LocalKeyProvider,
    /// # ) -> Result<(), Error> {
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key]
    /// #     user_id: String,
    /// #     #[encrypted]
    /// #     email: String,
    /// #     #[plaintext]
    /// #     logins: u64,
    /// #     #[plaintext]
    /// #     note: Option<String>,
    /// # }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// users
    ///     .update("u_1")
    ///     .add(|u| u.logins, 1)
    ///     .set(|u| u.note, "trial")
    ///     .condition(|u| u.logins.lt(100))
    ///     .send()
    ///     .await
    /// # }
    /// ```
    pub fn update(&self, key: impl IntoKey<T::Key>) -> Update<'_, T, P>
    where
        T: Envelope,
    {
        Update::new(self, key.into_key())
    }
}

/// An update being built; see [`Table::update`].
///
/// Only `#[plaintext]` attributes can be changed in place. For an attribute to which the payload is
/// bound, the program does not compile.
///
/// Each update counts a `#[plaintext]` `#[version]` and sets `#[updated]`. It cannot count an
/// `#[authenticated]` version: a later put of the record, as it was read before, undoes the update.
///
/// ```compile_fail,E0277
/// # use envelope_dynamo::{Envelope, LocalKeyProvider, Table};
/// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: LocalKeyProvider) {
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
/// let users = Table::<User>::new(dynamodb, provider);
/// // Only `#[plaintext]` attributes can be changed in place.
/// users.update("u_1").set(|u| u.email, "new@example.com");
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

    /// Sets an attribute, or a value inside one.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), envelope_dynamo::Error> {
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
    ///     // An attribute that the struct does not have.
    ///     .set(|_| User::attribute::<bool>("seen by legacy service"), true)
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

    /// Sets an attribute to the value of another one. DynamoDB refuses the update if the record
    /// does not have the other attribute.
    ///
    /// Both must be stored in the same form: the reader of one field must accept what the other
    /// field's `#[serde(with = ..)]` writes.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, Error, LocalKeyProvider, Table};
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: LocalKeyProvider,
    /// # ) -> Result<(), Error> {
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User {
    /// #     #[partition_key]
    /// #     user_id: String,
    /// #     #[encrypted]
    /// #     email: String,
    /// #     #[plaintext]
    /// #     plan: String,
    /// #     #[plaintext]
    /// #     last_plan: Option<String>,
    /// # }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let update = users.update("u_1").set_from(|u| u.last_plan, |u| u.plan);
    /// update.set(|u| u.plan, "free").send().await
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

    /// Sets an attribute that the record does not have. Keeps one that it has, even `null`.
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

    /// Adds to a number, or subtracts a negative amount. An absent attribute counts as zero.
    ///
    /// The result must be in the range of the field's type. The update carries a condition for
    /// that, and fails with [`UsageError::Attribute`] if it does not hold. A type of your own
    /// states its range in [`Addable::RANGE`](crate::expression::Addable::RANGE).
    ///
    /// If the answer to an attempt is lost, the SDK sends the request again, and **the amount may
    /// be added twice**. If that matters, state the number before the update: `.condition(|u|
    /// u.logins.eq(3))` accepts at most one attempt. Or use [`modify`](Self::modify), which
    /// applies each change once.
    ///
    /// [`UsageError::Attribute`]: crate::error::UsageError::Attribute
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

    /// Removes an attribute. The field must be an `Option` or have `#[serde(default)]`, because a
    /// record without the attribute could not be read otherwise.
    ///
    /// Also removes a value inside an attribute: an element of a list, a key of a map, or a field
    /// of a struct that is an `Option`.
    pub fn remove<A>(mut self, attribute: impl FnOnce(&T::Attributes) -> A) -> Self
    where
        A: UpdateTarget<Record = T, Mark: InPlace>,
    {
        self.changes.remove(attribute(&T::attributes()));
        self
    }

    /// Appends to a list. An absent list counts as empty. As with [`add`](Self::add), a lost answer
    /// may append twice.
    pub fn append<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        values: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Value: Elements, Mark: InPlace>,
    {
        self.changes.append(attribute(&T::attributes()), values);
        self
    }

    /// Puts values before those of a list. An absent list counts as empty. As with
    /// [`add`](Self::add), a lost answer may do it twice.
    pub fn prepend<A>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> A,
        values: impl IntoValue<A::Value>,
    ) -> Self
    where
        A: UpdateTarget<Record = T, Value: Elements, Mark: InPlace>,
    {
        self.changes.prepend(attribute(&T::attributes()), values);
        self
    }

    /// Adds the elements of `set` to a set: a field with
    /// `#[serde(with = "envelope_dynamo::convert::string_set")]` or one of its siblings.
    pub fn add_elements<V, M: InPlace>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) -> Self {
        self.changes.add_elements(attribute(&T::attributes()), set);
        self
    }

    /// Deletes the elements of `set` from a set. DynamoDB removes a set that becomes empty.
    pub fn delete_elements<V, M: InPlace>(
        mut self,
        attribute: impl FnOnce(&T::Attributes) -> Attribute<T, V, M>,
        set: impl IntoValue<V>,
    ) -> Self {
        self.changes.delete_elements(attribute(&T::attributes()), set);
        self
    }

    /// Changes the record only if it fulfils a condition; otherwise
    /// [`WriteError::ConditionFailed`]. If this is called several times, all conditions must
    /// hold.
    ///
    /// [`WriteError::ConditionFailed`]: crate::error::WriteError::ConditionFailed
    pub fn condition(mut self, condition: impl FnOnce(&T::Attributes) -> Condition<T>) -> Self {
        let condition = condition(&T::attributes());
        self.condition = Condition::joined(self.condition.take(), Some(condition));
        self
    }

    /// Sets other parameters of the request on the SDK's own builder, such as the consumed
    /// capacity. Table and key are set afterwards.
    ///
    /// Expressions are refused ([`UsageError::Customized`]): use [`set`](Self::set) and the methods
    /// like it, and [`condition`](Self::condition).
    ///
    /// [`UsageError::Customized`]: crate::error::UsageError::Customized
    pub fn customize(
        mut self,
        with: impl FnOnce(UpdateItemFluentBuilder) -> UpdateItemFluentBuilder,
    ) -> Self {
        self.builder = with(self.builder);
        self
    }

    /// Makes the update return the changed record, opened. Call this last, before `send`.
    pub fn returning_new(self) -> ReturningNew<Self>
    where
        P: UnwrapKey,
    {
        ReturningNew(self)
    }
}

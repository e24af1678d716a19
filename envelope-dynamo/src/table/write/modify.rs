//! Changes a record with a closure, encrypted fields too.

pub(crate) mod run;

use std::convert::Infallible;

use envelope_core::{UnwrapKey, WrapKey};

use crate::error::Error;
use crate::record::Envelope;
use crate::table::write::Update;
use crate::table::write::change_loop::MAX_TRIES;
use crate::table::write::modify::run::{Failure, run};

/// A change of any field of a record, being built; see [`Update::modify`].
///
/// Each write counts `#[version]` and sets `#[updated]`. Changes that the closure makes to these
/// fields are undone.
#[must_use = "a change does nothing until it is sent"]
pub struct Modify<'a, T: Envelope, P: ?Sized, F> {
    update: Update<'a, T, P>,
    change: F,
    max_tries: u32,
}

/// A change that may fail; see [`Update::try_modify`].
#[must_use = "a change does nothing until it is sent"]
pub struct TryModify<'a, T: Envelope, P: ?Sized, F>(Modify<'a, T, P, F>);

impl<'a, T: Envelope, P: WrapKey + UnwrapKey + ?Sized> Update<'a, T, P> {
    /// Changes any field of the record, encrypted and authenticated fields too.
    ///
    /// The record is read, opened, given to `change`, sealed again, and written on condition that
    /// the record has not been written since it was read. If another writer was faster, this
    /// starts again with the new record, so **`change` may be called several times**. Each call
    /// gets a fresh record, and only the result of the last call is written, once.
    ///
    /// If `change` changes nothing, the other changes of the update are sent once, without the
    /// SDK's retries. A lost answer leaves them in doubt, but they are never written twice.
    ///
    /// Only the fields that `change` has changed are written. The other fields keep their stored
    /// bytes, sealed ones too: an older struct does not lose the values that a newer struct
    /// stores, and changes that others make to these fields at the same time are kept. The
    /// other changes of this update (`set`, `add`, ..) are written in the same request.
    ///
    /// A changed field is written as a whole, as this struct knows it. If a newer version of its
    /// type has more (an entry of a nested struct, a variant that this struct reads as
    /// `#[serde(other)]`), the addition is lost. A field whose mark differs from the mark in
    /// the stored record is written again under its own mark.
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
    /// #     #[plaintext] changes: u64,
    /// # }
    /// let users = Table::<User>::new(dynamodb, provider);
    /// let user = users
    ///     .update("u_1")
    ///     .modify(|user| {
    ///         user.email = user.email.to_lowercase();
    ///         user.changes += 1;
    ///     })
    ///     .send()
    ///     .await?;
    /// assert!(user.is_some(), "there is such a user");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn modify<F: FnMut(&mut T)>(self, change: F) -> Modify<'a, T, P, F> {
        Modify { update: self, change, max_tries: MAX_TRIES }
    }

    /// The same with a closure that may fail. Then nothing is written, and `send` returns the
    /// closure's error.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     provider: envelope_dynamo::LocalKeyProvider,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "accounts")]
    /// # struct Account { #[partition_key] id: String, #[encrypted] balance: u64 }
    /// let accounts = Table::<Account>::new(dynamodb, provider);
    /// let withdraw = accounts.update("a_1").try_modify(|account| {
    ///     account.balance = account.balance.checked_sub(100).ok_or("not enough")?;
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// });
    /// withdraw.send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn try_modify<E: From<Error>, F>(self, change: F) -> TryModify<'a, T, P, F>
    where
        F: FnMut(&mut T) -> Result<(), E>,
    {
        TryModify(Modify { update: self, change, max_tries: MAX_TRIES })
    }
}

impl<'a, T: Envelope, P: WrapKey + UnwrapKey + ?Sized, F> Modify<'a, T, P, F> {
    /// The number of tries while other writers are faster: 16 by default, at least 1.
    ///
    /// The pauses between tries double until they reach 20 seconds. The writers of one record take
    /// turns, so that a record accepts only a limited number of changes per second. If hundreds
    /// of writers change one record at the same time, they may need more tries.
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.max_tries = tries.max(1);
        self
    }

    /// Changes the record. Returns the record as it was written, or `None` if there is no such
    /// record. If the closure changes nothing and the update has no other changes, nothing is
    /// written.
    ///
    /// # Errors
    ///
    /// [`UsageError::ExpressionTooLong`] if the record has more authenticated attributes than a
    /// condition can name; [`UsageError::GroupWithheld`] and [`UsageError::UnknownGroups`] if
    /// the change would replace a group that cannot be opened here, or the encryption context
    /// to which the group is bound; [`WriteError::Conflict`] if other writers were faster each
    /// time; [`WriteError::ConditionFailed`] if a condition of the update did not hold;
    /// [`UsageError::KeyChanged`] and [`UsageError::TooLarge`] before anything is sent; as
    /// [`from_item`](crate::from_item()) and [`to_item`](crate::to_item()); and every error of
    /// DynamoDB.
    ///
    /// [`Error::write_outcome`] is `Unknown` if the answer to an attempt was lost, and the stored
    /// payload is neither the one that was read nor the one that was written. Otherwise the
    /// stored payload shows whether the attempt was carried out.
    ///
    /// [`UsageError::ExpressionTooLong`]: crate::error::UsageError::ExpressionTooLong
    /// [`UsageError::GroupWithheld`]: crate::error::UsageError::GroupWithheld
    /// [`UsageError::UnknownGroups`]: crate::error::UsageError::UnknownGroups
    /// [`WriteError::Conflict`]: crate::error::WriteError::Conflict
    /// [`WriteError::ConditionFailed`]: crate::error::WriteError::ConditionFailed
    /// [`UsageError::KeyChanged`]: crate::error::UsageError::KeyChanged
    /// [`UsageError::TooLarge`]: crate::error::UsageError::TooLarge
    pub async fn send(self) -> Result<Option<T>, Error>
    where
        F: FnMut(&mut T),
    {
        let Self { update, mut change, max_tries } = self;
        let apply = |record: &mut T| {
            change(record);
            Ok::<_, Infallible>(())
        };
        match run(update, apply, max_tries).await {
            Ok(record) => Ok(record),
            Err(Failure::Table(error)) => Err(error),
            Err(Failure::Change(never)) => match never {},
        }
    }
}

impl<'a, T: Envelope, P: WrapKey + UnwrapKey + ?Sized, F> TryModify<'a, T, P, F> {
    /// As [`Modify::max_tries`].
    pub fn max_tries(self, tries: u32) -> Self {
        Self(self.0.max_tries(tries))
    }

    /// As [`Modify::send`].
    ///
    /// # Errors
    ///
    /// The closure's own, and those of [`Modify::send`], converted into its type.
    pub async fn send<E: From<Error>>(self) -> Result<Option<T>, E>
    where
        F: FnMut(&mut T) -> Result<(), E>,
    {
        let Modify { update, change, max_tries } = self.0;
        run(update, change, max_tries).await.map_err(|failure| match failure {
            Failure::Table(error) => error.into(),
            Failure::Change(error) => error,
        })
    }
}

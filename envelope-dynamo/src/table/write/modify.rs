//! Changes a record with a closure, encrypted fields too.

pub(crate) mod run;

use std::convert::Infallible;

use envelope_core::{UnwrapKey, WrapKey};

use crate::error::Error;
use crate::record::Envelope;
use crate::table::write::Update;
use crate::table::write::change_loop::MAX_TRIES;
use crate::table::write::modify::run::{Failure, run};

/// A change of whatever the record holds, being built; see [`Update::modify`].
///
/// `#[version]` and `#[updated]` are counted and stamped whenever something is written; what the
/// change does to them is taken back.
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
    /// Changes whatever the record holds, encrypted and authenticated fields too.
    ///
    /// The record is read, opened, given to `change`, sealed again, and written on condition that
    /// what was read still stands there. If another writer was faster, all of that is done
    /// again with what stands there now, so **`change` may be called several times**; each time
    /// with a fresh record, and only its last work is written, once.
    ///
    /// Where `change` changes nothing, what the update says beside is sent once, without the SDK's
    /// retries: a lost answer leaves it in doubt, and never written twice.
    ///
    /// Only the fields that `change` has changed are written. The others keep their stored bytes,
    /// sealed ones too, so that an older struct does not lose what a newer one stores; and what
    /// others do meanwhile to the rest stays. What this update says beside (`set`, `add`, ..)
    /// is written in the same request.
    ///
    /// A field that changes is written whole, as the struct knows it. If a newer version of its
    /// type has more (an entry of a nested struct, a variant that this one reads as
    /// `#[serde(other)]`), that is lost. A field whose mark differs from the stored record's is
    /// written again, under its own mark.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), envelope_dynamo::Error> {
    /// # use envelope_dynamo::{Envelope, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String, #[plaintext] changes: u64 }
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

    /// The same with a change that may fail: then nothing is written, and `send` yields its error.
    ///
    /// ```no_run
    /// # async fn example(dynamodb: aws_sdk_dynamodb::Client, provider: envelope_dynamo::LocalKeyProvider) -> Result<(), Box<dyn std::error::Error>> {
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
    /// How often the change is tried when others are faster: 16 times unless stated, once at least.
    ///
    /// The pauses between tries double until they reach 20 seconds. A record lets through at most
    /// as many changes in a second as there is time for, one after another: where hundreds
    /// write one record at once, more tries may be due.
    pub fn max_tries(mut self, tries: u32) -> Self {
        self.max_tries = tries.max(1);
        self
    }

    /// Changes the record; the record as it was written, `None` if there is none. A change that
    /// changes nothing writes nothing, unless the update says something beside it.
    ///
    /// # Errors
    ///
    /// [`UsageError::ExpressionTooLong`](crate::error::UsageError::ExpressionTooLong) when the record has more authenticated attributes than a
    /// condition can name; [`UsageError::GroupWithheld`](crate::error::UsageError::GroupWithheld) and [`UsageError::UnknownGroups`](crate::error::UsageError::UnknownGroups) when
    /// the change would replace a group that cannot be opened here, or the encryption context
    /// that it is bound to; [`WriteError::Conflict`](crate::error::WriteError::Conflict) when others were faster each time;
    /// [`WriteError::ConditionFailed`](crate::error::WriteError::ConditionFailed) when a condition of the update did not hold;
    /// [`UsageError::KeyChanged`](crate::error::UsageError::KeyChanged) and [`UsageError::TooLarge`](crate::error::UsageError::TooLarge) before anything is sent; as
    /// [`from_item`](crate::from_item()) and [`to_item`](crate::to_item()); and whatever DynamoDB
    /// answers.
    ///
    /// [`Error::write_outcome`] is `Unknown` if the answer to a try was lost, and the stored
    /// payload is neither the one that was read nor the one that was written. Otherwise the
    /// stored payload shows what became of the try.
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
    /// The change's own, and those of [`Modify::send`] made into its type.
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

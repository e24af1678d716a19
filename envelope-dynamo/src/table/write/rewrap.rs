//! Moves the data keys of a record to another key.

pub(crate) mod new_keys;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use envelope_core::{Recipient, UnwrapKey};

use crate::call::write_attempt::{found, is_failed_condition, is_transaction_conflict};
use crate::error::Error;
use crate::error::usage::UsageError;
use crate::keys::kms::{KmsKeyProvider, KmsKeyWrapper};
use crate::record::Envelope;
use crate::record::key::IntoKey;
use crate::table::Table;
use crate::table::request::{Expressions, WriteRequest as _};
use crate::table::write::change_loop::{ChangeLoop, MAX_TRIES, Written};
use crate::table::write::rewrap::new_keys::{NewKeys, Rewrapped, Way};

impl<T, P: ?Sized> Table<T, P> {
    /// Moves the data key of a record, and the data keys of its groups, to another key. The sealed
    /// fields stay as they are.
    ///
    /// The record is read, its data keys are wrapped again, and written on condition that each
    /// payload and each wrapped key is still the one that was read. If another writer was
    /// faster, this starts again.
    ///
    /// ```no_run
    /// # async fn example(
    /// #     dynamodb: aws_sdk_dynamodb::Client,
    /// #     kms: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// # use envelope_dynamo::{Envelope, KmsKeyProvider, KmsKeyWrapper, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// let old = KmsKeyProvider::new(kms.clone(), "alias/2025");
    /// let new = KmsKeyWrapper::new(kms.clone(), "alias/2026");
    /// let both = KmsKeyProvider::new(kms, "alias/2026").also_decrypts("alias/2025");
    /// let users = Table::<User>::new(dynamodb, both);
    /// let moved = users.rewrap("u_1").re_encrypt(&old, &new).send().await?;
    /// assert!(moved.is_some(), "there is such a user");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    ///
    /// Copies of the old wrapped keys (backups, streams) still open with the old key. In a global
    /// table the condition is checked in one replica only: run this in the region that writes.
    pub fn rewrap(&self, key: impl IntoKey<T::Key>) -> Rewrap<'_, T, P>
    where
        T: Envelope,
    {
        Rewrap::new(self, key.into_key())
    }
}

/// A record whose data keys are to be moved; see [`Table::rewrap`].
#[must_use = "nothing is moved until `re_encrypt` or `unwrap_and_wrap` is sent"]
pub struct Rewrap<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    key: T::Key,
}

/// A record whose data keys are to be moved, and the way to move them; see
/// [`Rewrap::unwrap_and_wrap`].
#[must_use = "nothing is moved until it is sent"]
pub struct RewrapTo<'a, T: Envelope, P: ?Sized> {
    rewrap: Rewrap<'a, T, P>,
    way: Way<'a>,
}

impl<'a, T: Envelope, P: ?Sized> Rewrap<'a, T, P> {
    pub(crate) const fn new(table: &'a Table<T, P>, key: T::Key) -> Self {
        Self { table, key }
    }

    /// Moves the keys inside KMS, as [`KmsKeyProvider::rewrap`] does. This process sees no data key
    /// and needs no permission to decrypt. If a data key is wrapped for several recipients, the
    /// other recipients keep theirs.
    pub const fn re_encrypt(
        self,
        from: &'a KmsKeyProvider,
        to: &'a KmsKeyWrapper,
    ) -> RewrapTo<'a, T, P> {
        RewrapTo { rewrap: self, way: Way::ReEncrypt { from, to } }
    }

    /// Unwraps the keys with `from`, and wraps them for each recipient in `to` and for nobody else,
    /// as [`rewrap()`](crate::keys::rewrap()) does. The data keys pass through this process.
    ///
    /// ```no_run
    /// # use envelope_dynamo::{Envelope, KmsKeyProvider, KmsKeyWrapper, Table};
    /// # #[derive(Envelope)]
    /// # #[envelope(table = "users")]
    /// # struct User { #[partition_key] user_id: String, #[encrypted] email: String }
    /// # async fn example(
    /// #     users: Table<User>,
    /// #     frankfurt: aws_sdk_kms::Client,
    /// #     dublin: aws_sdk_kms::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// // From one key in Frankfurt to a key in Frankfurt and another one in Dublin.
    /// let old = KmsKeyProvider::new(frankfurt.clone(), "alias/users-2025");
    /// let here = KmsKeyWrapper::new(frankfurt, "alias/users");
    /// let there = KmsKeyWrapper::new(dublin, "alias/users");
    /// let rewrapped = users.rewrap("u_1").unwrap_and_wrap(&old, &[&here, &there]).send().await?;
    /// # drop(rewrapped);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn unwrap_and_wrap(
        self,
        from: &'a dyn UnwrapKey,
        to: &'a [&'a dyn Recipient],
    ) -> RewrapTo<'a, T, P> {
        RewrapTo { rewrap: self, way: Way::Here { from, to } }
    }
}

impl<T: Envelope, P: ?Sized> RewrapTo<'_, T, P> {
    /// Moves the wrapped keys, all in one write. Returns `None` if there is no such record.
    ///
    /// # Errors
    ///
    /// If the record is not sealed, or a key provider refuses;
    /// [`WrongKey`](crate::error::KeyErrorKind::WrongKey) if the key to move from has wrapped none
    /// of the record's keys; [`WriteError::Conflict`] if other writers were faster 16 times;
    /// and every error of DynamoDB. Then all wrapped keys are as they were, unless the error
    /// says that the write is in doubt. Moving the keys a second time does no harm.
    ///
    /// [`WriteError::Conflict`]: crate::error::WriteError::Conflict
    pub async fn send(self) -> Result<Option<Rewrapped>, Error> {
        let Self { rewrap: Rewrap { table, key }, way } = self;
        let mut record = ChangeLoop::new(table, key, MAX_TRIES)?;
        if T::UNPROTECTED {
            return Err(Error::new(record.id.clone(), NO_DATA_KEY));
        }
        let mut unanswered: Option<NewKeys> = None;
        loop {
            let in_doubt = unanswered.is_some();
            let Some(item) = record.begin().await.map_err(|error| told(error, in_doubt))? else {
                return Ok(None);
            };
            // Checked first: a key that was moved is no longer wrapped by the key to move from.
            if let Some(keys) = unanswered.take_if(|keys| keys.are_in(&item)) {
                return Ok(Some(keys.outcome()));
            }
            let fail = |kind| told(Error::new(record.id.clone(), kind), in_doubt);
            let keys = NewKeys::wrap::<T>(&item, &way).await.map_err(fail)?;
            let outcome =
                match record.write_keys(&keys).await.map_err(|error| told(error, in_doubt))? {
                    Written::Done(()) => return Ok(Some(keys.outcome())),
                    Written::Overtaken(outcome) => outcome,
                };
            if outcome.is_unknown() {
                unanswered = Some(keys);
            }
            let in_doubt = unanswered.is_some();
            record.overtaken(&outcome).await.map_err(|error| told(error, in_doubt))?;
        }
    }
}

const NO_DATA_KEY: UsageError = UsageError::Struct(
    "the struct is unprotected, so its records have no data key to move; nothing was sent",
);

/// The error of a call with an earlier attempt that may have been carried out. Moving keys twice
/// does no harm.
fn told(error: Error, in_doubt: bool) -> Error {
    error.or_in_doubt(in_doubt).repeatable_if(true)
}

impl<T: Envelope, P: ?Sized> ChangeLoop<'_, T, P> {
    /// Writes the wrapped keys on condition that the record is still as it was read.
    async fn write_keys(&self, keys: &NewKeys) -> Result<Written<()>, Error> {
        let attempt = self.attempt().repeatable_if(true);
        let request = self.keys_request(keys).customize().interceptor(attempt.outcome.clone());
        match request.send().await {
            Ok(_) => Ok(Written::Done(())),
            Err(error) if is_failed_condition(&error) || is_transaction_conflict(&error) => {
                // If an attempt without an answer was carried out, the item has the new keys.
                let is_written = attempt.outcome.is_unknown()
                    && found(&error).is_some_and(|item| keys.are_in(item));
                Ok(if is_written { Written::Done(()) } else { Written::Overtaken(attempt.outcome) })
            }
            Err(error) => Err(attempt.error(error)),
        }
    }

    fn keys_request(&self, keys: &NewKeys) -> UpdateItemFluentBuilder {
        let mut expressions = Expressions::of(self.table.kinds);
        let as_read = keys.render(&mut expressions.clauses, &mut expressions.placeholders);
        expressions.demand_text(as_read);
        let request = self.table.client.update_item().with(expressions.render());
        request.table_name(&*self.table.name).set_key(Some(self.key.clone()))
    }
}

//! Reads a record, changes it with a closure, and writes what the closure changed.

use std::convert::Infallible;
use std::time::Instant;

use aws_sdk_dynamodb::Config;
use aws_sdk_dynamodb::config::SharedAsyncSleep;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use envelope_core::{UnwrapKey, WrapKey};

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::expression::placeholders::{Placeholders, check_length, join_conditions};
use crate::expression::{Changes, Clauses, Condition, Limit};
use crate::item::managed_fields;
use crate::item::modify_record::{Resealed, Stored};
use crate::record::Envelope;
use crate::record::item_key::with_requested_key;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::write::Update;
use crate::table::write::condition_failure::{WriteAttempt, found, name_limit, open_written};
use crate::table::write::update::{is_failed_condition, limits};

/// How often a change is tried when others are faster, unless [`Modify::max_tries`] says otherwise.
const TRIES: u32 = 16;

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
        Modify { update: self, change, max_tries: TRIES }
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
        TryModify(Modify { update: self, change, max_tries: TRIES })
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

enum Failure<E> {
    Table(Error),
    Change(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Table(error)
    }
}

/// Reads, changes and writes until nobody else was faster.
async fn run<T: Envelope, P: WrapKey + UnwrapKey + ?Sized, E>(
    update: Update<'_, T, P>,
    mut change: impl FnMut(&mut T) -> Result<(), E>,
    max_tries: u32,
) -> Result<Option<T>, Failure<E>> {
    let Update { table, key, builder, changes, condition } = update;
    let (key, id) = table.key_item(key)?;
    let builder = builder.checked().map_err(|kind| Error::new(id.clone(), kind))?;
    let target = Target { table, key, id, builder, changes, condition };
    let mut retry = Retry::new(&table.client);
    let mut tries = 0;
    let mut started = Instant::now();
    while let Some(item) = target.read().await? {
        tries += 1;
        let mut stored = Stored::<T>::open(item, &*table.provider).await?;
        change(&mut stored.record).map_err(Failure::Change)?;
        let resealed = stored.reseal(table.clock.system_time(), &*table.provider).await?;
        if resealed.is_none() && target.says_nothing() {
            return Ok(Some(stored.into_record(None)?));
        }
        match target.write(stored, resealed).await? {
            Written::Done(record) => return Ok(Some(record)),
            Written::Overtaken(_) if tries >= max_tries => {
                return Err(Error::new(
                    target.id,
                    ErrorKind::Write(WriteError::Conflict { tries }),
                )
                .into());
            }
            // What was found will be out of date after the pause, so it is read again.
            Written::Overtaken(sleep) => {
                retry.adopt(sleep);
                retry.pause_after(started.elapsed()).await;
            }
        }
        started = Instant::now();
    }
    Ok(None)
}

/// What came of a write.
enum Written<T> {
    Done(T),
    /// Another writer was faster; what the SDK sleeps by.
    Overtaken(Option<SharedAsyncSleep>),
}

/// The record to be changed, and what the update says beside the change.
struct Target<'a, T: Envelope, P: ?Sized> {
    table: &'a Table<T, P>,
    /// The key attributes.
    key: Item,
    id: RecordId,
    builder: UpdateItemFluentBuilder,
    changes: Changes,
    condition: Option<Condition<T>>,
}

impl<T: Envelope, P: WrapKey + UnwrapKey + ?Sized> Target<'_, T, P> {
    /// The item as it was written last.
    async fn read(&self) -> Result<Option<Item>, Error> {
        let get = self
            .table
            .client
            .get_item()
            .table_name(&*self.table.name)
            .set_key(Some(self.key.clone()));
        let output = get.consistent_read(true).send().await;
        let output = output
            .map_err(|error| dynamodb_error("GetItem", &self.table.name, self.id.clone(), error))?;
        Ok(output.item.map(|item| with_requested_key(item, self.key.clone())))
    }

    /// Whether the update changes and demands nothing beside the closure.
    fn says_nothing(&self) -> bool {
        self.condition.is_none() && !self.changes_more()
    }

    /// Whether the update changes more than the closure does.
    fn changes_more(&self) -> bool {
        !self.changes.is_empty()
    }

    async fn write(
        &self,
        stored: Stored<T>,
        resealed: Option<Resealed>,
    ) -> Result<Written<T>, Error> {
        let fail = |kind| Error::new(self.id.clone(), kind);
        let limits = self.limits(resealed.as_ref()).map_err(fail)?;
        let builder = self.request(&stored, resealed.as_ref(), &limits).map_err(fail)?;
        let outcome = AttemptOutcome::default();
        let (operation, table) = ("UpdateItem", &*self.table.name);
        let (id, key) = (self.id.clone(), self.key.clone());
        let attempt = WriteAttempt {
            operation,
            table,
            id,
            key,
            is_repeatable: false,
            outcome: outcome.clone(),
        };
        let mut request = builder.customize().interceptor(outcome.clone());
        if resealed.is_none() && self.changes_more() {
            // Without a payload of its own the SDK's second try could not be told from the first:
            // `add` would add twice.
            request =
                request.config_override(Config::builder().retry_config(RetryConfig::disabled()));
        }
        let error = match request.send().await {
            Ok(output) => return self.done(stored, resealed, output.attributes).await,
            Err(error) => error,
        };
        let is_refused = is_failed_condition(&error);
        // A transaction was writing the record: it is read again, as after any other writer.
        let has_collided = error.code() == Some("TransactionConflictException");
        let found = match found(&error) {
            Some(found) => Some(with_requested_key(found.clone(), self.key.clone())),
            // Whether a try was carried out whose answer was lost shows in what stands there.
            None if outcome.is_unknown() || is_refused => {
                self.read().await.map_err(|read| read.or_in_doubt(outcome.is_unknown()))?
            }
            None => None,
        };
        let written = |item: &Item| resealed.as_ref().is_some_and(|resealed| resealed.is_in(item));
        match found {
            Some(item) if written(&item) => self.done(stored, resealed, Some(item)).await,
            Some(item) if is_refused && stored.is_as_read(&item, resealed.as_ref()) => {
                Err(name_limit(attempt.error(error), &limits))
            }
            _ if (is_refused || has_collided) && !outcome.is_unknown() => {
                Ok(Written::Overtaken(outcome.sleep()))
            }
            _ if is_refused || has_collided => {
                Err(Error::new(attempt.id, ErrorKind::Write(WriteError::Conflict { tries: 1 }))
                    .or_in_doubt(true))
            }
            _ => Err(attempt.error(error)),
        }
    }

    /// The record as it was written; opened again where the closure did not see all of it.
    async fn done(
        &self,
        stored: Stored<T>,
        resealed: Option<Resealed>,
        new: Option<Item>,
    ) -> Result<Written<T>, Error> {
        if let (true, Some(new)) = (self.changes_more(), new) {
            let opened =
                open_written(with_requested_key(new, self.key.clone()), &*self.table.provider)
                    .await;
            return opened.map(Written::Done);
        }
        stored
            .into_record(resealed.as_ref())
            .map(Written::Done)
            .map_err(|error| error.after_write(None))
    }

    /// The limits of the numbers that the update adds to; a version that is sealed with the rest
    /// was counted there.
    fn limits(&self, resealed: Option<&Resealed>) -> Result<Vec<Limit>, ErrorKind> {
        match resealed {
            Some(_) => self.changes.limits(),
            None => limits::<T>(&self.changes),
        }
    }

    fn request(
        &self,
        stored: &Stored<T>,
        resealed: Option<&Resealed>,
        limits: &[Limit],
    ) -> Result<UpdateItemFluentBuilder, ErrorKind> {
        let builder = self.builder.clone();
        let (mut clauses, mut placeholders) =
            (Clauses::default(), Placeholders::of(self.table.kinds));
        let still_stands = match resealed {
            Some(resealed) => resealed.render(&mut clauses, &mut placeholders),
            None => {
                if self.changes_more() {
                    managed_fields::update(
                        T::SCHEMA,
                        &mut clauses,
                        &mut placeholders,
                        self.table.clock.system_time(),
                    );
                }
                stored.still_stands(&mut placeholders)
            }
        };
        self.changes.clone().render::<T>(&mut clauses, &mut placeholders)?;
        let own = self.condition.clone().into_iter().chain(limits.iter().map(Limit::condition));
        let own = own
            .reduce(Condition::and)
            .map(|condition| condition.render(&mut placeholders))
            .transpose()?;
        let (update, condition) = (clauses.expression(), join_conditions(own, Some(still_stands)));
        [&update, &condition]
            .into_iter()
            .try_for_each(|expression| check_length(expression.as_ref()))?;
        let (names, values) = placeholders.into_maps();
        Ok(builder
            .table_name(&*self.table.name)
            .set_key(Some(self.key.clone()))
            .set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .set_return_values(self.changes_more().then_some(ReturnValue::AllNew))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }
}

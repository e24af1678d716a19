//! The tries of a `modify`: each reads and opens the record, calls the closure, and writes what the
//! closure changed.

mod claimed;

use aws_sdk_dynamodb::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use envelope_core::{UnwrapKey, WrapKey};

use crate::call::write_attempt::{
    WriteAttempt, found, is_failed_condition, is_transaction_conflict,
};
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::error::write::WriteError;
use crate::expression::limit::name_limit;
use crate::expression::{Changes, Condition, Limit};
use crate::item::modify_record::{Modification, SealWhen, Stored};
use crate::item::plaintext::PlaintextEvent;
use crate::keys::search_keys::live::LiveSearchKeys;
use crate::record::Envelope;
use crate::record::kind::Kind;
use crate::table::Table;
use crate::table::customized::Customized as _;
use crate::table::request::{Expressions, WriteRequest as _};
use crate::table::write::Update;
use crate::table::write::change_loop::{ChangeLoop, Written};
use crate::table::write::update::send::limits;

/// Reads, changes and writes the record until no other writer is faster.
pub(crate) async fn run<T: Envelope, P: WrapKey + UnwrapKey + ?Sized, E>(
    update: Update<'_, T, P>,
    mut change: impl FnMut(&mut T) -> Result<(), E>,
    max_tries: u32,
) -> Result<Option<T>, Failure<E>> {
    let Update { table, key, builder, changes, condition } = update;
    let mut record = ChangeLoop::new(table, key, max_tries)?;
    let beside = Beside { builder: builder.checked_for(&record.id)?, changes, condition };
    while let Some(item) = record.begin().await? {
        let mut stored = Stored::<T>::open(item, &*table.provider, &table.plaintext).await?;
        change(&mut stored.record).map_err(Failure::Change)?;
        let modification = beside.modification(&stored, table).await?;
        if modification.is_none() && beside.is_noop() {
            return Ok(Some(stored.into_record(None)?));
        }
        match beside.write(&record, stored, modification).await? {
            Written::Done(record) => return Ok(Some(record)),
            Written::Overtaken(outcome) => record.overtaken(&outcome).await?,
        }
    }
    Ok(None)
}

/// Why a change was not written.
pub(crate) enum Failure<E> {
    Table(Error),
    /// The closure's own error.
    Change(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Table(error)
    }
}

/// What the update changes and demands beside the closure.
struct Beside<T> {
    builder: UpdateItemFluentBuilder,
    changes: Changes,
    condition: Option<Condition<T>>,
}

impl<T: Envelope> Beside<T> {
    /// Whether the update changes and demands nothing.
    fn is_noop(&self) -> bool {
        self.condition.is_none() && !self.has_changes()
    }

    /// The change that the closure made: sealed, unless the struct is unprotected, or the item is
    /// not sealed and the table writes such items.
    async fn modification<P: WrapKey + ?Sized>(
        &self,
        stored: &Stored<T>,
        table: &Table<T, P>,
    ) -> Result<Option<Modification>, Error> {
        let now = table.clock.system_time();
        if T::UNPROTECTED || stored.is_plain() && table.plaintext.state.writes() {
            return stored.modified_in_plaintext(now);
        }
        // Whatever changes a plain item seals it.
        let when = match stored.is_plain() && self.has_changes() {
            true => SealWhen::ChangedElsewhere,
            false => SealWhen::Changed,
        };
        // That there are none is an error only if a tag must be computed.
        let (keys, no_keys) = match table.live_search_keys(&Kind::of::<T>()).await {
            Ok(keys) => (keys, None),
            Err(no_keys) => (None, Some(no_keys)),
        };
        let key = no_keys.map_or_else(|| Ok(keys.as_deref().map(LiveSearchKeys::tag_key)), Err);
        stored.seal_modified(now, when, key, &*table.provider).await
    }

    fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Writes the record on condition that it is still as it was read, and tells what happened.
    async fn write<P: UnwrapKey + ?Sized>(
        &self,
        record: &ChangeLoop<'_, T, P>,
        stored: Stored<T>,
        modification: Option<Modification>,
    ) -> Result<Written<T>, Error> {
        let fail = |kind| Error::new(record.id.clone(), kind);
        let limits = self.limits(modification.as_ref()).map_err(fail)?;
        let request =
            self.request(record, &stored, modification.as_ref(), &limits).map_err(fail)?;
        if let Some(new) = modification.as_ref().filter(|new| new.has_unique_values()) {
            // Boxed, so that other changes do not carry its state.
            let written = self.write_claimed(record, &stored, new, &request, &limits);
            let written = Box::pin(written).await?;
            let attempt = record.attempt();
            return match written {
                Written::Done(new) => self.done(record, attempt, stored, modification, new).await,
                Written::Overtaken(outcome) => Ok(Written::Overtaken(outcome)),
            };
        }
        let attempt = record.attempt();
        let outcome = attempt.outcome.clone();
        let mut request = request.customize().interceptor(outcome.clone());
        let is_recognizable = modification.as_ref().is_some_and(Modification::is_recognizable);
        if !is_recognizable && (modification.is_some() || self.has_changes()) {
            // Without a new payload, the SDK's second attempt cannot be told from the first one:
            // `add` would add twice.
            request =
                request.config_override(Config::builder().retry_config(RetryConfig::disabled()));
        }
        let error = match request.send().await {
            Ok(output) => {
                if stored.is_plain() && !is_recognizable && !T::UNPROTECTED {
                    record.table.plaintext.note(PlaintextEvent::Written, &record.id);
                }
                return self.done(record, attempt, stored, modification, output.attributes).await;
            }
            Err(error) => error,
        };
        let is_refused = is_failed_condition(&error);
        let is_overtaken = is_refused || is_transaction_conflict(&error);
        let found = match found(&error) {
            Some(found) => Some(attempt.returned(found.clone())),
            // The stored item shows whether an attempt without an answer was carried out.
            None if outcome.is_unknown() || is_refused => {
                record.read().await.map_err(|read| read.or_in_doubt(outcome.is_unknown()))?
            }
            None => None,
        };
        let is_written = |item: &Item| modification.as_ref().is_some_and(|new| new.is_in(item));
        match found {
            Some(item) if is_written(&item) => {
                self.done(record, attempt, stored, modification, Some(item)).await
            }
            Some(item) if is_refused && stored.is_as_read(&item, modification.as_ref()) => {
                Err(name_limit(attempt.error(error), &limits))
            }
            _ if is_overtaken && !outcome.is_unknown() => Ok(Written::Overtaken(outcome)),
            _ if is_overtaken => Err(attempt.failed(WriteError::Conflict { tries: 1 })),
            _ => Err(attempt.error(error)),
        }
    }

    /// The record as it was written. If the update changed more than the closure did, opens the
    /// item that DynamoDB returned.
    async fn done<P: UnwrapKey + ?Sized>(
        &self,
        record: &ChangeLoop<'_, T, P>,
        attempt: WriteAttempt<'_>,
        stored: Stored<T>,
        modification: Option<Modification>,
        new: Option<Item>,
    ) -> Result<Written<T>, Error> {
        if modification.as_ref().is_some_and(|new| !new.unique.is_empty()) {
            Box::pin(self.release(record, &stored, modification.as_ref())).await;
        }
        let record = match new.filter(|_| self.has_changes()) {
            Some(new) => record.table.open_written(attempt.returned(new)).await,
            None => {
                stored.into_record(modification.as_ref()).map_err(|error| error.after_write(None))
            }
        };
        record.map(Written::Done)
    }

    /// The limits of the numbers that the update adds to. A version that is sealed with the record
    /// was checked when it was counted.
    fn limits(&self, modification: Option<&Modification>) -> Result<Vec<Limit>, ErrorKind> {
        match modification {
            Some(_) => self.changes.limits(),
            None => limits::<T>(&self.changes),
        }
    }

    fn request<P: ?Sized>(
        &self,
        record: &ChangeLoop<'_, T, P>,
        stored: &Stored<T>,
        modification: Option<&Modification>,
        limits: &[Limit],
    ) -> Result<UpdateItemFluentBuilder, ErrorKind> {
        let table = record.table;
        let mut expressions = Expressions::of(table.kinds);
        let as_read = match modification {
            Some(modification) => {
                modification.render(&mut expressions.clauses, &mut expressions.placeholders)
            }
            None => stored.as_read(&mut expressions.placeholders),
        };
        // A record that is sealed again has a new version and a new time already.
        match modification {
            Some(_) => expressions.change_unmanaged::<T>(self.changes.clone())?,
            None => expressions.change::<T>(self.changes.clone(), table.clock.system_time())?,
        }
        let own = self.condition.clone().into_iter().chain(limits.iter().map(Limit::condition));
        if let Some(own) = own.reduce(Condition::and) {
            expressions.demand(&own)?;
        }
        expressions.demand_text(as_read);
        let request = self.builder.clone().with(expressions.render().checked_length()?);
        Ok(request
            .table_name(&*table.name)
            .set_key(Some(record.key.clone()))
            .set_return_values(self.has_changes().then_some(ReturnValue::AllNew)))
    }
}

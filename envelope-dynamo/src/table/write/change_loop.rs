//! Reads a record, changes it, and writes it on condition that nobody else has written it since; if
//! somebody has, does so again.

use std::time::Instant;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::call::write_attempt::WriteAttempt;
use crate::dynamodb::Item;
use crate::error::record_id::RecordId;
use crate::error::write::WriteError;
use crate::error::{Error, dynamodb_error};
use crate::record::Envelope;
use crate::record::item_key::with_requested_key;
use crate::table::Table;

/// How often a change is tried while other writers are faster.
pub(crate) const MAX_TRIES: u32 = 16;

/// What came of one try to write.
pub(crate) enum Written<R> {
    Done(R),
    /// Another writer was faster.
    Overtaken(AttemptOutcome),
}

/// The record that is read, changed and written.
pub(crate) struct ChangeLoop<'a, T, P: ?Sized> {
    pub(crate) table: &'a Table<T, P>,
    /// The key attributes.
    pub(crate) key: Item,
    pub(crate) id: RecordId,
    max_tries: u32,
    retry: Retry,
    started: Instant,
}

impl<'a, T: Envelope, P: ?Sized> ChangeLoop<'a, T, P> {
    pub(crate) fn new(table: &'a Table<T, P>, key: T::Key, max_tries: u32) -> Result<Self, Error> {
        let (key, id) = table.key_item(key)?;
        let (retry, started) = (Retry::new(&table.client), Instant::now());
        Ok(Self { table, key, id, max_tries, retry, started })
    }

    /// Begins a try: reads the item.
    pub(crate) async fn begin(&mut self) -> Result<Option<Item>, Error> {
        self.started = Instant::now();
        self.read().await
    }

    /// The item as it was written last.
    pub(crate) async fn read(&self) -> Result<Option<Item>, Error> {
        let Table { client, name, .. } = self.table;
        let get = client.get_item().table_name(&**name).set_key(Some(self.key.clone()));
        let output = get.consistent_read(true).send().await;
        let output =
            output.map_err(|error| dynamodb_error("GetItem", name, self.id.clone(), error))?;
        Ok(output.item.map(|item| with_requested_key(item, self.key.clone())))
    }

    /// The write of this try.
    pub(crate) fn attempt(&self) -> WriteAttempt<'a> {
        WriteAttempt::new("UpdateItem", &self.table.name, self.id.clone(), self.key.clone())
    }

    /// Waits until the next try. Fails if this try was the last one.
    ///
    /// The item that stopped the write will be out of date after the pause, so each try reads
    /// again.
    pub(crate) async fn overtaken(&mut self, outcome: &AttemptOutcome) -> Result<(), Error> {
        let tries = self.retry.failed();
        if tries >= self.max_tries {
            return Err(Error::new(self.id.clone(), WriteError::Conflict { tries }));
        }
        self.retry.adopt(outcome.sleep());
        self.retry.pause_after(self.started.elapsed()).await;
        Ok(())
    }
}

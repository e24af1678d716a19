//! Sends the writes of a batch, twenty-five in a request: puts and deletes.

use std::collections::{HashMap, HashSet, VecDeque};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::types::WriteRequest;
use envelope_core::Fault;

use crate::call::attempt_outcome::AttemptOutcome;
use crate::call::retry::Retry;
use crate::dynamodb::Item;
use crate::error::Error;
use crate::error::dynamodb::DynamoDbError;
use crate::error::kind::ErrorKind;
use crate::error::record_id::RecordId;
use crate::error::service::ServiceError;
use crate::record::key_identity::KeyIdentity;
use crate::table::batch::error::{BatchError, BatchFailure};
use crate::table::batch::{Customize, TRIES};
use crate::table::bounded::all;
use crate::table::customized::{Customized as _, RefusedSetting};

/// Writes that one request may hold (Amazon DynamoDB API Reference, "BatchWriteItem").
const MAX_WRITES: usize = 25;

/// Bytes that one request may have on the wire: 16 MB (same source).
const MAX_REQUEST_BYTES: usize = 16_000_000;

/// A write that is ready to be sent. It is sealed once, however often it is sent.
pub(crate) struct Write {
    pub(crate) id: RecordId,
    pub(crate) identity: KeyIdentity,
    pub(crate) request: WriteRequest,
    /// The size on the wire.
    pub(crate) bytes: usize,
}

/// Sends the writes of one batch.
pub(crate) struct Sender<'a> {
    pub(crate) operation: &'static str,
    pub(crate) client: &'a Client,
    /// The physical table name.
    pub(crate) table: &'a str,
    pub(crate) logical: &'static str,
    pub(crate) concurrency: usize,
    pub(crate) customize: Option<Customize<'a, BatchWriteItemFluentBuilder>>,
    pub(crate) identity: fn(&Item) -> Result<KeyIdentity, ErrorKind>,
}

/// The writes of one request, with their positions among the inputs.
#[derive(Default)]
struct Request {
    writes: Vec<(usize, Write)>,
    outcome: AttemptOutcome,
}

impl Request {
    /// Whether the request can take `write` as well. DynamoDB refuses two writes of one record in
    /// one request.
    fn has_room_for(&self, write: &Write) -> bool {
        let bytes: usize = self.writes.iter().map(|(_, write)| write.bytes).sum();
        self.writes.len() < MAX_WRITES
            && bytes + write.bytes <= MAX_REQUEST_BYTES
            && self.writes.iter().all(|(_, other)| other.identity != write.identity)
    }
}

impl Sender<'_> {
    /// Prepares and sends the inputs, twenty-five at a time. Stops early if none of twenty-five was
    /// written, for a reason that is not in the records.
    pub(crate) async fn run<I: Iterator, F: Future<Output = Result<Write, Error>>>(
        self,
        mut inputs: I,
        prepare: impl Fn(I::Item) -> F,
    ) -> Result<usize, BatchError> {
        let (operation, table) = (self.operation, self.logical);
        let mut so_far = BatchError {
            operation,
            table,
            taken: 0,
            done: 0,
            failures: Vec::new(),
            stopped: false,
        };
        loop {
            let inputs: Vec<_> = inputs.by_ref().take(MAX_WRITES).collect();
            if inputs.is_empty() {
                break;
            }
            let (first, done, failed) = (so_far.taken, so_far.done, so_far.failures.len());
            so_far.taken += inputs.len();
            let mut request = Request::default();
            for (position, write) in
                (first..).zip(all(self.concurrency, inputs.into_iter().map(&prepare)).await)
            {
                match write {
                    Ok(write) => {
                        if !request.has_room_for(&write) {
                            self.send(std::mem::take(&mut request), &mut so_far).await;
                        }
                        request.writes.push((position, write));
                    }
                    Err(error) => so_far.failures.push(BatchFailure { position, error }),
                }
            }
            self.send(request, &mut so_far).await;
            let failures = so_far.failures.get_mut(failed..).unwrap_or_default();
            failures.sort_unstable_by_key(|failure| failure.position);
            if so_far.done == done
                && !failures.iter().all(|failure| is_of_the_record(&failure.error))
            {
                so_far.stopped = true;
                break;
            }
        }
        if so_far.failures.is_empty() { Ok(so_far.done) } else { Err(so_far) }
    }

    /// Sends a request until all of it is done. If DynamoDB finds the request invalid, sends each
    /// write in a request of its own.
    async fn send(&self, request: Request, so_far: &mut BatchError) {
        let mut requests = VecDeque::from([request]);
        while let Some(mut request) = requests.pop_front() {
            let Err(kind) = self.send_until_done(&mut request, so_far).await else { continue };
            let is_invalid = matches!(
                &kind(),
                ErrorKind::DynamoDb(ServiceError::Request(error))
                    if error.code() == Some("ValidationException")
            );
            if is_invalid && request.writes.len() > 1 {
                let outcome = request.outcome;
                let alone = |write| Request { writes: vec![write], outcome: outcome.clone() };
                requests.extend(request.writes.into_iter().map(alone));
                continue;
            }
            let in_doubt = request.outcome.is_unknown();
            so_far.failures.extend(request.writes.into_iter().map(|(position, write)| {
                BatchFailure {
                    position,
                    error: Error::new(write.id, kind()).or_in_doubt(in_doubt).repeatable_if(true),
                }
            }));
        }
    }

    /// Sends a request, and what DynamoDB leaves unprocessed again, as the same bytes. The writes
    /// that failed stay in `request`.
    async fn send_until_done(
        &self,
        request: &mut Request,
        so_far: &mut BatchError,
    ) -> Result<(), Box<dyn Fn() -> ErrorKind + Send>> {
        let mut retry = Retry::new(self.client);
        while !request.writes.is_empty() {
            let builder = self
                .build(request)
                .map_err(|refused| Box::new(move || refused.into()) as Box<_>)?;
            let sent = builder.customize().interceptor(request.outcome.clone()).send().await;
            let output = sent.map_err(|error| {
                let error = DynamoDbError::new("BatchWriteItem", self.table, error);
                Box::new(move || ErrorKind::DynamoDb(ServiceError::Request(error.clone())))
                    as Box<_>
            })?;
            let before = request.writes.len();
            if let Some(unprocessed) = self.unprocessed(output, request) {
                request.writes.retain(|(_, write)| unprocessed.contains(&write.identity));
            }
            so_far.done += before - request.writes.len();
            if request.writes.len() < before {
                retry.progressed();
            } else if retry.failed() == TRIES {
                return Err(Box::new(|| {
                    ErrorKind::DynamoDb(ServiceError::Unprocessed { tries: TRIES })
                }));
            }
            if !request.writes.is_empty() {
                retry.adopt(request.outcome.sleep());
                retry.pause().await;
            }
        }
        Ok(())
    }

    fn build(&self, request: &Request) -> Result<BatchWriteItemFluentBuilder, RefusedSetting> {
        let builder = self.client.batch_write_item();
        let builder = match &self.customize {
            Some(customize) => customize(builder).checked()?,
            None => builder,
        };
        let writes = request.writes.iter().map(|(_, write)| write.request.clone()).collect();
        Ok(builder.set_request_items(Some(HashMap::from([(self.table.to_owned(), writes)]))))
    }

    /// The writes that DynamoDB has not processed; `None` if its answer names a write that it was
    /// not sent.
    fn unprocessed(
        &self,
        output: BatchWriteItemOutput,
        request: &Request,
    ) -> Option<HashSet<KeyIdentity>> {
        let unprocessed =
            output.unprocessed_items.into_iter().flatten().flat_map(|(_, writes)| writes);
        let identity = |write: WriteRequest| {
            let item = match (write.put_request, write.delete_request) {
                (Some(put), _) => put.item,
                (None, Some(delete)) => delete.key,
                (None, None) => return None,
            };
            let identity = (self.identity)(&item).ok()?;
            request.writes.iter().any(|(_, write)| write.identity == identity).then_some(identity)
        };
        unprocessed.map(identity).collect()
    }
}

/// Whether the reason of a failure is in the record, so that the next records may succeed.
fn is_of_the_record(error: &Error) -> bool {
    error.fault() != Fault::Operator
        && !matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_)))
}

//! Whether a failed call wrote to the table.

/// Whether a failed call wrote to the table: [`Error::write_outcome`](crate::Error::write_outcome)
/// and its like.
///
/// Each row of this table is a test.
///
/// | what happened | outcome | [`is_retryable`](crate::Error::is_retryable) |
/// |---|---|---|
/// | the record could not be sealed: a field, the size, KMS | `NotWritten` | as the key provider says |
/// | no credentials, or the connection was never made (DNS, TCP, TLS) | `NotWritten` | if it is an outage |
/// | DynamoDB refused the request: a condition, throttling, no permission (4xx) | `NotWritten` | if it was throttled, or lost a race |
/// | no answer, a broken connection, a time-out, an error of DynamoDB's own (5xx), an answer that cannot be read | `Unknown` | put and delete without condition, batches, and a prepared transaction; nothing else |
/// | the same to a first try, and the SDK's next try was refused | `Unknown` | as above |
/// | the same to a first try of a put, and the next try finds the put's own payload | the put has succeeded | |
/// | `returning_old()`: the first answer, which had the old record, was lost; the next try was carried out | `Written`, [`AnswerLost`](crate::error::WriteError::AnswerLost) | never |
/// | the write was answered, and the record that it returned cannot be opened: KMS, or the record itself | `Written`, and the item is kept: [`Table::open_returned`](crate::Table::open_returned) | never |
/// | `modify` lost a race each time, or its record was in a transaction ([`Conflict`](crate::error::WriteError::Conflict)) | `NotWritten` | yes |
/// | `modify`: an answer was lost, and another writer has changed the record since | `Unknown` | never |
/// | `modify`: an answer was lost, and the stored payload is its own | the change has succeeded | |
/// | `modify` whose closure changes nothing, beside an `add` or its like: an answer was lost | `Unknown` | never |
/// | `rewrap`: an answer was lost, and was not found out | `Unknown` | if it failed at last by an outage or a lost race: moving keys twice does no harm |
/// | a transaction was cancelled | `NotWritten` | if all the reasons are |
/// | a transaction of which the answer was lost, or which is still [in progress](crate::transaction::TransactionErrorKind::DynamoDb) | `Unknown` | if it is sent again as it was [prepared](crate::transaction::PreparedTransaction::send) |
/// | the same, and a later send of the prepared transaction was refused before it was looked at (throttling, no permission) | `Unknown` | as above |
/// | one write of a batch, left unprocessed or refused | `NotWritten` | if it was throttled |
/// | `create_table`: the table was created and is not ready, or its time to live is not on | `Written` | never |
/// | a branch key's `create` or `rotate`: the answer was lost | `Unknown` | never |
/// | a branch's `delete` failed on the way | `Unknown`: it may be done in part | if it is an outage: it goes on where it stopped |
/// | a call that only reads | `NotWritten` | |
///
/// A retry is called safe only if it leads to the same end as one call: where it could apply an
/// [`add`](crate::write::Update::add) twice, or lose the record that the call returns,
/// `is_retryable` is false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteOutcome {
    /// Nothing was written: the call failed before it sent anything, or DynamoDB refused it.
    NotWritten,
    /// Not known: the request was sent and no answer came that says whether it was carried out. It
    /// may still be.
    Unknown,
    /// The write was carried out, and what came after it failed: the caller does not have what the
    /// call returns.
    Written,
}

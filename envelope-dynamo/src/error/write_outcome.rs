//! Whether a failed call wrote to the table.

/// Whether a failed call wrote to the table: [`Error::write_outcome`](crate::Error::write_outcome)
/// and the same method of the other errors.
///
/// Each row of this table is a test.
///
/// | what happened | outcome | [`is_retryable`](crate::Error::is_retryable) |
/// |---|---|---|
/// | the record could not be sealed: a field, the size, KMS | `NotWritten` | as the key provider says |
/// | no credentials, or the connection was never made (DNS, TCP, TLS) | `NotWritten` | if it is an outage |
/// | DynamoDB refused the request: a condition, throttling, no permission (4xx) | `NotWritten` | if it was throttled, or lost a race |
/// | no answer, a broken connection, a time-out, an error of DynamoDB's own (5xx), an answer that cannot be read | `Unknown` | put and delete without condition, batches, and a prepared transaction; nothing else |
/// | the first try had no answer, and DynamoDB refused the next try of the SDK | `Unknown` | as above |
/// | the first try of a put had no answer, and the next try finds the payload of this put | the put has succeeded | |
/// | `returning_old()`: the first answer, with the old record, was lost; the next try was carried out | `Written`, [`AnswerLost`](crate::error::WriteError::AnswerLost) | never |
/// | the write was answered, and the record that it returned cannot be opened: KMS, or the record itself | `Written`, and the error has the item: [`Table::open_returned`](crate::Table::open_returned) | never |
/// | `modify` lost a race each time, or its record was in a transaction ([`Conflict`](crate::error::WriteError::Conflict)) | `NotWritten` | yes |
/// | `modify`: an answer was lost, and another writer has changed the record since | `Unknown` | never |
/// | `modify`: an answer was lost, and the stored payload is the one that it wrote | the change has succeeded | |
/// | `modify` whose closure changes nothing, with an `add` or another change in place: an answer was lost | `Unknown` | never |
/// | `rewrap`: an answer was lost, and reading the record did not show the outcome | `Unknown` | if the last failure was an outage or a lost race: moving keys twice does no harm |
/// | a unique value is [taken](crate::error::WriteError::Taken): `put`, `modify` | `NotWritten` | never |
/// | a put with a unique field: no answer to its transaction | `Unknown` | without a condition: the claims are then the record's own |
/// | a transaction was cancelled | `NotWritten` | if all the reasons are |
/// | a transaction of which the answer was lost, or which is still [in progress](crate::transaction::TransactionErrorKind::DynamoDb) | `Unknown` | if the same [prepared transaction](crate::transaction::PreparedTransaction::send) is sent again |
/// | the same, and DynamoDB refused a later send of the prepared transaction before it evaluated it (throttling, no permission) | `Unknown` | as above |
/// | one write of a batch, left unprocessed or refused | `NotWritten` | if it was throttled |
/// | `create_table`: the table was created and is not ready, or its time to live is not on | `Written` | never |
/// | a branch key's `create` or `rotate`: the answer was lost | `Unknown` | never |
/// | a branch's `delete` failed on the way | `Unknown`: a part may be deleted | if it is an outage: a second call continues |
/// | a call that only reads | `NotWritten` | |
///
/// A retry is safe only if it has the same effect as one call. If it could apply an
/// [`add`](crate::write::Update::add) twice, or lose the record that the call returns,
/// `is_retryable` is false.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use aws_sdk_dynamodb::config::{BehaviorVersion, Config};
/// use envelope_dynamo::error::KeyErrorKind;
/// use envelope_dynamo::testing::TestKeyProvider;
/// use envelope_dynamo::{Envelope, Table, WriteOutcome};
///
/// # #[derive(Envelope)]
/// # #[envelope(table = "users")]
/// # struct User {
/// #     #[partition_key]
/// #     user_id: String,
/// #     #[encrypted]
/// #     email: String,
/// # }
/// # let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
/// # let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
/// # let zoe = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
/// let keys = TestKeyProvider::default();
/// keys.fail_next(KeyErrorKind::Throttled); // as KMS under load
/// let users = Table::<User>::new(dynamodb, keys);
///
/// let error = users.put(&zoe).send().await.unwrap_err();
/// match error.write_outcome() {
///     WriteOutcome::NotWritten => assert!(error.is_retryable()),
///     WriteOutcome::Unknown => println!("read {} to know", error.record()),
///     WriteOutcome::Written => println!("do not write {} again", error.record()),
/// }
/// # assert_eq!(error.write_outcome(), WriteOutcome::NotWritten);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteOutcome {
    /// Nothing was written: the call failed before it sent anything, or DynamoDB refused it.
    NotWritten,
    /// Unknown: the request was sent, and no answer says whether it was carried out. DynamoDB may
    /// still carry it out.
    Unknown,
    /// The write was carried out, but a later step failed: the call could not return its result.
    Written,
}

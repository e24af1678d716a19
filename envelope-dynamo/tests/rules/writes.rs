//! What a failed write means for the table: each row of the table of `WriteOutcome`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use WriteOutcome::{NotWritten, Unknown, Written};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, KeyError, KeyErrorKind, WriteError};
use envelope_dynamo::keys::{BranchKeyError, DataKey, GeneratedKey, KeyFuture, WrappedKey};
use envelope_dynamo::message::EncryptionContext;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    BranchKeyTable, Envelope, Error, ErrorKind, Fault, LocalKeyProvider, RootKey, Table, UnwrapKey,
    WrapKey, WriteOutcome, transact_write,
};
use envelope_examples::Fault as Injected;

use super::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts")]
struct Account {
    #[partition_key]
    id: String,
    #[encrypted]
    secret: String,
    #[plaintext]
    logins: u64,
}

fn account(secret: &str) -> Account {
    Account { id: "a".to_owned(), secret: secret.to_owned(), logins: 3 }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "documents")]
struct Document {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    version: u64,
}

/// Keys of which unwrapping alone can be made to fail: KMS that answers GenerateDataKey, and
/// throttles Decrypt.
#[derive(Clone, Debug)]
struct Keys {
    inner: TestKeyProvider,
    is_throttled: Arc<AtomicBool>,
}

impl Keys {
    fn throttle(&self, is_throttled: bool) {
        self.is_throttled.store(is_throttled, Ordering::SeqCst);
    }
}

impl WrapKey for Keys {
    fn generate<'a>(&'a self, context: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        self.inner.generate(context)
    }
}

impl UnwrapKey for Keys {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        context: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        if self.is_throttled.load(Ordering::SeqCst) {
            return Box::pin(async {
                Err(KeyError::new(KeyErrorKind::Throttled, "asked too often"))
            });
        }
        self.inner.unwrap_key(wrapped, context)
    }
}

/// A table of accounts that has the account `a`, and keys that can be throttled.
async fn setup() -> (Setup, Table<Account>, Keys) {
    let setup = Setup::new().await;
    setup
        .table::<Account>()
        .await
        .put(&account("first"))
        .send()
        .await
        .expect("the account is stored");
    let keys = Keys { inner: setup.keys.clone(), is_throttled: Arc::default() };
    let accounts = Table::new(setup.dynamodb.clone(), keys.clone());
    setup.faults.forget_calls();
    (setup, accounts, keys)
}

async fn stored(setup: &Setup, table: &str) -> Option<HashMap<String, AttributeValue>> {
    let get =
        setup.dynamodb.get_item().table_name(table).key("id", AttributeValue::S("a".to_owned()));
    get.send().await.expect("the item is read").item
}

async fn logins(setup: &Setup) -> Option<String> {
    stored(setup, "accounts").await.map(|item| item["logins"].as_n().expect("a number").clone())
}

fn says(error: &Error) -> (WriteOutcome, bool) {
    assert_eq!(error.is_in_doubt(), error.write_outcome() == Unknown);
    (error.write_outcome(), error.is_retryable())
}

const NO_ANSWER: [fn() -> Injected; 6] = [
    || Injected::Io,
    || Injected::Timeout,
    || Injected::LoseReply,
    || Injected::Reply { status: 500, body: "{}".to_owned() },
    || Injected::Reply { status: 200, body: "no JSON".to_owned() },
    || Injected::Reply { status: 408, body: "a proxy".to_owned() },
];

#[tokio::test]
async fn a_record_that_cannot_be_sealed_is_not_written() {
    let (setup, accounts, keys) = setup().await;
    keys.inner.fail_next(KeyErrorKind::Throttled);
    let throttled = accounts.put(&account("x")).send().await.expect_err("there is no data key");
    assert_eq!(says(&throttled), (NotWritten, true));
    keys.inner.fail_next(KeyErrorKind::AccessDenied);
    let denied = accounts.put(&account("x")).send().await.expect_err("there is no data key");
    assert_eq!(says(&denied), (NotWritten, false));
    let large =
        accounts.put(&account(&"x".repeat(500_000))).send().await.expect_err("it is too large");
    assert_eq!(says(&large), (NotWritten, false));
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_request_that_is_refused_writes_nothing() {
    let (setup, accounts, _) = setup().await;
    let exists =
        accounts.put(&account("x")).if_not_exists().send().await.expect_err("there is one");
    assert_eq!(says(&exists), (NotWritten, false));
    for (code, is_retryable) in [
        ("ThrottlingException", true),
        ("TransactionConflictException", true),
        ("AccessDeniedException", false),
    ] {
        for operation in ["PutItem", "UpdateItem", "DeleteItem"] {
            setup.faults.fail_always(operation, Injected::error(code));
        }
        for error in [
            accounts.put(&account("x")).send().await.expect_err("refused"),
            accounts.update("a").add(|a| a.logins, 1).send().await.expect_err("refused"),
            accounts
                .update("a")
                .add(|a| a.logins, 1)
                .returning_new()
                .send()
                .await
                .expect_err("refused"),
            accounts.delete("a").returning_old().send().await.expect_err("refused"),
        ] {
            assert_eq!(says(&error), (NotWritten, is_retryable), "{error}");
        }
    }
}

#[tokio::test]
async fn without_an_answer_only_a_call_that_does_no_harm_twice_is_retryable() {
    for fault in NO_ANSWER {
        let (setup, accounts, _) = setup().await;
        for operation in ["PutItem", "UpdateItem", "DeleteItem"] {
            setup.faults.fail_always(operation, fault());
        }
        let new = account("x");
        let harmless = [
            accounts.put(&new).send().await.expect_err("no answer"),
            accounts.delete("a").send().await.expect_err("no answer"),
        ];
        // Neither the SDK nor this library takes a proxy's answer, or one that is not DynamoDB's,
        // for an outage.
        let may_pass = !matches!(fault(), Injected::Reply { status: 200 | 408, .. });
        for error in harmless {
            assert_eq!(says(&error), (Unknown, may_pass), "{:?}: {error}", fault());
        }
        let harmful = [
            accounts.put(&new).condition(|a| a.logins.eq(3)).send().await.err(),
            accounts.put(&new).returning_old().send().await.err(),
            accounts.delete("a").if_exists().send().await.err(),
            accounts.delete("a").returning_old().send().await.err(),
            accounts.update("a").add(|a| a.logins, 1).send().await.err(),
            accounts.update("a").add(|a| a.logins, 1).returning_new().send().await.err(),
        ];
        for error in harmful.into_iter().flatten() {
            assert!(
                error.write_outcome() != NotWritten && !error.is_retryable(),
                "{:?}: {error}",
                fault()
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_after_a_try_without_answer_leaves_the_doubt() {
    let (setup, accounts, _) = setup().await;
    for (operation, next) in
        [("UpdateItem", "AccessDeniedException"), ("DeleteItem", "AccessDeniedException")]
    {
        setup.faults.fail_next(operation, Injected::LoseReply);
        setup.faults.fail_next(operation, Injected::error(next));
    }
    let update = accounts.update("a").add(|a| a.logins, 1).send().await.expect_err("refused");
    assert_eq!((says(&update), logins(&setup).await.as_deref()), ((Unknown, false), Some("4")));
    let delete = accounts.delete("a").returning_old().send().await.expect_err("refused");
    assert_eq!((says(&delete), logins(&setup).await), ((Unknown, false), None));
}

#[tokio::test]
async fn a_condition_that_the_first_try_itself_broke_is_in_doubt_or_found_out() {
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    let update =
        accounts.update("a").add(|a| a.logins, 1).condition(|a| a.logins.eq(3)).send().await;
    let update = update.expect_err("the second try finds 4");
    assert!(matches!(update.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
    assert_eq!((says(&update), logins(&setup).await.as_deref()), ((Unknown, false), Some("4")));

    setup.faults.fail_next("PutItem", Injected::LoseReply);
    accounts
        .put(&account("second"))
        .condition(|a| a.logins.eq(4))
        .send()
        .await
        .expect("its own payload is there");
}

#[tokio::test]
async fn an_old_record_whose_answer_was_lost_is_not_said_to_have_been_none_or_the_new_one() {
    let lost = "accounts[id=a]: the write was carried out, but DynamoDB's answer was lost, and with it the record \
                that was stored before";
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_next("PutItem", Injected::LoseReply);
    let put = accounts
        .put(&account("second"))
        .returning_old()
        .send()
        .await
        .expect_err("the first one is lost");
    assert!(matches!(put.kind(), ErrorKind::Write(WriteError::AnswerLost)));
    assert_eq!(
        (put.fault(), says(&put), put.to_string().as_str()),
        (Fault::Operator, (Written, false), lost)
    );
    setup.faults.fail_next("PutItem", Injected::LoseReply);
    let put =
        accounts.put(&account("third")).condition(|a| a.logins.eq(3)).returning_old().send().await;
    assert_eq!(says(&put.expect_err("the second one is lost")), (Written, false));
    assert_eq!(accounts.get("a").send().await.expect("it opens"), Some(account("third")));

    setup.faults.fail_next("DeleteItem", Injected::LoseReply);
    let delete =
        accounts.delete("a").returning_old().send().await.expect_err("the third one is lost");
    assert_eq!((says(&delete), delete.to_string().as_str()), ((Written, false), lost));
    assert_eq!(stored(&setup, "accounts").await, None);
    // Who does not ask for the record is not told of it.
    setup.faults.fail_next("DeleteItem", Injected::LoseReply);
    accounts.delete("a").send().await.expect("it is gone");
    assert_eq!(accounts.delete("a").returning_old().send().await.expect("answered"), None);
}

#[tokio::test]
async fn a_deleted_record_that_kms_did_not_open_is_kept_in_the_error() {
    let (setup, accounts, keys) = setup().await;
    keys.throttle(true);
    let error = accounts.delete("a").returning_old().send().await.expect_err("KMS is throttled");
    assert_eq!((says(&error), stored(&setup, "accounts").await), ((Written, false), None));
    assert_eq!(error.key_error().map(KeyError::kind), Some(KeyErrorKind::Throttled));
    assert!(
        error.to_string().ends_with(
            "; the write was carried out, and this error has the record that it returned \
             (`Table::open_returned` opens it)"
        ),
        "{error}"
    );
    let item = error.returned_item().expect("the item is kept");
    assert!(item["encrypted_payload"].is_b() && !item.contains_key("secret"));
    assert!(!format!("{error:?}").contains("encrypted_payload"));

    assert_eq!(
        says(&accounts.open_returned(&error).await.expect_err("still throttled")),
        (NotWritten, true)
    );
    keys.throttle(false);
    assert_eq!(accounts.open_returned(&error).await.expect("it opens"), Some(account("first")));
}

#[tokio::test]
async fn an_update_whose_new_record_kms_did_not_open_is_applied_once() {
    let (setup, accounts, keys) = setup().await;
    keys.throttle(true);
    let error = accounts
        .update("a")
        .add(|a| a.logins, 1)
        .returning_new()
        .send()
        .await
        .expect_err("throttled");
    assert_eq!((says(&error), logins(&setup).await.as_deref()), ((Written, false), Some("4")));
    keys.throttle(false);
    let new = accounts.open_returned(&error).await.expect("it opens");
    assert_eq!(new, Some(Account { logins: 4, ..account("first") }));
}

#[tokio::test]
async fn a_put_over_an_item_that_does_not_open_has_been_stored() {
    let (setup, accounts, keys) = setup().await;
    keys.throttle(true);
    let error =
        accounts.put(&account("second")).returning_old().send().await.expect_err("throttled");
    assert_eq!(says(&error), (Written, false));
    keys.throttle(false);
    assert_eq!(accounts.open_returned(&error).await.expect("it opens"), Some(account("first")));
    assert_eq!(accounts.get("a").send().await.expect("it opens"), Some(account("second")));

    let mut plain = stored(&setup, "accounts").await.expect("it is there");
    plain.retain(|name, _| !name.starts_with("encrypted_"));
    setup
        .dynamodb
        .put_item()
        .table_name("accounts")
        .set_item(Some(plain))
        .send()
        .await
        .expect("planted");
    let error = accounts
        .put(&account("third"))
        .returning_old()
        .send()
        .await
        .expect_err("it was never sealed");
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)));
    assert_eq!(says(&error), (Written, false));
    assert_eq!(accounts.get("a").send().await.expect("it opens"), Some(account("third")));
}

#[tokio::test]
async fn a_version_is_counted_even_if_the_old_record_does_not_open() {
    let (setup, _, keys) = setup().await;
    setup.table::<Document>().await;
    let documents = Table::<Document>::new(setup.dynamodb.clone(), keys.clone());
    let mut document = Document { id: "a".to_owned(), text: "t".to_owned(), version: 0 };
    documents.put_mut(&mut document).send().await.expect("stored");
    keys.throttle(true);
    let error =
        documents.put_mut(&mut document).returning_old().send().await.expect_err("throttled");
    assert_eq!((says(&error), document.version), ((Written, false), 2));
    setup.faults.fail_always("PutItem", Injected::Io);
    let error = documents.put_mut(&mut document).send().await.expect_err("no answer");
    assert_eq!(
        (says(&error), document.version),
        ((Unknown, false), 2),
        "sent with a condition, so not retryable"
    );
}

#[tokio::test]
async fn a_change_whose_record_does_not_open_again_has_been_written() {
    let (setup, accounts, keys) = setup().await;
    let throttle = keys.clone();
    let modify = accounts.update("a").add(|a| a.logins, 1).modify(|account| {
        account.secret.push('!');
        throttle.throttle(true);
    });
    let error = modify.send().await.expect_err("the record as it was written does not open");
    assert_eq!((says(&error), logins(&setup).await.as_deref()), ((Written, false), Some("4")));
    keys.throttle(false);
    let new = accounts.open_returned(&error).await.expect("it opens");
    assert_eq!(new, Some(Account { logins: 4, ..account("first!") }));
}

#[tokio::test]
async fn a_change_waits_for_the_transactions_that_hold_its_record() {
    let (setup, accounts, _) = setup().await;
    for _ in 0..3 {
        setup.faults.fail_next("UpdateItem", Injected::error("TransactionConflictException"));
    }
    let mut calls = 0;
    let changed = accounts.update("a").modify(|account| {
        calls += 1;
        account.logins += 1;
    });
    assert_eq!(
        changed.send().await.expect("the fourth try").map(|account| account.logins),
        Some(4)
    );
    assert_eq!((calls, setup.faults.calls("GetItem")), (4, 4));

    setup.faults.fail_always("UpdateItem", Injected::error("TransactionConflictException"));
    let error =
        accounts.update("a").modify(|account| account.logins += 1).max_tries(3).send().await;
    let error = error.expect_err("three conflicts");
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { tries: 3 })), "{error}");
    assert_eq!(says(&error), (NotWritten, true));
    setup.faults.recover("UpdateItem");

    setup.faults.fail_next("UpdateItem", Injected::Io);
    setup.faults.fail_next("UpdateItem", Injected::error("TransactionConflictException"));
    let error = accounts
        .update("a")
        .modify(|account| account.logins += 1)
        .send()
        .await
        .expect_err("in doubt");
    assert_eq!(says(&error), (Unknown, false));
}

#[tokio::test]
async fn what_is_added_beside_a_change_is_added_once_whatever_the_change_does() {
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    let error = accounts
        .update("a")
        .add(|a| a.logins, 1)
        .modify(|_| ())
        .send()
        .await
        .expect_err("no answer");
    assert_eq!((says(&error), logins(&setup).await.as_deref()), ((Unknown, false), Some("4")));

    setup.faults.fail_next("UpdateItem", Injected::LoseReply);
    let changed = accounts
        .update("a")
        .add(|a| a.logins, 1)
        .modify(|account| account.secret.push('!'))
        .send()
        .await;
    let expected = Account { logins: 5, ..account("first!") };
    assert_eq!(
        (changed.expect("found out"), logins(&setup).await.as_deref()),
        (Some(expected), Some("5"))
    );
}

#[tokio::test]
async fn a_change_in_doubt_is_never_retryable() {
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_always("UpdateItem", Injected::Io);
    let error = accounts
        .update("a")
        .modify(|account| account.logins += 1)
        .send()
        .await
        .expect_err("no answer");
    assert_eq!(says(&error), (Unknown, false));
    setup.faults.fail_always("GetItem", Injected::error("ThrottlingException"));
    let unread = accounts
        .update("a")
        .modify(|account| account.logins += 1)
        .send()
        .await
        .expect_err("not read");
    assert_eq!(says(&unread), (NotWritten, true));
}

#[tokio::test]
async fn a_transaction_in_doubt_is_retryable_as_it_was_prepared() {
    let (setup, accounts, _) = setup().await;
    let update =
        || transact_write(&setup.dynamodb).update(accounts.update("a").add(|a| a.logins, 1));
    setup.faults.fail_always("TransactWriteItems", Injected::LoseReply);
    let prepared = update().prepare().await.expect("prepared");
    let error = prepared.send().await.expect_err("no answer");
    assert_eq!((error.write_outcome(), error.is_retryable()), (Unknown, true));
    setup.faults.recover("TransactWriteItems");
    prepared.send().await.expect("known by its token");
    assert_eq!(logins(&setup).await.as_deref(), Some("4"));

    setup.faults.fail_always("TransactWriteItems", Injected::LoseReply);
    let error = update().send().await.expect_err("no answer");
    assert_eq!(
        (error.write_outcome(), error.is_retryable()),
        (Unknown, false),
        "another would have another token"
    );
    assert_eq!(logins(&setup).await.as_deref(), Some("5"));
    setup.faults.fail_always("TransactWriteItems", Injected::error("ThrottlingException"));
    let error = update().send().await.expect_err("throttled");
    assert_eq!((error.write_outcome(), error.is_retryable()), (NotWritten, true));
}

#[tokio::test]
async fn a_transaction_in_progress_is_waited_for_a_while_and_then_said() {
    let (setup, accounts, _) = setup().await;
    let transaction =
        transact_write(&setup.dynamodb).update(accounts.update("a").add(|a| a.logins, 1));
    let prepared = transaction.prepare().await.expect("prepared");
    setup
        .faults
        .fail_always("TransactWriteItems", Injected::error("TransactionInProgressException"));
    let error = prepared.send().await.expect_err("in progress");
    assert_eq!((error.write_outcome(), error.is_retryable()), (Unknown, true));
    assert_eq!(setup.faults.calls("TransactWriteItems"), 15, "five tries of three calls each");
    assert!(error.to_string().ends_with("(send the same prepared transaction again)"), "{error}");
    setup.faults.recover("TransactWriteItems");
    prepared.send().await.expect("it was not in progress for ever");
}

#[tokio::test]
async fn a_cancelled_transaction_has_written_nothing() {
    let (setup, accounts, _) = setup().await;
    let a = account("x");
    let transaction = transact_write(&setup.dynamodb).put(accounts.put(&a).if_not_exists());
    let error = transaction.send().await.expect_err("there is one");
    assert_eq!((error.write_outcome(), error.is_retryable()), (NotWritten, false));
    let reason = error.reasons().first().expect("a reason").error();
    assert_eq!(says(reason), (NotWritten, false));
    assert_eq!(accounts.open_returned(reason).await.expect("it opens"), Some(account("first")));
}

#[tokio::test]
async fn each_write_of_a_batch_says_what_became_of_it() {
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_always("BatchWriteItem", Injected::LoseReply);
    for error in [
        accounts.batch_put([account("x")]).send().await.expect_err("no answer"),
        accounts.batch_delete(["a"]).send().await.expect_err("no answer"),
    ] {
        let failure = error.failures().first().expect("one failed");
        assert_eq!((says(failure.error()), error.is_retryable()), ((Unknown, true), true));
    }
    setup.faults.fail_always("BatchWriteItem", Injected::Unprocessed { processed: 0 });
    let error = accounts.batch_put([account("x")]).send().await.expect_err("left aside");
    assert_eq!(says(error.failures().first().expect("one failed").error()), (NotWritten, true));
    setup.faults.fail_always("BatchWriteItem", Injected::error("AccessDeniedException"));
    let error = accounts.batch_put([account("x")]).send().await.expect_err("refused");
    assert_eq!(says(error.failures().first().expect("one failed").error()), (NotWritten, false));
}

#[derive(Envelope)]
#[envelope(table = "sessions")]
struct Session {
    #[partition_key]
    #[allow(dead_code)]
    id: String,
    #[encrypted]
    #[allow(dead_code)]
    token: String,
    #[plaintext]
    #[ttl]
    #[allow(dead_code)]
    expires: u64,
}

#[tokio::test]
async fn a_table_that_was_created_is_said_to_have_been() {
    let setup = Setup::new().await;
    let sessions = Table::<Session>::new(setup.dynamodb.clone(), setup.keys.clone());
    setup.faults.fail_always("UpdateTimeToLive", Injected::error("ThrottlingException"));
    let error = sessions.create_table().send().await.expect_err("its time to live is not on");
    assert_eq!(says(&error), (Written, false));
    assert!(error.to_string().ends_with("; the write itself was carried out"), "{error}");
    let exists = sessions.create_table().send().await.expect_err("it is there");
    assert_eq!(says(&exists), (NotWritten, false));

    setup.faults.fail_next("CreateTable", Injected::LoseReply);
    let accounts = Table::<Account>::new(setup.dynamodb.clone(), setup.keys.clone());
    let error = accounts.create_table().send().await.expect_err("the second try finds the table");
    assert_eq!(says(&error), (Unknown, false));
}

#[tokio::test]
async fn keys_that_may_have_been_moved_can_be_moved_again() {
    let (setup, accounts, keys) = setup().await;
    let own = LocalKeyProvider::new(RootKey::generate().expect("random bytes"));
    setup.faults.fail_always("UpdateItem", Injected::Io);
    let error =
        accounts.rewrap("a").unwrap_and_wrap(&keys, &[&own]).send().await.expect_err("no answer");
    assert_eq!(says(&error), (Unknown, true));
    setup.faults.fail_always("UpdateItem", Injected::error("AccessDeniedException"));
    let error =
        accounts.rewrap("a").unwrap_and_wrap(&keys, &[&own]).send().await.expect_err("refused");
    assert_eq!(says(&error), (NotWritten, false));
}

#[tokio::test]
async fn a_call_that_only_reads_writes_nothing() {
    let (setup, accounts, _) = setup().await;
    setup.faults.fail_always("GetItem", Injected::Io);
    let error = accounts.get("a").send().await.expect_err("no answer");
    assert_eq!(says(&error), (NotWritten, true));
}

#[tokio::test]
async fn a_branch_whose_answer_was_lost_is_in_doubt() {
    let setup = Setup::new().await;
    let branches = BranchKeyTable::new(setup.dynamodb.clone(), "branch-keys", setup.keys.clone());
    branches.create_table().await.expect("created");
    let says = |error: &BranchKeyError| (error.write_outcome(), error.is_retryable());

    setup.faults.fail_next("TransactWriteItems", Injected::LoseReply);
    branches.create("alice").await.expect("the SDK's second try has the token of the first");
    setup.faults.fail_always("TransactWriteItems", Injected::LoseReply);
    let error = branches.create("bob").await.expect_err("no answer");
    assert_eq!(says(&error), (Unknown, false));
    assert!(error.to_string().contains("it may have been carried out all the same"), "{error}");
    let error = branches.rotate("alice").await.expect_err("no answer");
    assert_eq!(says(&error), (Unknown, false));
    setup.faults.fail_always("TransactWriteItems", Injected::error("AccessDeniedException"));
    let error = branches.rotate("alice").await.expect_err("refused");
    assert_eq!(says(&error), (NotWritten, false));
    let error = branches.delete("alice").await.expect_err("refused on the way");
    assert_eq!(says(&error), (Unknown, false), "it is marked as being deleted");
    setup.faults.fail_always("TransactWriteItems", Injected::Io);
    let error = branches.delete("alice").await.expect_err("no answer");
    assert_eq!(says(&error), (Unknown, true));
    setup.faults.recover("TransactWriteItems");
    assert_eq!(branches.delete("alice").await.expect("it goes on"), 2);
    assert_eq!(branches.versions("bob").await.expect("it was created").len(), 1);
    let exists = branches.create("bob").await.expect_err("it exists");
    assert_eq!(says(&exists), (NotWritten, false));
}

#[tokio::test]
async fn an_interrupted_deletion_of_a_branch_that_never_was_keeps_nobody_from_creating_it() {
    let setup = Setup::new().await;
    let branches = BranchKeyTable::new(setup.dynamodb.clone(), "branch-keys", setup.keys.clone());
    branches.create_table().await.expect("created");
    setup.faults.fail_always("DeleteItem", Injected::Io);
    assert_eq!(branches.delete("nobody").await.expect("there is nothing to delete"), 0);
    branches.create("nobody").await.expect("nothing is in its way");
}

#[tokio::test]
async fn a_record_that_does_not_open_after_an_update_is_kept_with_its_key() {
    let (setup, accounts, _) = setup().await;
    let mut moved = stored(&setup, "accounts").await.expect("it is there");
    moved.insert("encrypted_payload".to_owned(), AttributeValue::B(Blob::new(b"short")));
    setup
        .dynamodb
        .put_item()
        .table_name("accounts")
        .set_item(Some(moved))
        .send()
        .await
        .expect("planted");
    let error = accounts
        .update("a")
        .add(|a| a.logins, 1)
        .returning_new()
        .send()
        .await
        .expect_err("no payload");
    assert_eq!((says(&error), logins(&setup).await.as_deref()), ((Written, false), Some("4")));
    assert_eq!(
        error.returned_item().and_then(|item| item["id"].as_s().ok()).map(String::as_str),
        Some("a")
    );
}

//! Versions and times to live, in transactions.

use envelope_dynamo::error::{DataError, WriteError};
use envelope_dynamo::transaction::TransactionErrorKind;
use envelope_dynamo::{Envelope, ErrorKind, Fault, transact_get, transact_write};

use super::{Bench, user};

/// A record in the table of users.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct Note {
    #[partition_key]
    user_id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    version: u64,
    #[plaintext]
    #[ttl]
    expires: u64,
}

fn note(version: u64) -> Note {
    Note { user_id: "n".into(), text: "x".into(), version, expires: 1 }
}

#[tokio::test]
async fn versions_and_times_to_live_hold_in_transactions() {
    let bench = Bench::with_kms().await;
    let kms = envelope_dynamo::KmsKeyProvider::new(
        bench.servers.kms().clone(),
        bench.servers.kms_key_id(),
    );
    let notes = envelope_dynamo::Table::<Note>::new(bench.users.client().clone(), kms)
        .named(bench.users.name());
    let a = user("a");
    let put = async |version| {
        let note = note(version);
        transact_write(notes.client()).put(bench.users.put(&a)).put(notes.put(&note)).send().await
    };
    put(0).await.unwrap();
    put(1).await.unwrap();
    let error = put(1).await.unwrap_err();
    let [reason] = error.reasons() else { panic!("{error}") };
    assert!(
        matches!(reason.error().kind(), ErrorKind::Write(WriteError::ConditionFailed)),
        "{error}"
    );
    assert_eq!((reason.position(), error.fault()), (1, Fault::Caller));
    let found = notes.open_returned(reason.error()).await.unwrap().unwrap();
    assert_eq!(found, note(2));

    let read = transact_get((notes.get("n").not_before_version(2), bench.users.get("a")))
        .send()
        .await
        .unwrap();
    assert_eq!(read, (Some(note(2)), Some(a.clone())));
    let error = transact_get((bench.users.get("a"), notes.get("n").not_before_version(3)))
        .send()
        .await
        .unwrap_err();
    let TransactionErrorKind::Record(record) = error.kind() else { panic!("{error}") };
    assert!(
        matches!(record.kind(), ErrorKind::Data(DataError::OlderVersion { not_before: 3 })),
        "{error}"
    );
    assert!(error.to_string().starts_with("transact_get: users[user_id=n]: "), "{error}");
    let error = transact_get(vec![notes.get("n").not_before_version(3)]).send().await.unwrap_err();
    assert!(matches!(error.kind(), TransactionErrorKind::Record(_)), "{error}");
    assert_eq!(transact_get(vec![notes.get("n").skip_expired()]).send().await.unwrap(), [None]);
}

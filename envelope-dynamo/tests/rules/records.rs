//! What a record is besides its fields: its place, its groups, what the library writes into it, and
//! what an error says of it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, KeyErrorKind, ServiceError, UsageError};
use envelope_dynamo::item::{item_context, item_group_context};
use envelope_dynamo::testing::{TestClock, TestKeyProvider};
use envelope_dynamo::{
    Access, Envelope, ErrorKind, Fault, GroupKeyProvider, Table, from_item, to_item, transact_write,
};
use envelope_examples::Fault as Injected;

use super::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
#[partition_key(name = "pk", format = "VISIT#{patient}")]
struct Visit {
    #[authenticated]
    patient: String,
    #[encrypted]
    notes: String,
    #[encrypted(group = "billing")]
    iban: Access<String>,
    #[encrypted(group = "billing")]
    amount: Access<u32>,
    #[plaintext]
    seen: u64,
}

fn visit() -> Visit {
    Visit {
        patient: "p_1".to_owned(),
        notes: "n".to_owned(),
        iban: "DE02".to_owned().into(),
        amount: 7.into(),
        seen: 0,
    }
}

/// `Visit` as it was when `seen` was authenticated.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
#[partition_key(name = "pk", format = "VISIT#{patient}")]
struct VisitBefore {
    #[authenticated]
    patient: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    seen: u64,
}

#[tokio::test]
async fn groups_are_withheld_as_a_whole_and_kept_by_a_change() {
    let setup = Setup::new().await;
    let visits = setup.table::<Visit>().await;
    visits.put(&visit()).send().await.expect("the record is stored");

    let part = Visit { iban: Access::Withheld, ..visit() };
    let error =
        to_item(&part, &setup.keys).await.expect_err("the other field of the group is there");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Usage(UsageError::PartOfGroupWithheld { group: "billing" })
        ),
        "{error}"
    );

    let visitor =
        Table::<Visit>::new(setup.dynamodb.clone(), GroupKeyProvider::new(setup.keys.clone()));
    let changed = visitor.update("p_1").modify(|visit| visit.notes = "new".to_owned()).send().await;
    let changed = changed.expect("the change is written").expect("there is a record");
    assert_eq!((changed.iban, changed.amount), (Access::Withheld, Access::Withheld));
    let granted = visitor
        .update("p_1")
        .modify(|visit| (visit.iban, visit.amount) = ("x".to_owned().into(), 1.into()));
    let error = granted.send().await.expect_err("what others sealed in the group would be lost");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::GroupWithheld { group: "billing" })),
        "{error}"
    );
    let whole = visits.get("p_1").send().await.expect("the record opens").expect("it is there");
    assert_eq!(whole, Visit { notes: "new".to_owned(), ..visit() });
}

#[tokio::test]
async fn the_context_of_a_group_is_that_of_the_group_alone() {
    let item = to_item(&visit(), &TestKeyProvider::default()).await.expect("it is sealed");
    let record = item_context::<Visit>(&item).expect("the keys are there").encryption_context();
    let group = item_group_context::<Visit>(&item, "billing")
        .expect("there is such a group")
        .encryption_context();
    assert_ne!(record.pairs().collect::<Vec<_>>(), group.pairs().collect::<Vec<_>>());
    assert!(group.pairs().any(|(_, value)| value == "billing"));
    assert!(item_group_context::<Visit>(&item, "medical").is_err());
}

#[tokio::test]
async fn a_record_whose_fields_make_another_key_does_not_open() {
    let keys = TestKeyProvider::default();
    let mut item = to_item(&visit(), &keys).await.expect("it is sealed");
    item.insert("patient".to_owned(), AttributeValue::S("p_2".to_owned()));
    assert!(from_item::<Visit>(item, &keys).await.is_err());

    // Somebody who has the key seals another patient's name under this key.
    #[derive(Envelope)]
    #[envelope(table = "visits")]
    struct Forged {
        #[partition_key]
        pk: String,
        #[authenticated]
        patient: String,
        #[encrypted]
        notes: String,
        #[plaintext]
        seen: u64,
    }
    let forged = Forged {
        pk: "VISIT#p_1".to_owned(),
        patient: "p_2".to_owned(),
        notes: "n".to_owned(),
        seen: 0,
    };
    let item = to_item(&forged, &keys).await.expect("it is sealed");
    #[derive(Debug, Envelope)]
    #[envelope(table = "visits")]
    #[partition_key(name = "pk", format = "VISIT#{patient}")]
    struct Read {
        #[authenticated]
        patient: String,
        #[encrypted]
        notes: String,
        #[plaintext]
        seen: u64,
    }
    let error = from_item::<Read>(item, &keys).await.expect_err("the fields make another key");
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::KeyMismatch { attribute: "pk" })),
        "{error}"
    );
}

#[tokio::test]
async fn a_record_that_does_not_open_names_what_is_plaintext_now() {
    let keys = TestKeyProvider::default();
    let before = VisitBefore { patient: "p_1".to_owned(), notes: "n".to_owned(), seen: 3 };
    let mut item = to_item(&before, &keys).await.expect("it is sealed");
    item.insert("seen".to_owned(), AttributeValue::N("4".to_owned()));
    let error =
        from_item::<Visit>(item, &keys).await.expect_err("an authenticated attribute was changed");
    let ErrorKind::Data(DataError::NotAuthentic { authenticated, now_plaintext }) = error.kind()
    else {
        panic!("{error}")
    };
    assert_eq!(
        (authenticated.as_slice(), now_plaintext.as_slice()),
        (["seen".to_owned(), "patient".to_owned()].as_slice(), ["seen".to_owned()].as_slice())
    );
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: String,
    #[encrypted]
    text: String,
    #[authenticated]
    #[version]
    version: u64,
    #[plaintext]
    #[created]
    created: u64,
    #[plaintext]
    #[updated]
    updated: u64,
    #[plaintext]
    #[ttl]
    expires: Option<SystemTime>,
}

fn note() -> Note {
    Note {
        id: "n".to_owned(),
        text: "a".to_owned(),
        version: 0,
        created: 0,
        updated: 0,
        expires: None,
    }
}

#[tokio::test]
async fn a_record_is_created_once() {
    let setup = Setup::new().await;
    let notes = setup.table::<Note>().await;
    let mut note = note();
    notes.put_mut(&mut note).send().await.expect("the record is stored");
    assert!(note.created > 1_700_000_000, "{note:?}");
    note.created = 1_700_000_000;
    notes.put_mut(&mut note).send().await.expect("the record is stored again");
    assert_eq!((note.created, note.version), (1_700_000_000, 2));
    assert_eq!(notes.get("n").send().await.expect("it opens"), Some(note));
}

/// `Note` as it was before its text was encrypted and its version authenticated.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Draft {
    #[partition_key]
    id: String,
    #[encrypted]
    anchor: u8,
    #[plaintext]
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[plaintext]
    version: u64,
}

#[tokio::test]
async fn an_error_of_marks_says_what_the_record_was_written_with() {
    let keys = TestKeyProvider::default();
    for (text, attribute, mark) in
        [(Some("t".to_owned()), "text", "encrypted"), (None, "version", "authenticated")]
    {
        let draft = Draft { id: "n".to_owned(), anchor: 1, text, version: 1 };
        let mut item = to_item(&draft, &keys).await.expect("it is sealed");
        if attribute == "text" {
            item.remove("version");
        }
        let error = from_item::<Note>(item, &keys).await.expect_err("a field was not protected");
        let ErrorKind::Usage(UsageError::Marks(marks)) = error.kind() else { panic!("{error}") };
        assert_eq!(
            (marks.attribute(), marks.written().encrypted.as_slice()),
            (attribute, ["anchor".to_owned()].as_slice())
        );
        assert!(
            marks.to_string().starts_with(&format!("`{attribute}` is marked #[{mark}]")),
            "{marks}"
        );
    }
}

#[tokio::test]
async fn what_is_sealed_does_not_stand_in_the_clear_as_well() {
    let keys = TestKeyProvider::default();
    let mut item = to_item(&note(), &keys).await.expect("it is sealed");
    item.insert("text".to_owned(), AttributeValue::S("planted".to_owned()));
    let error = from_item::<Note>(item, &keys).await.expect_err("somebody planted it");
    assert!(
        error
            .to_string()
            .contains("`text` is sealed in the record, but the item also has it in plaintext"),
        "{error}"
    );

    let mut item = to_item(&visit(), &keys).await.expect("it is sealed");
    item.insert("iban".to_owned(), AttributeValue::S("planted".to_owned()));
    let error = from_item::<Visit>(item, &GroupKeyProvider::new(keys))
        .await
        .expect_err("somebody planted it");
    assert!(
        error
            .to_string()
            .contains("`iban` is sealed in the record, but the item also has it in plaintext"),
        "{error}"
    );
}

#[tokio::test]
async fn a_change_counts_stamps_and_takes_back_what_only_the_library_writes() {
    let setup = Setup::new().await;
    let clock = Arc::new(TestClock::default());
    let notes = setup.table::<Note>().await.with_clock(Arc::clone(&clock) as _);
    let mut note = note();
    notes.put_mut(&mut note).send().await.expect("the record is stored");
    assert_eq!(note.version, 1);
    clock.advance(Duration::from_secs(100));
    let written = note.updated;

    let change = notes.update("n").modify(|note| {
        note.text = "b".to_owned();
        (note.version, note.updated) = (70, 7);
    });
    let changed = change.send().await.expect("the change is written").expect("there is a record");
    assert_eq!((changed.text.as_str(), changed.version), ("b", 2));
    assert_eq!(changed.updated, written + 100);
    assert_eq!(notes.get("n").send().await.expect("it opens"), Some(changed));

    let as_new = notes.get("n").not_before_version(2).send().await;
    assert_eq!(as_new.expect("it is that version").map(|note| note.version), Some(2));
    let error = notes.get("n").not_before_version(3).send().await.expect_err("it is older");
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::OlderVersion { not_before: 3 })),
        "{error}"
    );

    let only_managed = notes.update("n").modify(|note| note.version = 70).send().await;
    assert_eq!(only_managed.expect("nothing is written").map(|note| note.version), Some(2));
}

#[tokio::test]
async fn a_change_cannot_move_a_record_or_outgrow_an_item() {
    let setup = Setup::new().await;
    let notes = setup.table::<Note>().await;
    notes.put(&note()).send().await.expect("the record is stored");
    let moved = notes.update("n").modify(|note| note.id = "m".to_owned()).send().await;
    let error = moved.expect_err("the key says where the record is");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::KeyChanged { attribute: "id" })),
        "{error}"
    );

    let grown = async |bytes: usize| {
        notes.update("n").modify(move |note| note.text = "x".repeat(bytes)).send().await
    };
    let error = grown(500_000).await.expect_err("DynamoDB takes 400 KB");
    let ErrorKind::Usage(UsageError::TooLarge { bytes }) = error.kind() else { panic!("{error}") };
    let most = 500_000 - (bytes - 400 * 1024);
    let error = grown(most + 1).await.expect_err("it is one byte too long");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::TooLarge { bytes: 409_601 })),
        "{error}"
    );
    assert_eq!(setup.faults.calls("UpdateItem"), 0);
    // The embedded server counts a byte more for some numbers; that it is asked is what matters
    // here.
    let _ = grown(most).await;
    assert_eq!(setup.faults.calls("UpdateItem"), 1);
}

#[tokio::test]
async fn an_error_has_its_cause_its_table_and_the_id_of_the_request() {
    let setup = Setup::new().await;
    let notes = setup.table::<Note>().await;
    let note = note();

    setup.keys.fail_next(KeyErrorKind::Throttled);
    let error = notes.put(&note).send().await.expect_err("there is no data key");
    let cause = error.key_error().expect("the key provider failed").to_string();
    assert!(error.to_string().ends_with(&cause) && error.source().is_none(), "{error}");
    notes.put(&note).send().await.expect("the record is stored");
    setup.keys.fail_next(KeyErrorKind::Throttled);
    let error = notes.get("n").send().await.expect_err("the data key does not come");
    let cause = error.key_error().expect("the key provider failed").to_string();
    assert!(error.to_string().ends_with(&cause) && error.source().is_none(), "{error}");

    setup.faults.fail_next("GetItem", Injected::error("ResourceNotFoundException"));
    let error = notes.get("n").send().await.expect_err("DynamoDB refuses");
    assert!(error.source().is_none(), "the message says everything");
    assert_eq!(error.record().table(), "notes");
    let ErrorKind::DynamoDb(ServiceError::Request(refused)) = error.kind() else {
        panic!("{error}")
    };
    assert!(refused.request_id().is_some_and(|id| id.starts_with("in-process-")), "{refused:?}");
}

#[tokio::test]
async fn who_must_act_on_a_cancelled_transaction_depends_on_the_reason() {
    let setup = Setup::new().await;
    let notes = setup.table::<Note>().await;
    let note = note();
    for (code, fault) in
        [("ValidationError", Fault::Caller), ("TransactionConflict", Fault::Operator)]
    {
        let body = serde_json::json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "cancelled",
            "CancellationReasons": [{ "Code": code, "Message": "a reason" }],
        });
        let cancelled = Injected::Reply { status: 400, body: body.to_string() };
        setup.faults.fail_always("TransactWriteItems", cancelled);
        let error = transact_write(&setup.dynamodb)
            .put(notes.put(&note))
            .send()
            .await
            .expect_err("it is cancelled");
        assert_eq!(error.fault(), fault, "{error}");
    }
}

/// Writes a number as text.
mod text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "sessions")]
struct Session {
    #[partition_key]
    id: String,
    #[encrypted]
    token: String,
    #[plaintext]
    #[ttl]
    #[serde(with = "text")]
    expires: u64,
}

#[tokio::test]
async fn a_time_to_live_that_dynamodb_would_not_see_is_not_stored() {
    let setup = Setup::new().await;
    let sessions = setup.table::<Session>().await;
    let session = Session { id: "s".to_owned(), token: "t".to_owned(), expires: 4_102_444_800 };
    let error = sessions.put(&session).send().await.expect_err("it is text");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == "expires"),
        "{error}"
    );
    assert_eq!(setup.faults.calls("PutItem"), 0);
}

/// Reads every name in lower case.
mod lower_case {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        String::deserialize(deserializer).map(|name| name.to_lowercase())
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "names")]
#[partition_key(name = "pk", format = "NAME#{name}")]
struct Name {
    #[key]
    #[serde(with = "lower_case")]
    name: String,
    #[encrypted]
    text: String,
}

#[tokio::test]
async fn a_key_that_reads_as_another_is_not_written() {
    let keys = TestKeyProvider::default();
    let name = |name: &str| Name { name: name.to_owned(), text: "t".to_owned() };
    assert!(to_item(&name("zoe"), &keys).await.is_ok());
    let error = to_item(&name("Zoe"), &keys).await.expect_err("it would read as zoe");
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { attribute, .. }) if attribute == "pk"),
        "{error}"
    );
}

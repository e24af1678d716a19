//! `modify`: what it writes, and what it leaves unchanged.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, ServiceError, UsageError, WriteError};
use envelope_dynamo::{Access, Envelope, Error, ErrorKind, Fault};

use super::{Bench, User, payload, user};

#[tokio::test]
async fn modify_writes_only_what_changed() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let mut before = bench.stored("zoe").await.unwrap();
    before.insert("unknown".into(), AttributeValue::S("to the struct".into()));
    bench.plant(before.clone()).await;
    bench.faults.forget_calls();

    let change = |user: &mut User| {
        user.email = format!("new.{}", user.email);
        user.plan = "free".into();
        user.nickname = None;
        user.logins += 1;
        user.history.push("changed".into());
    };
    let mut expected = user("zoe");
    change(&mut expected);
    assert_eq!(users.update("zoe").modify(change).send().await.unwrap(), Some(expected.clone()));
    assert_eq!(users.get("zoe").consistent_read().send().await.unwrap(), Some(expected));
    let after = bench.stored("zoe").await.unwrap();
    assert_ne!(payload(&before), payload(&after));
    assert_eq!(after["unknown"], before["unknown"]);
    bench.assert_nothing_secret_was_sent();

    let requests = bench.faults.requests("UpdateItem");
    let [request] = requests.as_slice() else { panic!("one write") };
    let request: serde_json::Value = serde_json::from_slice(request).unwrap();
    let mut names: Vec<_> =
        request["ExpressionAttributeNames"].as_object().unwrap().values().collect();
    names.sort_by_key(|name| name.to_string());
    let written = ["encrypted_dek", "encrypted_payload", "history", "logins", "nickname", "plan"];
    assert_eq!(names, written, "and not what stays as it is");
}

#[tokio::test]
async fn modify_writes_nothing_if_nothing_changed() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let unchanged =
        users.update("zoe").modify(|user| user.plan = "pro".into()).send().await.unwrap();
    assert_eq!((unchanged, bench.faults.calls("UpdateItem")), (Some(user("zoe")), 0));

    let failed = users
        .update("zoe")
        .condition(|u| u.plan.eq("free"))
        .modify(|_| {})
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(failed.kind(), ErrorKind::Write(WriteError::ConditionFailed)),
        "a condition is looked at all the same: {failed}"
    );
}

#[tokio::test]
async fn modify_of_a_missing_record_changes_nothing() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    let none = users
        .update("nobody")
        .modify(|_| panic!("there is nothing to change"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (none, bench.stored("nobody").await, bench.faults.calls("UpdateItem")),
        (None, None, 0)
    );
}

#[derive(Debug)]
enum Refusal {
    NotAllowed,
    Table(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Table(error)
    }
}

#[tokio::test]
async fn modify_returns_the_error_of_its_closure() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let allowed = |user: &mut User| match user.plan.as_str() {
        "pro" => {
            user.plan = "free".to_owned();
            Ok(())
        }
        _ => Err(Refusal::NotAllowed),
    };
    let changed = users.update("zoe").try_modify(allowed).send().await.unwrap().unwrap();
    assert_eq!(changed.plan, "free");
    assert!(matches!(
        users.update("zoe").try_modify(allowed).send().await,
        Err(Refusal::NotAllowed)
    ));
    assert_eq!(bench.faults.calls("UpdateItem"), 1);
    bench
        .faults
        .fail_always("GetItem", envelope_examples::Fault::error("ResourceNotFoundException"));
    let refused = users.update("zoe").try_modify(allowed).send().await;
    assert!(
        matches!(refused, Err(Refusal::Table(error)) if matches!(error.kind(), ErrorKind::DynamoDb(ServiceError::Request(_))))
    );
}

#[tokio::test]
async fn a_record_cannot_be_changed_into_another() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let error =
        users.update("zoe").modify(|user| user.user_id = "ana".into()).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: the change gives the record another key, `userId`; nothing was sent (put it under the new key \
         and delete it under the old one)"
    );
    assert_eq!((error.fault(), bench.faults.calls("UpdateItem")), (Fault::Caller, 0));

    let large = users
        .update("zoe")
        .modify(|user| user.email = "x".repeat(420_000))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(large.kind(), ErrorKind::Usage(UsageError::TooLarge { .. })), "{large}");
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn modify_and_update_are_written_in_one_request() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    bench.faults.forget_calls();
    let update = || users.update("zoe").add(|u| u.logins, 1).condition(|u| u.logins.lt(5));
    let update = || update().remove(|u| u.nickname);
    for logins in [4, 5] {
        let changed = update().modify(|user| user.email.push('!')).send().await.unwrap().unwrap();
        assert_eq!((changed.logins, changed.nickname.as_deref()), (logins, None));
        assert_eq!(users.get("zoe").send().await.unwrap(), Some(changed));
    }
    let error = update().modify(|user| user.email.push('!')).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    assert_eq!(
        users.open_returned(&error).await.unwrap().unwrap().email,
        format!("{}!!", super::EMAIL)
    );
    assert_eq!(bench.faults.calls("UpdateItem"), 3);

    let refused =
        users.update("zoe").customize(|u| u.update_expression("REMOVE plan")).modify(|_| {});
    assert!(matches!(
        refused.send().await.unwrap_err().kind(),
        ErrorKind::Usage(UsageError::Customized { .. })
    ));
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "drafts")]
struct Old {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    title: String,
    #[encrypted]
    was_sealed: String,
    #[plaintext]
    was_plain: String,
    #[plaintext]
    renamed: u8,
    #[authenticated]
    also_renamed: String,
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "drafts")]
struct New {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    title: String,
    #[plaintext]
    was_sealed: String,
    #[encrypted(accept = "plaintext")]
    was_plain: String,
    #[plaintext]
    #[serde(alias = "renamed")]
    count: u8,
    #[authenticated]
    #[serde(alias = "also_renamed")]
    state: String,
}

#[tokio::test]
async fn a_record_of_older_marks_is_written_under_the_marks_of_the_struct() {
    let bench = Bench::new().await;
    let old = Old {
        id: "d".into(),
        title: "t".into(),
        was_sealed: "s".into(),
        was_plain: "p".into(),
        renamed: 1,
        also_renamed: "a".into(),
    };
    bench.table::<Old>().put(&old).send().await.unwrap();
    let drafts = bench.table::<New>();
    drafts.update("d").modify(|draft| draft.title.push('!')).send().await.unwrap();
    let stored = bench.stored("d").await.unwrap();
    assert!(!stored.contains_key("was_plain"));
    assert!(
        stored.contains_key("also_renamed") && !stored.contains_key("state"),
        "what has not changed keeps its name"
    );
    assert_eq!(stored["was_sealed"], AttributeValue::S("s".into()));
    assert!(
        stored.contains_key("renamed") && !stored.contains_key("count"),
        "plaintext that has not changed stays"
    );

    let expected = New {
        id: "d".into(),
        title: "t!".into(),
        was_sealed: "s".into(),
        was_plain: "p".into(),
        count: 2,
        state: "a".into(),
    };
    let changed = drafts.update("d").modify(|draft| draft.count += 1).send().await.unwrap();
    assert_eq!(changed.as_ref(), Some(&expected));
    assert_eq!(drafts.get("d").send().await.unwrap(), Some(expected));
    assert!(!bench.stored("d").await.unwrap().contains_key("renamed"));
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "drafts")]
struct Narrow {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    title: String,
}

#[tokio::test]
async fn fields_protected_by_a_newer_struct_stay_protected() {
    let bench = Bench::new().await;
    let wide = || Old {
        id: "d".into(),
        title: "t".into(),
        was_sealed: "s".into(),
        was_plain: "p".into(),
        renamed: 1,
        also_renamed: "a".into(),
    };
    let drafts = bench.table::<Old>();
    drafts.put(&wide()).send().await.unwrap();
    bench
        .table::<Narrow>()
        .update("d")
        .modify(|draft| draft.title = "changed".into())
        .send()
        .await
        .unwrap();
    assert_eq!(
        drafts.get("d").send().await.unwrap(),
        Some(Old { title: "changed".into(), ..wide() })
    );

    let mut stored = bench.stored("d").await.unwrap();
    stored.insert("also_renamed".into(), AttributeValue::S("forged".into()));
    bench.plant(stored).await;
    let error = drafts.get("d").send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })),
        "still authenticated: {error}"
    );
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "clinical")]
    diagnosis: Access<String>,
    #[plaintext]
    #[encryption_context]
    ward: String,
    #[plaintext]
    labels: BTreeMap<String, String>,
}

#[tokio::test]
async fn groups_that_have_not_changed_stay_as_they_are_sealed() {
    let bench = Bench::new().await;
    let patients = bench.table::<Patient>();
    let labels =
        BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    let patient = Patient {
        id: "p".into(),
        name: "n".into(),
        diagnosis: Access::Granted("d".into()),
        ward: "w".into(),
        labels,
    };
    patients.put(&patient).send().await.unwrap();
    let clinical = async || bench.stored("p").await.unwrap()["encrypted_payload_clinical"].clone();

    let sealed = clinical().await;
    patients.update("p").modify(|patient| patient.name.push('!')).send().await.unwrap();
    assert_eq!(clinical().await, sealed);
    patients
        .update("p")
        .modify(|patient| patient.diagnosis = Access::Granted("other".into()))
        .send()
        .await
        .unwrap();
    assert_ne!(clinical().await, sealed);
    let sealed = clinical().await;
    let changed = patients.update("p").modify(|patient| {
        patient.ward.push('!');
        patient.labels.remove("a");
        patient.labels.insert("c".to_owned(), "3".to_owned());
    });
    let changed = changed.send().await.unwrap();
    assert_ne!(clinical().await, sealed, "it is bound to the ward");
    assert_eq!(patients.get("p").send().await.unwrap(), changed);
}

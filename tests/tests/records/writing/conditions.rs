//! Conditions of puts and deletes, and the record that they return.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::{DataError, DataKeyError, WriteError};
use envelope_dynamo::{Envelope, ErrorKind, Fault, LocalKeyProvider, RootKey, Table};
use envelope_examples::Fault as Injected;
use envelope_tests::all_it_says;

use super::{Bench, User, user};

#[tokio::test]
async fn a_put_condition_is_checked_against_the_stored_record() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    let zoe = user("zoe");
    let kind = |result: Result<(), envelope_dynamo::Error>| {
        matches!(result.unwrap_err().kind(), ErrorKind::Write(WriteError::ConditionFailed))
    };

    assert!(kind(users.put(&zoe).if_exists().send().await));
    users.put(&zoe).if_not_exists().send().await.unwrap();
    assert!(kind(users.put(&zoe).if_not_exists().send().await));
    users.put(&zoe).if_exists().condition(|stored| stored.logins.le(3)).send().await.unwrap();
    assert!(kind(users.put(&zoe).condition(|stored| stored.logins.lt(3)).send().await));
    users.put(&zoe).condition(|stored| stored.plan.one_of(["free", "pro"])).send().await.unwrap();
}

#[tokio::test]
async fn conditions_compare_what_is_stored_whatever_the_field_is_named_and_written_as() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    let zoe = user("zoe");
    users.put(&zoe).send().await.unwrap();
    users.put(&zoe).condition(|stored| stored.plan_note.begins_with("tri")).send().await.unwrap();
    users.put(&zoe).condition(|stored| stored.colour.eq(zoe.colour)).send().await.unwrap();
    users
        .put(&zoe)
        .condition(|stored| stored.tags.contains("new").and(!stored.tags.contains("old")))
        .send()
        .await
        .unwrap();
    users
        .put(&zoe)
        .condition(|stored| stored.user_id.eq("zoe").and(stored.nickname.exists()))
        .send()
        .await
        .unwrap();
    users.put(&zoe).condition(|stored| stored.colour.eq(1)).send().await.unwrap_err();
    bench.assert_nothing_secret_was_sent();
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "notes")]
struct Note<L: Clone, const N: usize> {
    #[partition_key]
    #[serde(rename = "userId")]
    id: String,
    #[encrypted]
    text: String,
    #[plaintext]
    label: L,
    #[serde(skip)]
    sizes: std::marker::PhantomData<[u8; N]>,
}

#[tokio::test]
async fn conditions_of_generic_records_take_the_type_of_the_record() {
    let bench = Bench::new().await;
    let notes = bench.table::<Note<u16, 3>>();
    let note =
        Note { id: "n".into(), text: "t".into(), label: 7_u16, sizes: std::marker::PhantomData };
    notes.put(&note).condition(|stored| stored.label.not_exists()).send().await.unwrap();
    notes.put(&note).condition(|stored| stored.label.between(7, 9)).send().await.unwrap();
    notes.delete("n").condition(|stored| stored.label.gt(7)).send().await.unwrap_err();
    notes.delete("n").condition(|stored| stored.label.ge(7)).send().await.unwrap();
}

#[tokio::test]
async fn a_delete_condition_is_checked_against_the_stored_record() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let error =
        users.delete("zoe").condition(|stored| stored.plan.eq("free")).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)));
    assert_eq!(
        (error.fault(), error.is_retryable(), error.is_in_doubt()),
        (Fault::Caller, false, false)
    );
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: the condition did not hold; nothing was written"
    );
    let delete = users.delete("zoe").condition(|stored| stored.plan.eq("pro"));
    delete.condition(|stored| stored.logins.eq(3)).send().await.unwrap();
    assert!(bench.stored("zoe").await.is_none());
    users.delete("zoe").send().await.unwrap();
    users.delete("zoe").if_exists().send().await.unwrap_err();
}

#[tokio::test]
async fn the_old_record_comes_back_opened() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    assert_eq!(users.put(&user("zoe")).returning_old().send().await.unwrap(), None);
    let newer = User { email: "other@example.com".into(), ..user("zoe") };
    assert_eq!(users.put(&newer).returning_old().send().await.unwrap(), Some(user("zoe")));
    assert_eq!(users.delete("zoe").if_exists().returning_old().send().await.unwrap(), Some(newer));
    assert_eq!(users.delete("zoe").returning_old().send().await.unwrap(), None);
}

#[tokio::test]
async fn the_record_of_a_failed_condition_opens_but_is_not_printed() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let other = User { email: "other@example.com".into(), nickname: None, ..user("zoe") };
    let put = users.put(&other).if_not_exists().send().await.unwrap_err();
    let delete =
        users.delete("zoe").condition(|stored| stored.logins.gt(3)).send().await.unwrap_err();
    let update = users
        .update("zoe")
        .add(|u| u.logins, 1)
        .condition(|u| u.logins.gt(3))
        .send()
        .await
        .unwrap_err();
    bench.faults.forget_calls();
    for error in [put, delete, update] {
        assert_eq!(users.open_returned(&error).await.unwrap(), Some(user("zoe")));
        let told = all_it_says(&error);
        assert!(!told.contains("trial") && !told.contains("encrypted_payload"), "{told}");
    }
    assert_eq!(bench.faults.all_requests().len(), 0, "nothing is read again");

    let absent = users.put(&other).if_not_exists().condition(|u| u.logins.gt(7)).send().await;
    let found = users.open_returned(&absent.unwrap_err()).await.unwrap();
    assert_eq!(found, Some(user("zoe")));
    let none = users.delete("nobody").if_exists().send().await.unwrap_err();
    assert_eq!(users.open_returned(&none).await.unwrap(), None);
}

#[tokio::test]
async fn a_returned_record_opens_only_for_the_key_asked_for() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    for id in ["zoe", "ana"] {
        users.put(&user(id)).send().await.unwrap();
    }
    let mut moved = bench.stored("ana").await.unwrap();
    moved.insert("userId".into(), AttributeValue::S("zoe".into()));
    bench.plant(moved).await;
    let error = users.put(&user("zoe")).if_not_exists().send().await.unwrap_err();
    let refused = users.open_returned(&error).await.unwrap_err();
    assert!(
        matches!(
            refused.kind(),
            ErrorKind::Key(DataKeyError::Unwrap(_))
                | ErrorKind::Data(DataError::NotAuthentic { .. })
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_lost_answer_is_not_a_failed_condition() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    users.put(&user("zoe")).if_not_exists().send().await.unwrap();
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    users
        .put(&User { logins: 4, ..user("zoe") })
        .condition(|stored| stored.logins.eq(3))
        .send()
        .await
        .unwrap();
    assert_eq!(bench.faults.calls("PutItem"), 4);

    // A delete leaves no trace, so its outcome stays unknown.
    bench.faults.fail_next("DeleteItem", Injected::LoseReply);
    let error = users.delete("zoe").if_exists().send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed))
            && error.is_in_doubt(),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: the condition did not hold; an answer was lost, so the write may have been carried out (read the record to find out)"
    );
}

#[tokio::test]
async fn an_error_says_whether_the_write_may_have_happened() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    let zoe = user("zoe");
    for (fault, in_doubt) in [
        (Injected::error("ThrottlingException"), false),
        (Injected::error("ResourceNotFoundException"), false),
        (Injected::Io, true),
        (Injected::Timeout, true),
        (Injected::LoseReply, true),
        (Injected::Reply { status: 500, body: "{}".into() }, true),
        (Injected::Reply { status: 200, body: "no JSON".into() }, true),
    ] {
        for operation in ["PutItem", "UpdateItem", "DeleteItem"] {
            bench.faults.fail_always(operation, fault.clone());
        }
        let update = users.update("zoe").add(|u| u.logins, 1);
        for error in [
            users.put(&zoe).send().await.unwrap_err(),
            update.send().await.unwrap_err(),
            users.delete("zoe").send().await.unwrap_err(),
        ] {
            assert_eq!(error.is_in_doubt(), in_doubt, "{fault:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_handle_that_only_writes_puts_with_conditions() {
    let bench = Bench::new().await;
    let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
    let dynamodb = bench.servers.dynamodb_through(&bench.faults);
    let users = Table::<User, _>::write_only(dynamodb, provider).named(bench.name.clone());
    users.put(&user("zoe")).if_not_exists().send().await.unwrap();
    bench.faults.fail_next("PutItem", Injected::LoseReply);
    users.put(&user("zoe")).condition(|stored| stored.logins.eq(3)).send().await.unwrap();
    users.update("zoe").add(|u| u.logins, 1).send().await.unwrap();
    users.delete("zoe").condition(|stored| stored.logins.eq(4)).send().await.unwrap();
}

//! Updates of plaintext attributes in place.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::WriteError;
use envelope_dynamo::{ErrorKind, KmsKeyProvider, Table};
use envelope_examples::Fault as Injected;

use super::{Bench, User, payload, user};

fn set(elements: &[&str]) -> BTreeSet<String> {
    elements.iter().map(|&element| element.to_owned()).collect()
}

#[tokio::test]
async fn plaintext_updates_in_place_leave_the_payload_unchanged() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let before = bench.stored("zoe").await.unwrap();

    let update = users
        .update("zoe")
        .set(|u| u.plan_note, "paid")
        .set(|u| u.colour, 0x10_u32)
        .add(|u| u.logins, 2)
        .remove(|u| u.nickname)
        .append(|u| u.history, vec!["paid".to_owned()])
        .add_elements(|u| u.tags, set(&["a", "b"]));
    let changed = update.condition(|u| u.logins.eq(3)).returning_new().send().await.unwrap();
    let expected = User {
        plan_note: "paid".into(),
        colour: 0x10,
        logins: 5,
        nickname: None,
        history: vec!["created".into(), "paid".into()],
        tags: set(&["a", "b", "new"]),
        ..user("zoe")
    };
    assert_eq!(changed, expected);
    assert_eq!(users.get("zoe").consistent_read().send().await.unwrap(), Some(expected));
    let after = bench.stored("zoe").await.unwrap();
    assert_eq!(payload(&before), payload(&after));
    assert_eq!(before["encrypted_dek"], after["encrypted_dek"]);
    assert_eq!(after["colour"], AttributeValue::S("#000010".into()));
    bench.assert_nothing_secret_was_sent();
}

#[tokio::test]
async fn set_if_absent_keeps_an_existing_value() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&User { nickname: None, ..user("zoe") }).send().await.unwrap();
    let update = || {
        users
            .update("zoe")
            .set_if_absent(|u| u.nickname, "zo")
            .set_if_absent(|u| u.plan_note, "none")
    };
    let changed = update().returning_new().send().await.unwrap();
    assert_eq!((changed.nickname.as_deref(), changed.plan_note.as_str()), (Some("zo"), "trial"));

    let update = users
        .update("zoe")
        .delete_elements(|u| u.tags, set(&["new", "never"]))
        .add(|u| u.logins, -3);
    let changed = update.returning_new().send().await.unwrap();
    assert_eq!((changed.tags, changed.logins), (set(&[]), 0));
    let nothing = users
        .update("zoe")
        .add_elements(|u| u.tags, set(&[]))
        .returning_new()
        .send()
        .await
        .unwrap();
    assert_eq!(nothing.tags, set(&[]));
}

#[tokio::test]
async fn an_update_never_creates_a_record() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    for error in [
        users.update("nobody").add(|u| u.logins, 1).send().await.unwrap_err(),
        users.update("nobody").send().await.unwrap_err(),
        users
            .update("nobody")
            .set(|u| u.plan_note, "x")
            .condition(|u| u.logins.not_exists())
            .send()
            .await
            .unwrap_err(),
        users.update("nobody").remove(|u| u.nickname).send().await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Write(WriteError::NoRecord)), "{error}");
        assert_eq!(
            error.to_string(),
            "users[userId=nobody]: there is no record under this key; an update never creates one"
        );
    }
    assert!(bench.stored("nobody").await.is_none());
    users.put(&user("zoe")).send().await.unwrap();
    users.update("zoe").send().await.unwrap();
    let error = users
        .update("zoe")
        .add(|u| u.logins, 1)
        .condition(|u| u.logins.gt(9))
        .send()
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
}

#[tokio::test]
async fn an_update_needs_no_key() {
    let bench = Bench::new().await;
    let unreachable = KmsKeyProvider::new(bench.servers.kms_through(&bench.faults), "alias/none");
    let dynamodb = bench.servers.dynamodb_through(&bench.faults);
    bench.table::<User>().put(&user("zoe")).send().await.unwrap();
    let users = Table::<User>::new(dynamodb, unreachable).named(bench.name.clone());
    bench.faults.forget_calls();
    users.update("zoe").add(|u| u.logins, 1).send().await.unwrap();
    assert_eq!((bench.faults.all_requests().len(), bench.faults.calls("UpdateItem")), (1, 1));
}

#[tokio::test]
async fn several_changes_and_conditions_stand_in_one_update() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    let update = users.update("zoe").add(|u| u.logins, 1).condition(|u| u.plan.eq("pro"));
    let update =
        update.set(|u| u.plan_note, "mine").set(|u| u.history.at(1), "mine").remove(|u| u.nickname);
    let changed =
        update.condition(|u| u.history.size().lt(9)).returning_new().send().await.unwrap();
    assert_eq!((changed.plan_note.as_str(), changed.logins, changed.nickname), ("mine", 4, None));
    assert_eq!(changed.history, ["created", "mine"]);
}

#[tokio::test]
async fn an_update_expression_given_as_text_is_refused_early() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    for expression in [
        "SET email = :v",
        "REMOVE userId",
        "ADD encrypted_payload :v",
        "SET#p=:v",
        "REMOVE plan[0]",
    ] {
        let update = users.update("zoe").customize(|update| {
            update
                .update_expression(expression)
                .expression_attribute_names("#p", "plan")
                .expression_attribute_values(":v", AttributeValue::S("x".into()))
        });
        let error = update.send().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "users[userId=zoe]: `customize` must not set `update_expression`: use `.set(..)`, `.add(..)`, `.remove(..)` \
             and their like, which cannot name what is sealed; nothing was sent"
        );
    }
    assert!(bench.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_required_attribute_cannot_be_removed() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    bench.faults.forget_calls();
    let error = users.update("zoe").remove(|u| u.plan_note).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "users[userId=zoe]: `plan.note` is required: a record without it could not be read, so it cannot be removed"
    );
    assert!(bench.faults.all_requests().is_empty());
    let changed = users
        .update("zoe")
        .remove(|u| u.history)
        .remove(|u| u.colour)
        .returning_new()
        .send()
        .await
        .unwrap();
    assert_eq!((changed.history.len(), changed.colour), (0, 0));
}

/// What the documentation of `add` warns of, and what it advises.
#[tokio::test]
async fn a_lost_answer_adds_twice_unless_the_condition_says_what_was_there() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    bench.faults.fail_next("UpdateItem", Injected::LoseReply);
    users.update("zoe").add(|u| u.logins, 1).send().await.unwrap();
    assert_eq!(bench.stored("zoe").await.unwrap()["logins"], AttributeValue::N("5".into()));

    bench.faults.fail_next("UpdateItem", Injected::LoseReply);
    let error = users
        .update("zoe")
        .add(|u| u.logins, 1)
        .condition(|u| u.logins.eq(5))
        .send()
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed))
            && error.is_in_doubt(),
        "{error}"
    );
    assert_eq!(users.open_returned(&error).await.unwrap().unwrap().logins, 6);
}

#[tokio::test]
async fn throttled_updates_are_tried_again() {
    let bench = Bench::new().await;
    let users = bench.table::<User>();
    users.put(&user("zoe")).send().await.unwrap();
    for fault in [Injected::error("ThrottlingException"), Injected::Io] {
        bench.faults.fail_next("UpdateItem", fault);
    }
    users.update("zoe").add(|u| u.logins, 1).send().await.unwrap();
    assert_eq!(bench.stored("zoe").await.unwrap()["logins"], AttributeValue::N("4".into()));
}

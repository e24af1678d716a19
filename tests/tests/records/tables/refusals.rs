//! Records that do not open, and requests that are refused before they are sent.

use envelope_dynamo::error::{DataError, ServiceError, UsageError, WriteError};

use super::*;

fn assert_refused(result: Result<Option<User>, Error>) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.fault(), Fault::Data, "{error}");
    assert!(!error.is_retryable());
    error
}

#[tokio::test]
async fn a_record_moved_to_another_key_does_not_open() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let mut item = setup.stored(user_key("alice")).await.unwrap();
    item.extend(user_key("mallory"));
    setup.plant(item).await;
    let error = assert_refused(setup.table.get("mallory").send().await);
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch);
    assert!(error.to_string().starts_with("users[user_id=mallory]: "), "{error}");
}

/// With `kms_context = "table"` KMS does not see the record's key. AES-GCM refuses the record.
#[tokio::test]
async fn a_record_moved_to_another_key_does_not_open_even_if_kms_does_not_notice() {
    let setup = TestTable::<Document>::new().await;
    setup.table.put(&Document { digest: vec![1], body: b"secret".to_vec() }).send().await.unwrap();
    let key = |byte| Item::from([("digest".to_owned(), AttributeValue::B(Blob::new([byte])))]);
    let mut item = setup.stored(key(1)).await.unwrap();
    item.extend(key(2));
    setup.plant(item).await;
    let error = setup.table.get(&[2]).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    assert_eq!(error.to_string().split(": ").next(), Some("blobs[digest=(withheld)]"));
}

#[tokio::test]
async fn parts_of_two_records_cannot_be_exchanged() {
    let setup = users().await;
    for id in ["alice", "bob"] {
        setup.table.put(&user(id)).send().await.unwrap();
    }
    let (alice, bob) = (
        setup.stored(user_key("alice")).await.unwrap(),
        setup.stored(user_key("bob")).await.unwrap(),
    );
    for parts in
        [&["encrypted_payload"][..], &["encrypted_dek"], &["encrypted_payload", "encrypted_dek"]]
    {
        let mut item = alice.clone();
        for part in parts {
            item.insert((*part).to_owned(), bob[*part].clone());
        }
        setup.plant(item).await;
        assert_refused(setup.table.get("alice").send().await);
    }
}

#[tokio::test]
async fn authenticated_attributes_cannot_be_changed_and_plaintext_ones_can() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let original = setup.stored(user_key("alice")).await.unwrap();

    for changed in [Some("enterprise"), None] {
        let mut item = original.clone();
        match changed {
            Some(plan) => drop(item.insert("plan".into(), AttributeValue::S(plan.into()))),
            None => drop(item.remove("plan")),
        }
        setup.plant(item).await;
        let error = assert_refused(setup.table.get("alice").send().await);
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
    }

    let mut item = original.clone();
    item.insert("tenant".into(), AttributeValue::S("t2".into()));
    setup.plant(item).await;
    assert_refused(setup.table.get("alice").send().await);

    let mut item = original;
    item.insert("logins".into(), AttributeValue::N("4".into()));
    item.insert("someone_elses".into(), AttributeValue::Bool(true));
    setup.plant(item).await;
    assert_eq!(
        setup.table.get("alice").send().await.unwrap(),
        Some(User { logins: 4, ..user("alice") })
    );
}

#[tokio::test]
async fn a_record_of_one_table_does_not_open_in_another() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "admins", context(purpose = "pii"))]
    struct Admin {
        #[partition_key]
        user_id: String,
        #[encrypted]
        email: String,
        #[authenticated]
        #[encryption_context]
        tenant: String,
    }
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let provider = KmsKeyProvider::new(setup.servers.kms().clone(), setup.servers.kms_key_id());
    let error = from_item::<Admin>(setup.stored(user_key("alice")).await.unwrap(), &provider)
        .await
        .unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch, "{error}");
}

#[tokio::test]
async fn a_record_stored_in_plaintext_is_an_error_that_says_so() {
    let setup = users().await;
    let mut item = user_key("alice");
    item.insert("email".into(), AttributeValue::S("alice@example.com".into()));
    setup.plant(item).await;
    let error = assert_refused(setup.table.get("alice").send().await);
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)), "{error}");
    assert!(error.to_string().contains("stored in plaintext"), "{error}");
    assert!(!error.to_string().contains("alice@example.com"), "{error}");
}

#[tokio::test]
async fn half_a_record_is_an_error_that_says_which_half() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let whole = setup.stored(user_key("alice")).await.unwrap();
    for (present, absent) in
        [("encrypted_payload", "encrypted_dek"), ("encrypted_dek", "encrypted_payload")]
    {
        let mut item = whole.clone();
        item.remove(absent);
        setup.plant(item).await;
        let error = assert_refused(setup.table.get("alice").send().await);
        assert!(
            error.to_string().contains(&format!("has `{present}` but no `{absent}`")),
            "{error}"
        );
    }
    let mut item = whole;
    item.insert("encrypted_dek".into(), AttributeValue::S("AQ==".into()));
    setup.plant(item).await;
    let error = assert_refused(setup.table.get("alice").send().await);
    assert!(error.to_string().contains("`encrypted_dek` has type S"), "{error}");
}

#[tokio::test]
async fn a_put_may_require_that_no_record_exists() {
    let setup = users().await;
    setup.table.put(&user("alice")).if_not_exists().send().await.unwrap();
    let error = setup.table.put(&user("alice")).if_not_exists().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Write(WriteError::ConditionFailed)), "{error}");
    let with_condition = |logins: u64| {
        let alice = user("alice");
        let table = setup.table.clone();
        async move { table.put(&alice).condition(|stored| stored.logins.eq(logins)).send().await }
    };
    with_condition(3).await.unwrap();
    assert!(matches!(
        with_condition(4).await.unwrap_err().kind(),
        ErrorKind::Write(WriteError::ConditionFailed)
    ));
}

#[tokio::test]
async fn both_conditions_of_a_put_hold_together() {
    let setup = users().await;
    let put = || {
        let alice = user("alice");
        let table = setup.table.clone();
        async move {
            let put = table
                .put(&alice)
                .condition(|stored| stored.logins.not_exists().or(stored.logins.lt(10)));
            put.if_not_exists().send().await
        }
    };
    put().await.unwrap();
    assert!(matches!(
        put().await.unwrap_err().kind(),
        ErrorKind::Write(WriteError::ConditionFailed)
    ));
}

#[tokio::test]
async fn an_expression_that_is_a_string_is_refused_before_anything_is_sent() {
    let setup = users().await;
    let secret = || AttributeValue::S("s3cr3t".into());
    let alice = user("alice");
    let put = setup.table.put(&alice).customize(|put| {
        put.condition_expression("email = :email").expression_attribute_values(":email", secret())
    });
    let direct = put.send().await.unwrap_err();
    let put = setup.table.put(&alice).customize(|put| {
        put.condition_expression("#e = :email")
            .expression_attribute_names("#e", "email")
            .expression_attribute_values(":email", secret())
    });
    let by_placeholder = put.send().await.unwrap_err();
    let delete = setup.table.delete("alice").customize(|delete| {
        delete
            .condition_expression("contains(notes, :n)")
            .expression_attribute_values(":n", secret())
    });
    let delete = delete.send().await.unwrap_err();
    for error in [direct, by_placeholder, delete] {
        let ErrorKind::Usage(UsageError::Customized { setting: "condition_expression", .. }) =
            error.kind()
        else {
            panic!("{error}")
        };
        assert_eq!(error.fault(), Fault::Caller);
    }
    assert!(setup.faults.all_requests().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_projection_is_refused() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let get = setup.table.get("alice").customize(|get| get.projection_expression("plan"));
    let error = get.send().await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Usage(UsageError::Customized { setting: "projection_expression", .. })
        ),
        "{error}"
    );
    assert_eq!(setup.table.get("alice").send().await.unwrap(), Some(user("alice")));
}

#[tokio::test]
async fn a_key_that_cannot_be_a_key_is_refused_before_anything_is_sent() {
    let setup = users().await;
    let error = setup.table.get("").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
    let error = setup.table.put(&user(&"k".repeat(2049))).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
    assert!(setup.faults.all_requests().is_empty());
}

/// The other parts of the context are unknown before the record is read, whatever the order of the
/// fields.
#[tokio::test]
async fn a_key_is_checked_before_the_rest_of_the_context_is_known() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "visits")]
    struct Visit {
        #[authenticated]
        #[encryption_context]
        tenant: String,
        #[partition_key]
        id: String,
        #[encrypted]
        text: String,
    }
    let setup = TestTable::<Visit>::new().await;
    assert_eq!(setup.table.get("v_1").send().await.unwrap(), None);
    setup.faults.forget_calls();
    for error in [
        setup.table.get("").send().await.unwrap_err(),
        setup.table.delete("").send().await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Attribute { .. })), "{error}");
    }
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_reported_with_the_record() {
    let setup = users().await;
    let nowhere = unique_name("nowhere");
    let error = setup.table.clone().named(nowhere.clone()).get("alice").send().await.unwrap_err();
    let ErrorKind::DynamoDb(ServiceError::Request(dynamodb)) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(dynamodb.code(), Some("ResourceNotFoundException"));
    assert_eq!(error.fault(), Fault::Operator);
    let expected = format!(
        "users[user_id=alice]: GetItem on the table {nowhere} was refused: ResourceNotFoundException"
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
}

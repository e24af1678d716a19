//! Records that are written and read successfully.

use super::*;

#[tokio::test]
async fn a_record_comes_back_as_it_was_stored() {
    let TestTable { table, .. } = users().await;
    let alice = user("alice");
    assert_eq!(table.get("alice").send().await.unwrap(), None);
    table.put(&alice).send().await.unwrap();
    assert_eq!(table.get("alice").send().await.unwrap(), Some(alice.clone()));
    assert_eq!(table.get(&alice.user_id).consistent_read().send().await.unwrap(), Some(alice));
    table.delete("alice").send().await.unwrap();
    assert_eq!(table.get("alice").send().await.unwrap(), None);
    table.delete("alice").send().await.unwrap();
}

#[tokio::test]
async fn a_call_that_is_awaited_is_sent() {
    let TestTable { table, .. } = users().await;
    table.put(&user("alice")).send().await.unwrap();
    assert_eq!(table.get("alice").consistent_read().send().await.unwrap(), Some(user("alice")));
    table.delete("alice").send().await.unwrap();
    assert_eq!(table.get("alice").send().await.unwrap(), None);
}

#[tokio::test]
async fn tables_with_sort_keys_are_read_by_both_keys() {
    let TestTable { table, .. } = TestTable::<Order>::new().await;
    for placed in [1, 2] {
        let order = Order {
            customer: "c".into(),
            placed,
            card: format!("4111 {placed}"),
            state: "paid".into(),
        };
        table.put(&order).send().await.unwrap();
    }
    assert_eq!(table.get(("c", 2)).send().await.unwrap().unwrap().card, "4111 2");
    table.delete(("c", 2)).send().await.unwrap();
    assert_eq!(table.get(("c", 2)).send().await.unwrap(), None);
    assert_eq!(table.get(("c", 1)).send().await.unwrap().unwrap().card, "4111 1");
}

#[tokio::test]
async fn keys_may_be_bytes_and_payloads_large() {
    let TestTable { table, .. } = TestTable::<Document>::new().await;
    let document = Document { digest: vec![0, 255, 7], body: vec![0x5a; 300 * 1024] };
    table.put(&document).send().await.unwrap();
    assert_eq!(table.get(&[0, 255, 7]).send().await.unwrap(), Some(document));
}

#[tokio::test]
async fn nothing_secret_leaves_the_process() {
    let TestTable { table, faults, .. } = users().await;
    table.put(&user("alice")).send().await.unwrap();
    table.get("alice").send().await.unwrap();
    let sent = faults.all_requests();
    assert!(sent.len() >= 4, "GenerateDataKey, PutItem, GetItem, Decrypt: {}", sent.len());
    for request in sent {
        let text = String::from_utf8_lossy(&request);
        assert!(!text.contains("s3cr3t") && !text.contains("秘密"), "{text}");
    }
}

#[tokio::test]
async fn one_call_of_each_kind_per_write_and_per_read() {
    let TestTable { table, faults, .. } = users().await;
    table.put(&user("alice")).send().await.unwrap();
    assert_eq!(
        (faults.calls("GenerateDataKey"), faults.calls("PutItem"), faults.calls("Decrypt")),
        (1, 1, 0)
    );
    table.get("alice").send().await.unwrap();
    assert_eq!(
        (faults.calls("GenerateDataKey"), faults.calls("GetItem"), faults.calls("Decrypt")),
        (1, 1, 1)
    );
    table.get("nobody").send().await.unwrap();
    assert_eq!(faults.calls("Decrypt"), 1);
}

#[tokio::test]
async fn kms_is_shown_the_context_in_the_form_that_was_chosen() {
    let TestTable { table, faults, .. } = users().await;
    table.put(&user("alice")).send().await.unwrap();
    let context = |request: &[u8]| {
        let request: serde_json::Value = serde_json::from_slice(request).unwrap();
        request["EncryptionContext"].clone()
    };
    let [request] = faults.requests("GenerateDataKey").try_into().unwrap();
    let expected = serde_json::json!({ "table": "users", "partition_key": "alice", "tenant": "t1", "purpose": "pii" });
    assert_eq!(context(&request), expected);

    let TestTable { table, faults, .. } = TestTable::<Order>::new().await;
    let order = Order {
        customer: "zoe@example.com".into(),
        placed: 1,
        card: "4111".into(),
        state: "paid".into(),
    };
    table.put(&order).send().await.unwrap();
    let [request] = faults.requests("GenerateDataKey").try_into().unwrap();
    let hashed = context(&request);
    assert!(!hashed.to_string().contains("zoe"), "{hashed}");
    assert_eq!(hashed["partition_key"].as_str().unwrap().len(), 44);
    assert_eq!(hashed["table"], "orders");

    let TestTable { table, faults, .. } = TestTable::<Document>::new().await;
    table.put(&Document { digest: vec![1], body: vec![] }).send().await.unwrap();
    let [request] = faults.requests("GenerateDataKey").try_into().unwrap();
    assert_eq!(context(&request), serde_json::json!({ "table": "blobs" }));
}

#[tokio::test]
async fn the_item_has_keys_readable_attributes_and_two_sealed_ones() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let item = setup.stored(user_key("alice")).await.unwrap();
    let mut names: Vec<_> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["encrypted_dek", "encrypted_payload", "logins", "plan", "tenant", "user_id"]
    );
    assert_eq!(item["logins"], AttributeValue::N("3".into()));
}

#[tokio::test]
async fn the_physical_table_may_have_any_name() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let restored = unique_name("restored");
    create_table(setup.servers.dynamodb(), &restored, ("user_id", S), None).await.unwrap();
    let copy = setup.table.clone().named(restored.clone());
    let item = setup.stored(user_key("alice")).await.unwrap();
    setup
        .servers
        .dynamodb()
        .put_item()
        .table_name(&restored)
        .set_item(Some(item))
        .send()
        .await
        .unwrap();
    assert_eq!(copy.get("alice").send().await.unwrap(), Some(user("alice")));
}

#[tokio::test]
async fn into_sdk_returns_the_sealed_request() {
    let setup = users().await;
    let alice = user("alice");
    let put = setup.table.put(&alice).into_sdk().await.unwrap();
    let output =
        put.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld).send().await.unwrap();
    assert_eq!(output.attributes, None);
    assert_eq!(setup.table.get("alice").send().await.unwrap(), Some(alice));
}

#[tokio::test]
async fn a_service_that_only_wraps_can_write_what_another_reads() {
    let setup = users().await;
    let wrapper = KmsKeyWrapper::new(setup.servers.kms().clone(), setup.servers.kms_key_id());
    let ingest = Table::<User, _>::write_only(setup.servers.dynamodb().clone(), wrapper)
        .named(setup.table.name());
    ingest.put(&user("alice")).send().await.unwrap();
    assert_eq!(setup.table.get("alice").send().await.unwrap(), Some(user("alice")));
}

/// The keys convert from these types: the test is that it compiles.
#[test]
fn keys_convert_from_borrowed_and_literal_forms() {
    fn accepts<T: Envelope>(_: impl IntoKey<T::Key>) {}
    let id = "alice".to_owned();
    accepts::<User>("alice");
    accepts::<User>(&id);
    accepts::<Order>(("c", 7));
    accepts::<Order>((&id, &7));
    accepts::<Document>(&[1, 2, 3]);
    accepts::<Document>(vec![1]);
    accepts::<User>(id);
}

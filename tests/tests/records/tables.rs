//! Tables and keys against DynamoDB and KMS: embedded ones, or those that the environment names.
//!
//! Each test has tables and keys of its own, so that they can run side by side on shared servers.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, DataKey, EncryptionContext,
    Envelope, Error, ErrorKind, Fault, GeneratedKey, HierarchicalKeyProvider, IntoKey,
    KeyErrorKind, KeyFuture, KeyKind, KmsKeyProvider, KmsKeyWrapper, Table, WrapKey, WrappedKey,
    from_item, to_item,
};
use envelope_examples::servers::{create_kms_key, create_table, disable_kms_key, unique_name};
use envelope_examples::{Faults, Servers};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", context(purpose = "pii"))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    notes: Vec<String>,
    #[authenticated]
    plan: String,
    #[authenticated]
    #[encryption_context]
    tenant: String,
    #[plaintext]
    logins: u64,
}

fn user(id: &str) -> User {
    User {
        user_id: id.into(),
        email: format!("{id}-s3cr3t@example.com"),
        notes: vec!["s3cr3t".into(), String::new(), "тайна 秘密 🤫".into()],
        plan: "pro".into(),
        tenant: "t1".into(),
        logins: 3,
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders", kms_context = "hashed")]
struct Order {
    #[partition_key]
    customer: String,
    #[sort_key]
    placed: u64,
    #[encrypted]
    card: String,
    #[plaintext]
    state: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "blobs", kms_context = "table")]
struct Document {
    #[partition_key]
    #[serde(with = "bytes")]
    digest: Vec<u8>,
    #[encrypted]
    #[serde(with = "bytes")]
    body: Vec<u8>,
}

/// A `Vec<u8>` as B, as `serde_bytes` does it.
mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

type Item = HashMap<String, AttributeValue>;
use ScalarAttributeType::{B, N, S};

/// The servers, and a table of records of type `T` on them.
struct Setup<T> {
    servers: Servers,
    table: Table<T>,
    faults: Faults,
}

async fn setup<T: Envelope>(
    partition: (&str, ScalarAttributeType),
    sort: Option<(&str, ScalarAttributeType)>,
) -> Setup<T> {
    let servers = Servers::from_env().await.unwrap();
    let faults = Faults::new();
    let physical = unique_name(T::TABLE);
    create_table(servers.dynamodb(), &physical, partition, sort).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms_through(&faults), servers.kms_key_id());
    let table = Table::new(servers.dynamodb_through(&faults), provider).named(physical);
    Setup { servers, table, faults }
}

async fn users() -> Setup<User> {
    setup(("user_id", S), None).await
}

impl<T: Envelope> Setup<T> {
    async fn raw(&self, key: Item) -> Item {
        let get =
            self.servers.dynamodb().get_item().table_name(self.table.name()).set_key(Some(key));
        get.consistent_read(true).send().await.unwrap().item.unwrap()
    }

    async fn put_raw(&self, item: Item) {
        let put =
            self.servers.dynamodb().put_item().table_name(self.table.name()).set_item(Some(item));
        put.send().await.unwrap();
    }
}

fn key_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap()
}

fn user_key(id: &str) -> Item {
    Item::from([("user_id".to_owned(), AttributeValue::S(id.to_owned()))])
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_stored() {
    let Setup { table, .. } = users().await;
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
    let Setup { table, .. } = users().await;
    table.put(&user("alice")).await.unwrap();
    assert_eq!(table.get("alice").consistent_read().await.unwrap(), Some(user("alice")));
    table.delete("alice").await.unwrap();
    assert_eq!(table.get("alice").await.unwrap(), None);
}

#[tokio::test]
async fn tables_with_sort_keys_are_read_by_both_keys() {
    let Setup { table, .. } = setup::<Order>(("customer", S), Some(("placed", N))).await;
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
    let Setup { table, .. } = setup::<Document>(("digest", B), None).await;
    let document = Document { digest: vec![0, 255, 7], body: vec![0x5a; 300 * 1024] };
    table.put(&document).send().await.unwrap();
    assert_eq!(table.get(&[0, 255, 7]).send().await.unwrap(), Some(document));
}

#[tokio::test]
async fn nothing_secret_leaves_the_process() {
    let Setup { table, faults, .. } = users().await;
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
    let Setup { table, faults, .. } = users().await;
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
    let Setup { table, faults, .. } = users().await;
    table.put(&user("alice")).send().await.unwrap();
    let context = |request: &[u8]| {
        let request: serde_json::Value = serde_json::from_slice(request).unwrap();
        request["EncryptionContext"].clone()
    };
    let [request] = faults.requests("GenerateDataKey").try_into().unwrap();
    let expected = serde_json::json!({ "table": "users", "partition_key": "alice", "tenant": "t1", "purpose": "pii" });
    assert_eq!(context(&request), expected);

    let Setup { table, faults, .. } = setup::<Order>(("customer", S), Some(("placed", N))).await;
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

    let Setup { table, faults, .. } = setup::<Document>(("digest", B), None).await;
    table.put(&Document { digest: vec![1], body: vec![] }).send().await.unwrap();
    let [request] = faults.requests("GenerateDataKey").try_into().unwrap();
    assert_eq!(context(&request), serde_json::json!({ "table": "blobs" }));
}

#[tokio::test]
async fn the_item_has_keys_readable_attributes_and_two_sealed_ones() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let item = setup.raw(user_key("alice")).await;
    let mut names: Vec<_> = item.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["encrypted_dek", "encrypted_payload", "logins", "plan", "tenant", "user_id"]
    );
    assert_eq!(item["logins"], AttributeValue::N("3".into()));
}

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
    let mut item = setup.raw(user_key("alice")).await;
    item.extend(user_key("mallory"));
    setup.put_raw(item).await;
    let error = assert_refused(setup.table.get("mallory").send().await);
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch);
    assert!(error.to_string().starts_with("users[user_id=mallory]: "), "{error}");
}

/// Where KMS does not know the record's key, AES-GCM does.
#[tokio::test]
async fn a_record_moved_to_another_key_does_not_open_even_if_kms_does_not_notice() {
    let setup = setup::<Document>(("digest", B), None).await;
    setup.table.put(&Document { digest: vec![1], body: b"secret".to_vec() }).send().await.unwrap();
    let key = |byte| Item::from([("digest".to_owned(), AttributeValue::B(Blob::new([byte])))]);
    let mut item = setup.raw(key(1)).await;
    item.extend(key(2));
    setup.put_raw(item).await;
    let error = setup.table.get(&[2]).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAuthentic { .. }), "{error}");
    assert_eq!(error.to_string().split(": ").next(), Some("blobs[digest=(withheld)]"));
}

#[tokio::test]
async fn parts_of_two_records_cannot_be_exchanged() {
    let setup = users().await;
    for id in ["alice", "bob"] {
        setup.table.put(&user(id)).send().await.unwrap();
    }
    let (alice, bob) = (setup.raw(user_key("alice")).await, setup.raw(user_key("bob")).await);
    for parts in
        [&["encrypted_payload"][..], &["encrypted_dek"], &["encrypted_payload", "encrypted_dek"]]
    {
        let mut item = alice.clone();
        for part in parts {
            item.insert((*part).to_owned(), bob[*part].clone());
        }
        setup.put_raw(item).await;
        assert_refused(setup.table.get("alice").send().await);
    }
}

#[tokio::test]
async fn authenticated_attributes_cannot_be_changed_and_plaintext_ones_can() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let original = setup.raw(user_key("alice")).await;

    for changed in [Some("enterprise"), None] {
        let mut item = original.clone();
        match changed {
            Some(plan) => drop(item.insert("plan".into(), AttributeValue::S(plan.into()))),
            None => drop(item.remove("plan")),
        }
        setup.put_raw(item).await;
        let error = assert_refused(setup.table.get("alice").send().await);
        assert!(matches!(error.kind(), ErrorKind::NotAuthentic { .. }), "{error}");
    }

    let mut item = original.clone();
    item.insert("tenant".into(), AttributeValue::S("t2".into()));
    setup.put_raw(item).await;
    assert_refused(setup.table.get("alice").send().await);

    let mut item = original;
    item.insert("logins".into(), AttributeValue::N("4".into()));
    item.insert("someone_elses".into(), AttributeValue::Bool(true));
    setup.put_raw(item).await;
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
    let error =
        from_item::<Admin>(setup.raw(user_key("alice")).await, &provider).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::ContextMismatch, "{error}");
}

#[tokio::test]
async fn the_physical_table_may_have_any_name() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let restored = unique_name("restored");
    create_table(setup.servers.dynamodb(), &restored, ("user_id", S), None).await.unwrap();
    let copy = setup.table.clone().named(restored.clone());
    let item = setup.raw(user_key("alice")).await;
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
async fn a_record_stored_in_plaintext_is_an_error_that_says_so() {
    let setup = users().await;
    let mut item = user_key("alice");
    item.insert("email".into(), AttributeValue::S("alice@example.com".into()));
    setup.put_raw(item).await;
    let error = assert_refused(setup.table.get("alice").send().await);
    assert!(matches!(error.kind(), ErrorKind::NotSealed), "{error}");
    assert!(error.to_string().contains("stored in plaintext"), "{error}");
    assert!(!error.to_string().contains("alice@example.com"), "{error}");
}

#[tokio::test]
async fn half_a_record_is_an_error_that_says_which_half() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let whole = setup.raw(user_key("alice")).await;
    for (present, absent) in
        [("encrypted_payload", "encrypted_dek"), ("encrypted_dek", "encrypted_payload")]
    {
        let mut item = whole.clone();
        item.remove(absent);
        setup.put_raw(item).await;
        let error = assert_refused(setup.table.get("alice").send().await);
        assert!(
            error.to_string().contains(&format!("has `{present}` but no `{absent}`")),
            "{error}"
        );
    }
    let mut item = whole;
    item.insert("encrypted_dek".into(), AttributeValue::S("AQ==".into()));
    setup.put_raw(item).await;
    let error = assert_refused(setup.table.get("alice").send().await);
    assert!(error.to_string().contains("`encrypted_dek` is of type S"), "{error}");
}

#[tokio::test]
async fn a_put_may_insist_that_nothing_stands_there() {
    let setup = users().await;
    setup.table.put(&user("alice")).if_not_exists().send().await.unwrap();
    let error = setup.table.put(&user("alice")).if_not_exists().send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ConditionFailed), "{error}");
    let with_condition = |logins: u64| {
        let alice = user("alice");
        let table = setup.table.clone();
        async move { table.put(&alice).condition(|stored| stored.logins.eq(logins)).send().await }
    };
    with_condition(3).await.unwrap();
    assert!(matches!(with_condition(4).await.unwrap_err().kind(), ErrorKind::ConditionFailed));
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
    assert!(matches!(put().await.unwrap_err().kind(), ErrorKind::ConditionFailed));
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
        let ErrorKind::Customized { setting: "condition_expression", .. } = error.kind() else {
            panic!("{error}")
        };
        assert_eq!(error.fault(), Fault::Caller);
    }
    assert!(setup.faults.all_requests().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn an_item_over_400_kb_is_refused_before_it_is_sent() {
    let setup = users().await;
    let alice = User { email: "x".repeat(400 * 1024), ..user("alice") };
    let error = setup.table.put(&alice).send().await.unwrap_err();
    let ErrorKind::TooLarge { bytes } = error.kind() else { panic!("{error}") };
    assert!(*bytes > 400 * 1024 && *bytes < 401 * 1024, "{bytes}");
    assert_eq!(setup.faults.calls("PutItem"), 0);
}

#[tokio::test]
async fn the_largest_item_dynamodb_takes_is_sent() {
    let setup = setup::<Document>(("digest", B), None).await;
    let document = |len| Document { digest: vec![1], body: vec![7; len] };
    // The wrapped key of this KMS may be of another length than the next one's, so measure with
    // what it gives.
    setup.table.put(&document(0)).send().await.unwrap();
    let item =
        setup.raw(Item::from([("digest".to_owned(), AttributeValue::B(Blob::new([1])))])).await;
    let overhead: usize = item
        .iter()
        .map(|(name, value)| name.len() + value.as_b().map_or(0, |blob| blob.as_ref().len()))
        .sum();
    // A byte string of this length has a head of five bytes where an empty one has one.
    let largest = 400 * 1024 - overhead - 4;
    setup.table.put(&document(largest)).send().await.unwrap();
    let error = setup.table.put(&document(largest + 1)).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLarge { bytes: 409_601 }), "{error}");
}

#[tokio::test]
async fn the_sdks_own_request_can_be_had_sealed() {
    let setup = users().await;
    let alice = user("alice");
    let put = setup.table.put(&alice).into_sdk().await.unwrap();
    let output =
        put.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld).send().await.unwrap();
    assert_eq!(output.attributes, None);
    assert_eq!(setup.table.get("alice").send().await.unwrap(), Some(alice));
}

#[tokio::test]
async fn a_projection_cannot_take_a_record_apart() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let get = setup.table.get("alice").customize(|get| get.projection_expression("plan"));
    let error = get.send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Customized { setting: "projection_expression", .. }),
        "{error}"
    );
    assert_eq!(setup.table.get("alice").send().await.unwrap(), Some(user("alice")));
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

#[tokio::test]
async fn a_disabled_key_is_reported_as_such() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    let provider = KmsKeyProvider::new(kms.clone(), &key);
    let item = to_item(&user("alice"), &provider).await.unwrap();
    assert_eq!(from_item::<User>(item.clone(), &provider).await.unwrap(), user("alice"));
    disable_kms_key(kms, &key).await.unwrap();
    for error in [
        from_item::<User>(item, &provider).await.unwrap_err(),
        to_item(&user("bob"), &provider).await.unwrap_err(),
    ] {
        let key_error = error.key_error().unwrap();
        assert_eq!(key_error.kind(), KeyErrorKind::KeyDisabled, "{error}");
        assert_eq!(error.fault(), Fault::Operator);
        assert!(!error.is_retryable());
        assert!(key_error.request_id().is_some(), "{key_error}");
    }
}

#[tokio::test]
async fn a_key_pending_deletion_and_a_key_that_does_not_exist_are_reported_as_such() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    let error = to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), &key)).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::PendingDeletion, "{error}");
    let nobody = KmsKeyProvider::new(kms.clone(), format!("alias/{}", unique_name("nobody")));
    let error = to_item(&user("alice"), &nobody).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::KeyNotFound, "{error}");
}

#[tokio::test]
async fn a_key_can_be_named_by_id_arn_and_alias() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let arn = create_kms_key(kms).await.unwrap();
    let id = key_id(&arn);
    let alias = format!("alias/{}", unique_name("users"));
    kms.create_alias().alias_name(&alias).target_key_id(id).send().await.unwrap();
    let alias_arn = arn.replace(&format!("key/{id}"), &alias);
    let names = [id, &arn, &alias, &alias_arn];
    for writer in names {
        let item =
            to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), writer)).await.unwrap();
        for reader in names {
            let provider = KmsKeyProvider::new(kms.clone(), reader);
            assert_eq!(
                from_item::<User>(item.clone(), &provider).await.unwrap(),
                user("alice"),
                "{writer} {reader}"
            );
        }
    }
}

#[tokio::test]
async fn records_open_after_their_alias_has_moved_if_the_earlier_key_is_listed() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let (old, new) = (create_kms_key(kms).await.unwrap(), create_kms_key(kms).await.unwrap());
    let alias = format!("alias/{}", unique_name("users"));
    kms.create_alias().alias_name(&alias).target_key_id(&old).send().await.unwrap();
    let before = KmsKeyProvider::new(kms.clone(), &alias);
    let old_item = to_item(&user("alice"), &before).await.unwrap();

    // By its id: LocalStack takes an ARN here, and then finds no such key.
    kms.update_alias().alias_name(&alias).target_key_id(key_id(&new)).send().await.unwrap();
    let after = KmsKeyProvider::new(kms.clone(), &alias);
    let error = from_item::<User>(old_item.clone(), &after).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");

    let after = KmsKeyProvider::new(kms.clone(), &alias).also_decrypts(&old);
    assert_eq!(from_item::<User>(old_item.clone(), &after).await.unwrap(), user("alice"));
    let new_item = to_item(&user("bob"), &after).await.unwrap();
    assert_eq!(from_item::<User>(new_item.clone(), &after).await.unwrap(), user("bob"));
    assert_eq!(
        from_item::<User>(old_item, &after).await.unwrap(),
        user("alice"),
        "once the alias is resolved, too"
    );

    // A process that resolved the alias before it moved goes on with the key it knows.
    let item = to_item(&user("carol"), &before).await.unwrap();
    assert_eq!(from_item::<User>(item, &before).await.unwrap(), user("carol"));
    let error = from_item::<User>(new_item, &before).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");
}

/// The confused deputy: a record wrapped by a key of the attacker's, which the reader's identity
/// may use as well.
#[tokio::test]
async fn a_record_wrapped_by_a_key_that_is_not_configured_does_not_open() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let theirs = create_kms_key(kms).await.unwrap();
    let mut item =
        to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), &theirs)).await.unwrap();
    setup.put_raw(item.clone()).await;
    let error = setup.table.get("alice").send().await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");
    assert_eq!(setup.faults.calls("Decrypt"), 0, "the hint already says that it is another key's");

    // The hint of the configured key, taken from an honest record, over the attacker's blob.
    setup.table.put(&user("bob")).send().await.unwrap();
    let honest = setup.raw(user_key("bob")).await;
    let (honest, forged) =
        (honest["encrypted_dek"].as_b().unwrap(), item["encrypted_dek"].as_b().unwrap());
    let mut bytes = forged.as_ref().to_vec();
    bytes[5..9].copy_from_slice(&honest.as_ref()[5..9]);
    item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(bytes)));
    setup.put_raw(item).await;
    let error = setup.table.get("alice").send().await.unwrap_err();
    let kind = error.key_error().unwrap().kind();
    assert!(
        matches!(
            kind,
            KeyErrorKind::WrongKey | KeyErrorKind::ContextMismatch | KeyErrorKind::AccessDenied
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_a_key_is_refused_before_anything_is_sent() {
    let setup = users().await;
    let error = setup.table.get("").send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Attribute { .. }), "{error}");
    let error = setup.table.put(&user(&"k".repeat(2049))).send().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Attribute { .. }), "{error}");
    assert!(setup.faults.all_requests().is_empty());
}

/// The other parts of the context are not known before a record is read, wherever they stand in the
/// struct.
#[tokio::test]
async fn a_key_is_checked_although_the_rest_of_the_context_is_not_known() {
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
    let setup = setup::<Visit>(("id", S), None).await;
    assert_eq!(setup.table.get("v_1").send().await.unwrap(), None);
    setup.faults.forget_calls();
    for error in [
        setup.table.get("").send().await.unwrap_err(),
        setup.table.delete("").send().await.unwrap_err(),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Attribute { .. }), "{error}");
    }
    assert!(setup.faults.all_requests().is_empty());
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_reported_with_the_record() {
    let setup = users().await;
    let nowhere = unique_name("nowhere");
    let error = setup.table.clone().named(nowhere.clone()).get("alice").send().await.unwrap_err();
    let ErrorKind::DynamoDb(dynamodb) = error.kind() else { panic!("{error}") };
    assert_eq!(dynamodb.code(), Some("ResourceNotFoundException"));
    assert_eq!(error.fault(), Fault::Operator);
    let expected = format!(
        "users[user_id=alice]: GetItem on the table {nowhere} was refused: ResourceNotFoundException"
    );
    assert!(error.to_string().starts_with(&expected), "{error}");
}

/// FORMAT 3.2: what an auditor does with `tail -c +16` and `aws kms decrypt`.
#[tokio::test]
async fn the_blob_of_kms_can_be_cut_out_and_decrypted_by_hand() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let item = setup.raw(user_key("alice")).await;
    let blob = &item["encrypted_dek"].as_b().unwrap().as_ref()[15..];
    let output = setup
        .servers
        .kms()
        .decrypt()
        .key_id(setup.servers.kms_key_id())
        .ciphertext_blob(Blob::new(blob))
        .encryption_context("table", "users")
        .encryption_context("partition_key", "alice")
        .encryption_context("tenant", "t1")
        .encryption_context("purpose", "pii")
        .send()
        .await
        .unwrap();
    assert_eq!(output.plaintext.unwrap().as_ref().len(), 32);
}

/// The format adds at most 80 bytes to the payload and 15 to the wrapped key.
#[tokio::test]
async fn the_format_adds_no_more_bytes_than_it_says() {
    #[derive(Envelope)]
    #[envelope(table = "people")]
    struct Person {
        #[partition_key]
        id: u8,
        #[encrypted]
        name: String,
        #[authenticated]
        plan: u8,
    }
    let blob = vec![7; 184];
    let item =
        to_item(&Person { id: 1, name: "x".repeat(50), plan: 1 }, &AsLongAsKms(blob.clone()))
            .await
            .unwrap();
    let bytes = |name| item[name].as_b().unwrap().as_ref().len();
    // A map of one entry, `name`, whose text of 50 bytes has a head of two.
    let plaintext = 1 + (1 + 4) + (2 + 50);
    assert_eq!(bytes("encrypted_payload") - plaintext, 75 + (1 + 4));
    assert_eq!(bytes("encrypted_dek") - blob.len(), 15);
}

/// README and FORMAT 9 name these figures, for an item without authenticated attributes.
#[tokio::test]
async fn an_item_grows_by_304_bytes_with_a_kms_key_and_152_with_a_branch_key() {
    #[derive(Envelope)]
    #[envelope(table = "people")]
    struct Person {
        #[partition_key]
        id: u8,
        #[encrypted]
        name: String,
    }
    let added = async |provider: &dyn WrapKey| {
        let item = to_item(&Person { id: 1, name: String::new() }, provider).await.unwrap();
        let sealed =
            ["encrypted_payload", "encrypted_dek"].map(|name| name.len() + as_bytes(&item, name));
        // The map of one entry: `name`, an empty text.
        sealed.iter().sum::<usize>() - (1 + (1 + 4) + 1)
    };
    assert_eq!(added(&AsLongAsKms(vec![7; 184])).await, 304);
    let branches =
        HierarchicalKeyProvider::per_table(OneBranch, CacheLimits::new(Duration::from_secs(60)));
    assert_eq!(added(&branches).await, 152);
}

fn as_bytes(item: &Item, name: &str) -> usize {
    item[name].as_b().unwrap().as_ref().len()
}

/// A store that has one version of every branch.
#[derive(Debug)]
struct OneBranch;

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(BranchVersion::from_bytes([7; 16])) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move {
            Ok(BranchKey::new(branch.clone(), version, DataKey::from_slice(&[7; 32])?))
        })
    }
}

/// Wraps as KMS does: into a blob of that length.
#[derive(Debug)]
struct AsLongAsKms(Vec<u8>);

impl WrapKey for AsLongAsKms {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async {
            let wrapped = WrappedKey::new(KeyKind::AWS_KMS, *b"key hint", self.0.clone()).unwrap();
            Ok(GeneratedKey { data_key: DataKey::generate()?, wrapped: vec![wrapped] })
        })
    }
}

/// Keys convert from what stands at hand; this compiles or it does not.
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

mod create {
    use aws_sdk_dynamodb::types::{KeyType, ProjectionType};
    use envelope_dynamo::{LocalKeyProvider, RootKey};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "visits", index(name = "by-ward", partition_key = ward, sort_key = at), index(name = "by_rank", local, sort_key = rank))]
    struct Visit {
        #[partition_key]
        patient: u64,
        #[sort_key]
        #[serde(with = "super::bytes")]
        at: Vec<u8>,
        #[encrypted]
        diagnosis: String,
        #[authenticated]
        ward: uuid::Uuid,
        #[plaintext]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rank: Option<i64>,
    }

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "shop")]
    #[partition_key(name = "pk", format = "USER#{user_id}")]
    #[sort_key(name = "sk", format = "PROFILE")]
    struct Profile {
        #[key]
        user_id: String,
        #[encrypted]
        email: String,
        #[plaintext]
        #[ttl]
        #[serde(rename = "expires at")]
        expires_at: u64,
    }

    fn table<T: Envelope>(servers: &Servers) -> Table<T> {
        let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
        Table::new(servers.dynamodb().clone(), provider).named(unique_name(T::TABLE))
    }

    /// The keys of a table or index as DynamoDB describes them.
    type Keys = Vec<(String, KeyType)>;

    fn keys(schema: &[aws_sdk_dynamodb::types::KeySchemaElement]) -> Keys {
        schema.iter().map(|key| (key.attribute_name.clone(), key.key_type.clone())).collect()
    }

    fn expected(names: &[&str]) -> Keys {
        names
            .iter()
            .zip([KeyType::Hash, KeyType::Range])
            .map(|(name, role)| ((*name).to_owned(), role))
            .collect()
    }

    #[tokio::test]
    async fn a_table_is_created_with_the_keys_and_indexes_of_its_struct() {
        let servers = Servers::from_env().await.unwrap();
        let visits = table::<Visit>(&servers);
        visits.create_table().send().await.unwrap();

        let described =
            servers.dynamodb().describe_table().table_name(visits.name()).send().await.unwrap();
        let described = described.table.unwrap();
        assert_eq!(keys(described.key_schema()), expected(&["patient", "at"]));
        let mut types: Vec<_> = described.attribute_definitions().to_vec();
        types.sort_by(|a, b| a.attribute_name.cmp(&b.attribute_name));
        let types: Vec<_> =
            types.iter().map(|key| (key.attribute_name(), key.attribute_type.clone())).collect();
        assert_eq!(types, [("at", B), ("patient", N), ("rank", N), ("ward", S)]);
        let global = &described.global_secondary_indexes()[0];
        assert_eq!(global.index_name(), Some("by-ward"));
        assert_eq!(keys(global.key_schema()), expected(&["ward", "at"]));
        let local = &described.local_secondary_indexes()[0];
        assert_eq!(local.index_name(), Some("by_rank"));
        assert_eq!(keys(local.key_schema()), expected(&["patient", "rank"]));
        for projection in [global.projection().unwrap(), local.projection().unwrap()] {
            assert_eq!(projection.projection_type(), Some(&ProjectionType::All));
        }

        let ward = uuid::Uuid::from_u128(7);
        let visit =
            Visit { patient: 1, at: vec![1], diagnosis: "gout".into(), ward, rank: Some(-1) };
        visits.put(&visit).send().await.unwrap();
        let found: Vec<Visit> =
            visits.index(|indexes| indexes.by_rank).query(1_u64).send().await.unwrap();
        assert_eq!(found, [visit]);

        let again = visits.create_table().send().await.unwrap_err();
        assert!(again.to_string().contains("ResourceInUseException"), "{again}");
    }

    #[tokio::test]
    async fn composed_and_constant_keys_are_text() {
        let servers = Servers::from_env().await.unwrap();
        let profiles = table::<Profile>(&servers);
        profiles.create_table().await.unwrap();
        let profile = Profile {
            user_id: "u_1".into(),
            email: "zoe@example.com".into(),
            expires_at: 4_000_000_000,
        };
        profiles.put(&profile).send().await.unwrap();
        assert_eq!(profiles.get("u_1").send().await.unwrap(), Some(profile));

        let described = servers
            .dynamodb()
            .describe_time_to_live()
            .table_name(profiles.name())
            .send()
            .await
            .unwrap();
        assert_eq!(
            described.time_to_live_description().unwrap().attribute_name(),
            Some("expires at")
        );
    }

    #[tokio::test]
    async fn a_key_whose_type_does_not_say_what_it_is_is_named() {
        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "odd")]
        struct Odd {
            #[partition_key]
            id: serde_json::Value,
            #[encrypted]
            secret: String,
        }
        let servers = Servers::from_env().await.unwrap();
        let error = table::<Odd>(&servers).create_table().send().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::KeyTypeUnknown { attribute: "id" }), "{error}");
    }
}

//! These tests run against the embedded servers, or against those that the environment names.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::ScalarAttributeType::{N, S};
use aws_sdk_kms::config::Region;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::types::DataKeySpec;
use envelope_dynamo::error::KeyErrorKind;

use super::*;
use crate::loopback::{Loopback, Recorder};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

async fn data_key_for(servers: &Aws, table: &str) -> GenerateDataKeyOutput {
    let generate = servers
        .kms()
        .generate_data_key()
        .key_id(servers.kms_key_id())
        .key_spec(DataKeySpec::Aes256);
    generate.encryption_context("table", table).send().await.unwrap()
}

#[tokio::test]
async fn items_are_stored_under_both_keys_and_read_back() {
    let servers = Aws::from_env().await.unwrap();
    let (dynamodb, table) = (servers.dynamodb(), unique_name("orders"));
    create_table(dynamodb, &table, ("user_id", S), Some(("placed_at", N))).await.unwrap();

    for (placed_at, note) in [(1, "früh"), (2, "نهائي")] {
        let put = dynamodb
            .put_item()
            .table_name(&table)
            .item("user_id", text("u_1"))
            .item("note", text(note));
        put.item("placed_at", number(placed_at)).send().await.unwrap();
    }
    let get = dynamodb
        .get_item()
        .table_name(&table)
        .key("user_id", text("u_1"))
        .key("placed_at", number(2));
    let item = get.send().await.unwrap().item.unwrap();
    assert_eq!(item.get("note"), Some(&text("نهائي")));

    let again = dynamodb
        .put_item()
        .table_name(&table)
        .item("user_id", text("u_1"))
        .item("placed_at", number(1));
    let again =
        again.condition_expression("attribute_not_exists(user_id)").send().await.unwrap_err();
    assert!(again.request_id().is_some());
    assert!(again.into_service_error().is_conditional_check_failed_exception());
}

#[tokio::test]
async fn a_data_key_is_unwrapped_under_its_own_context_only() {
    let servers = Aws::from_env().await.unwrap();
    let generated = data_key_for(&servers, "users").await;
    let decrypt = |table: &'static str| {
        let decrypt =
            servers.kms().decrypt().key_id(servers.kms_key_id()).encryption_context("table", table);
        decrypt.ciphertext_blob(generated.ciphertext_blob.clone().unwrap()).send()
    };
    let unwrapped = decrypt("users").await.unwrap();
    assert_eq!(unwrapped.plaintext, generated.plaintext);
    assert_eq!(unwrapped.key_id, generated.key_id);

    let refused = decrypt("orders").await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidCiphertextException"));
    assert!(refused.request_id().is_some());
}

/// As at AWS, GenerateDataKey and Decrypt name the key material, and Encrypt does not.
#[tokio::test]
async fn the_embedded_kms_names_the_key_material_and_another_after_a_rotation() {
    let servers = Aws::embedded().await.unwrap();
    let kms = servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    let generate = || kms.generate_data_key().key_id(&key).key_spec(DataKeySpec::Aes256).send();
    let first = generate().await.unwrap();
    assert_eq!(generate().await.unwrap().key_material_id, first.key_material_id);
    kms.rotate_key_on_demand().key_id(&key).send().await.unwrap();
    let second = generate().await.unwrap();
    let [one, two] = [&first, &second].map(|answer| answer.key_material_id.clone().unwrap());
    assert_eq!((one.len(), two.len()), (64, 64));
    assert_ne!(one, two);
    for (generated, material) in [(&first, &one), (&second, &two)] {
        let decrypt =
            kms.decrypt().key_id(&key).ciphertext_blob(generated.ciphertext_blob.clone().unwrap());
        assert_eq!(decrypt.send().await.unwrap().key_material_id.as_ref(), Some(material));
    }
    let without =
        kms.generate_data_key_without_plaintext().key_id(&key).key_spec(DataKeySpec::Aes256);
    assert_eq!(without.send().await.unwrap().key_material_id.as_ref(), Some(&two));

    let other = create_kms_key(kms).await.unwrap();
    let moved =
        kms.re_encrypt().ciphertext_blob(first.ciphertext_blob.unwrap()).destination_key_id(&other);
    let moved = moved.send().await.unwrap();
    assert_eq!(moved.source_key_material_id.as_ref(), Some(&one));
    assert!(!["", &one, &two].contains(&moved.destination_key_material_id().unwrap()));
}

#[tokio::test]
async fn a_disabled_key_neither_wraps_nor_unwraps() {
    let servers = Aws::from_env().await.unwrap();
    let kms = servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    let generate = || kms.generate_data_key().key_id(&key).key_spec(DataKeySpec::Aes256).send();
    let wrapped = generate().await.unwrap().ciphertext_blob.unwrap();
    disable_kms_key(kms, &key).await.unwrap();

    assert_eq!(generate().await.unwrap_err().code(), Some("DisabledException"));
    let refused = kms.decrypt().key_id(&key).ciphertext_blob(wrapped).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("DisabledException"));
}

#[tokio::test]
async fn a_key_is_not_found_in_another_region() {
    let servers = Aws::from_env().await.unwrap();
    let arn = create_kms_key(servers.kms()).await.unwrap();
    let (_, id) = arn.rsplit_once('/').unwrap();
    servers.kms().describe_key().key_id(id).send().await.unwrap();

    let elsewhere = servers.kms().config().to_builder().region(Region::new("eu-central-1")).build();
    let elsewhere =
        aws_sdk_kms::Client::from_conf(elsewhere).describe_key().key_id(id).send().await;
    assert_eq!(elsewhere.unwrap_err().code(), Some("NotFoundException"));
}

#[tokio::test]
async fn embedded_servers_share_nothing() {
    let (ours, theirs) = (Aws::embedded().await.unwrap(), Aws::embedded().await.unwrap());
    create_table(ours.dynamodb(), "users", ("user_id", S), None).await.unwrap();
    assert_eq!(theirs.dynamodb().list_tables().send().await.unwrap().table_names(), [""; 0]);
    let foreign = theirs.kms().describe_key().key_id(ours.kms_key_id()).send().await.unwrap_err();
    assert_eq!(foreign.code(), Some("NotFoundException"));
}

#[tokio::test]
async fn a_table_that_exists_is_not_created_again() {
    let servers = Aws::from_env().await.unwrap();
    let table = unique_name("users");
    create_table(servers.dynamodb(), &table, ("user_id", S), None).await.unwrap();
    let again = create_table(servers.dynamodb(), &table, ("user_id", S), None).await.unwrap_err();
    assert_eq!(again.to_string(), format!("cannot create table {table}"));
    let source = std::error::Error::source(&again)
        .unwrap()
        .downcast_ref::<aws_sdk_dynamodb::error::SdkError<
            aws_sdk_dynamodb::operation::create_table::CreateTableError,
        >>();
    assert!(source.unwrap().as_service_error().unwrap().is_resource_in_use_exception());
}

#[tokio::test]
async fn an_operation_that_the_embedded_dynamodb_lacks_is_refused_by_name() {
    let servers = Aws::embedded().await.unwrap();
    let refused = servers.dynamodb().describe_limits().send().await.unwrap_err();
    assert_eq!(refused.message(), Some("the embedded DynamoDB has no operation DescribeLimits"));
}

#[tokio::test]
async fn the_description_names_the_servers() {
    let servers = Aws::embedded().await.unwrap();
    let key = servers.kms_key_id();
    assert_eq!(
        servers.describe(),
        format!("DynamoDB in this process, KMS in this process, KMS key {key}")
    );
    assert!(key.starts_with("arn:aws:kms:us-east-1:"), "{key}");
}

#[test]
fn unique_names_are_unique_and_can_name_a_table() {
    let names: HashSet<_> = (0..1000).map(|_| unique_name("users")).collect();
    assert_eq!(names.len(), 1000);
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    assert!(
        names.iter().all(|name| name.starts_with("users-")
            && name.len() < 100
            && name.chars().all(allowed))
    );
}

/// Clients of the ports that share nothing with `servers` but the address.
fn clients(loopback: &Loopback) -> (aws_sdk_dynamodb::Client, aws_sdk_kms::Client) {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let region = Region::new("us-east-1");
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(made_up_credentials())
        .region(region.clone())
        .endpoint_url(loopback.dynamodb_url().unwrap())
        .http_client(http.clone());
    let kms = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(made_up_credentials())
        .region(region)
        .endpoint_url(loopback.kms_url())
        .http_client(http);
    (
        aws_sdk_dynamodb::Client::from_conf(dynamodb.build()),
        aws_sdk_kms::Client::from_conf(kms.build()),
    )
}

#[tokio::test]
async fn the_ports_lead_to_the_same_tables_and_keys() {
    let servers = Aws::from_env().await.unwrap();
    let loopback = servers.loopback().start().unwrap();
    let (dynamodb, kms) = clients(&loopback);
    let table = unique_name("orders");
    create_table(&dynamodb, &table, ("user_id", S), None).await.unwrap();
    let put = servers.dynamodb().put_item().table_name(&table).item("user_id", text("u_1"));
    put.send().await.unwrap();
    let get = dynamodb.get_item().table_name(&table).key("user_id", text("u_1"));
    assert!(get.send().await.unwrap().item.is_some());

    let alias = format!("alias/{}", unique_name("moved"));
    let create = kms.create_alias().alias_name(&alias).target_key_id(servers.kms_key_id());
    create.send().await.unwrap();
    let described = servers.kms().describe_key().key_id(alias).send().await.unwrap();
    assert_eq!(described.key_metadata.unwrap().arn.as_deref(), Some(servers.kms_key_id()));
}

#[tokio::test]
async fn calls_through_the_ports_are_recorded_and_can_fail() {
    let servers = Aws::from_env().await.unwrap();
    let file = std::env::temp_dir().join(unique_name("calls"));
    let faults = Faults::new();
    let recorder = Recorder::append_to(&file).unwrap();
    let loopback = servers.loopback().faults(&faults).watch(recorder).start().unwrap();
    let (_, kms) = clients(&loopback);
    faults.fail_next("Encrypt", crate::Fault::error("AccessDeniedException"));
    let encrypt = kms.encrypt().key_id(servers.kms_key_id()).encryption_context("table", "SECRET");
    let encrypt = encrypt.plaintext(aws_sdk_kms::primitives::Blob::new("SECRET"));
    let refused = encrypt.clone().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    encrypt.send().await.unwrap();

    let lines = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [refused, carried_out] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(refused["error"], "AccessDeniedException");
    assert_eq!(carried_out["status"], 200);
    assert_eq!(carried_out["contexts"]["EncryptionContext"], serde_json::json!(["table"]));
    assert_eq!(carried_out["parameters"]["KeyId"], servers.kms_key_id());
    assert!(!format!("{lines:?}").contains("SECRET"));
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

/// What a test left in a table does not open elsewhere, and is found by the account of its key.
#[tokio::test]
async fn a_record_of_one_test_does_not_open_under_another_key() {
    let (test, production) = (Aws::embedded().await.unwrap(), Aws::embedded().await.unwrap());
    let keys = |aws: &Aws| KmsKeyProvider::new(aws.kms().clone(), aws.kms_key_id());
    let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    let item = envelope_dynamo::to_item(&user, &keys(&test)).await.unwrap();
    envelope_dynamo::from_item::<User>(item.clone(), &keys(&test)).await.unwrap();
    let refused = envelope_dynamo::from_item::<User>(item.clone(), &keys(&production)).await;
    assert_eq!(refused.unwrap_err().key_error().unwrap().kind(), KeyErrorKind::WrongKey);

    assert!(test.kms_key_id().contains(":000000000000:"));
    let wrapped = item["encrypted_dek"].as_b().unwrap().as_ref();
    assert!(wrapped.windows(16).any(|bytes| bytes == b"envelope-testing"));
}

#[tokio::test]
async fn an_operation_or_member_that_the_embedded_kms_lacks_is_refused_by_name() {
    let aws = Aws::embedded().await.unwrap();
    let policy = aws.kms().get_key_policy().key_id(aws.kms_key_id()).send().await.unwrap_err();
    assert_eq!(policy.message(), Some("the embedded KMS has no operation GetKeyPolicy"));
    let listed = aws.kms().list_keys().limit(1).send().await.unwrap_err();
    assert_eq!(listed.message(), Some("the embedded KMS does not implement Limit of ListKeys"));
}

#[tokio::test]
async fn a_table_of_a_struct_is_found_by_name() {
    let aws = Aws::embedded().await.unwrap();
    let users = aws.create_table::<User>("test-users").await.unwrap();
    let user = User { user_id: "u_1".into(), email: "zoe@example.com".into() };
    users.put(&user).send().await.unwrap();
    let key = aws.create_alias("alias/users").await.unwrap();
    assert_ne!(key, aws.kms_key_id());
    let described = aws.kms().describe_key().key_id("alias/users").send().await.unwrap();
    assert_eq!(described.key_metadata.unwrap().arn, Some(key));
    let count = aws.dynamodb().scan().table_name("test-users").send().await.unwrap().count;
    assert_eq!(count, 1);
    let again = aws.create_table::<User>("test-users").await.unwrap_err();
    assert_eq!(again.to_string(), "cannot create table test-users");
    let again = aws.create_alias("alias/users").await.unwrap_err();
    assert_eq!(again.to_string(), "cannot create the alias alias/users");
}

//! Puts a record and finds it by its e-mail address: with one beacon of AWS's library, with one
//! search tag of Envelope, and with an index on plaintext, which shows what DynamoDB and the SDK
//! take. All use one embedded DynamoDB and one embedded KMS in this process, and take turns.
//!
//! Both libraries keep a branch key, so that no record asks KMS.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_db_esdk::CryptoAction;
use aws_db_esdk::dynamodb::types::{
    BeaconKeySource, BeaconVersion, DynamoDbTableEncryptionConfig, SearchConfig, SingleKeyStore,
    StandardBeacon,
};
use aws_db_esdk::intercept::DbEsdkInterceptor;
use aws_db_esdk::key_store::client::Client as KeyStore;
use aws_db_esdk::key_store::types::KmsConfiguration;
use aws_db_esdk::key_store::types::key_store_config::KeyStoreConfig;
use aws_db_esdk::material_providers::client::Client as MaterialProviders;
use aws_db_esdk::material_providers::types::DbeAlgorithmSuiteId;
use aws_db_esdk::material_providers::types::material_providers_config::MaterialProvidersConfig;
use aws_db_esdk::types::dynamo_db_tables_encryption_config::DynamoDbTablesEncryptionConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use envelope_dynamo::keys::{CacheLimits, SearchKeyTable, SearchKeys};
use envelope_dynamo::{BranchKeyTable, Envelope, HierarchicalKeyProvider, KmsKeyProvider, Table};
use envelope_peers::{Failure, Item};
use envelope_testing::{Aws, Faults};
use serde::{Deserialize, Serialize};

const SAMPLES: usize = 51;
const CALLS: u32 = 10;
/// The longest beacon that AWS's library has: 63 bits, which is 16 characters.
const BEACON_BITS: i32 = 63;
const BEACON: &str = "aws_dbe_b_email";

/// The record of the other contest, found by its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Envelope)]
#[envelope(table = "users", index(name = "by-email", partition_key = email))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[encrypted]
    notes: String,
    #[authenticated]
    plan: String,
}

fn user() -> User {
    let envelope_peers::User { user_id, email, ssn, notes, plan } = envelope_peers::user();
    User { user_id, email, ssn, notes, plan }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let aws = Aws::embedded().await?;
    let user = user();
    let (ours_kms, theirs_kms) = (Faults::new(), Faults::new());

    let ours = ours(&aws, &ours_kms).await?;
    ours_kms.forget_calls();
    ours.put(&user).send().await?;
    let by_email = ours.index(|index| index.by_email);
    assert_eq!(by_email.query(user.email.as_str()).one().await?.as_ref(), Some(&user));
    println!("KMS calls of Envelope until both are warm: {}", kms_calls(&ours_kms));
    ours_kms.forget_calls();

    let theirs = theirs(&aws, &theirs_kms).await?;
    theirs_kms.forget_calls();
    put_item(&theirs, "theirs", &user).await?;
    assert_eq!(query_item(&theirs, "theirs", &user.email).await?, user);
    println!("KMS calls of aws-db-esdk until both are warm: {}", kms_calls(&theirs_kms));
    theirs_kms.forget_calls();

    create(aws.dynamodb(), "plain", "email").await?;
    let plain = aws.dynamodb().clone();
    put_item(&plain, "plain", &user).await?;
    assert_eq!(query_item(&plain, "plain", &user.email).await?, user);

    let mut samples = Samples::default();
    for _ in 0..SAMPLES {
        samples.put[0].push(timed(async || Ok(ours.put(black_box(&user)).send().await?)).await?);
        samples.put[1].push(timed(async || put_item(&theirs, "theirs", &user).await).await?);
        samples.put[2].push(timed(async || put_item(&plain, "plain", &user).await).await?);
        samples.query[0]
            .push(timed(async || Ok(by_email.query(user.email.as_str()).one().await?)).await?);
        samples.query[1]
            .push(timed(async || query_item(&theirs, "theirs", &user.email).await).await?);
        samples.query[2]
            .push(timed(async || query_item(&plain, "plain", &user.email).await).await?);
    }
    print("put", samples.put);
    print("query", samples.query);
    println!(
        "KMS calls while warm: Envelope {}, aws-db-esdk {}",
        kms_calls(&ours_kms),
        kms_calls(&theirs_kms)
    );
    for (library, table, beacon) in
        [("Envelope", "users", "blind_email"), ("aws-db-esdk", "theirs", BEACON)]
    {
        let item = stored(aws.dynamodb(), table, &user.user_id).await?;
        let whole: usize = item.iter().map(|(name, value)| bytes(name, value)).sum();
        let searched: Vec<_> = item
            .iter()
            .filter(|(name, _)| *name == beacon || *name == "aws_dbe_v_1")
            .map(|(name, value)| format!("{name} {}", bytes(name, value)))
            .collect();
        println!("{library}: the item has {whole} bytes, of which {}", searched.join(", "));
    }
    Ok(())
}

/// The samples of Envelope, of AWS's library, and of plaintext.
#[derive(Default)]
struct Samples {
    put: [Vec<f64>; 3],
    query: [Vec<f64>; 3],
}

/// The mean time of a call in microseconds.
async fn timed<O>(mut call: impl AsyncFnMut() -> Result<O, Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(call().await?);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The medians, and the medians of the ratios: of whole calls, and of what each library adds to a
/// call on plaintext.
fn print(operation: &str, [ours, theirs, plain]: [Vec<f64>; 3]) {
    let whole = theirs.iter().zip(&ours).map(|(theirs, ours)| theirs / ours).collect();
    let added = |samples: &[f64]| -> Vec<f64> {
        samples.iter().zip(&plain).map(|(sample, plain)| sample - plain).collect()
    };
    let (ours_added, theirs_added) = (median(added(&ours)), median(added(&theirs)));
    println!(
        "{operation}: Envelope {:.0} us, aws-db-esdk {:.0} us, {:.1} times; plaintext {:.0} us; \
         added {ours_added:.0} us and {theirs_added:.0} us",
        median(ours),
        median(theirs),
        median(whole),
        median(plain)
    );
}

/// A table with a branch key and a search key, each kept for an hour.
async fn ours(aws: &Aws, kms: &Faults) -> Result<Table<User>, Failure> {
    let dynamodb = || aws.dynamodb().clone();
    let kms = || KmsKeyProvider::new(aws.kms_through(kms), aws.kms_key_id());
    let branches = BranchKeyTable::new(dynamodb(), "branch-keys", kms());
    branches.create_table().await?;
    branches.create("users").await?;
    let searches = SearchKeyTable::new(dynamodb(), "search-keys", kms());
    searches.create_table().await?;
    searches.create("users").await?;
    let limits = CacheLimits::new(Duration::from_secs(3600));
    let provider = HierarchicalKeyProvider::per_table(branches, limits);
    let table = Table::<User>::new(dynamodb(), provider);
    let table = table.with_search_keys(SearchKeys::per_table(searches));
    table.create_table().send().await?;
    Ok(table)
}

/// A client of AWS's library with a branch key and a beacon key, each kept for an hour.
async fn theirs(aws: &Aws, kms: &Faults) -> Result<Client, Failure> {
    let store = KeyStoreConfig::builder()
        .kms_client(aws.kms_through(kms))
        .ddb_client(aws.dynamodb().clone())
        .ddb_table_name("key-store")
        .logical_key_store_name("key-store")
        .kms_configuration(KmsConfiguration::KmsKeyArn(aws.kms_key_id().to_owned()))
        .build()?;
    let store = KeyStore::from_conf(store)?;
    store.create_key_store().send().await?;
    let branch = store.create_key().send().await?.branch_key_identifier.ok_or("no branch key")?;
    let source = SingleKeyStore::builder().key_id(&branch).cache_ttl(3600).build()?;
    let beacon = StandardBeacon::builder().name("email").length(BEACON_BITS).build()?;
    let beacons = BeaconVersion::builder()
        .standard_beacons(vec![beacon])
        .version(1)
        .key_store(store.clone())
        .key_source(BeaconKeySource::Single(source))
        .build()?;
    let search = SearchConfig::builder().write_version(1).versions(vec![beacons]).build()?;
    let keyring = MaterialProviders::from_conf(MaterialProvidersConfig::builder().build()?)?
        .create_aws_kms_hierarchical_keyring()
        .branch_key_id(&branch)
        .key_store(store)
        .ttl_seconds(3600)
        .send()
        .await?;
    let actions = [
        ("user_id", CryptoAction::SignOnly),
        ("email", CryptoAction::EncryptAndSign),
        ("ssn", CryptoAction::EncryptAndSign),
        ("notes", CryptoAction::EncryptAndSign),
        ("plan", CryptoAction::SignOnly),
    ];
    let config = DynamoDbTableEncryptionConfig::builder()
        .logical_table_name("theirs")
        .partition_key_name("user_id")
        .attribute_actions_on_encrypt(HashMap::from(
            actions.map(|(name, action)| (name.to_owned(), action)),
        ))
        .keyring(keyring)
        .allowed_unsigned_attribute_prefix(":")
        .algorithm_suite_id(DbeAlgorithmSuiteId::AlgAes256GcmHkdfSha512CommitKeySymsigHmacSha384)
        .search(search)
        .build()?;
    let configs = DynamoDbTablesEncryptionConfig::builder()
        .table_encryption_configs(HashMap::from([("theirs".to_owned(), config)]))
        .build()?;
    create(aws.dynamodb(), "theirs", BEACON).await?;
    let config = aws.dynamodb().config().to_builder();
    Ok(Client::from_conf(config.interceptor(DbEsdkInterceptor::new(configs)?).build()))
}

/// A table with an index `by-email` by a text.
async fn create(dynamodb: &Client, table: &str, attribute: &str) -> Result<(), Failure> {
    let key = |name: &str| {
        KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build()
    };
    let text = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build()
    };
    let index = GlobalSecondaryIndex::builder()
        .index_name("by-email")
        .key_schema(key(attribute)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()?;
    dynamodb
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("user_id")?)
        .attribute_definitions(text("user_id")?)
        .attribute_definitions(text(attribute)?)
        .global_secondary_indexes(index)
        .send()
        .await?;
    Ok(())
}

async fn put_item(client: &Client, table: &str, user: &User) -> Result<(), Failure> {
    let item: Item = serde_dynamo::to_item(black_box(user))?;
    client.put_item().table_name(table).set_item(Some(item)).send().await?;
    Ok(())
}

/// AWS's library takes the query as if the field were in plaintext.
async fn query_item(client: &Client, table: &str, email: &str) -> Result<User, Failure> {
    let found = client
        .query()
        .table_name(table)
        .index_name("by-email")
        .key_condition_expression("#email = :email")
        .expression_attribute_names("#email", "email")
        .expression_attribute_values(":email", AttributeValue::S(email.to_owned()))
        .send()
        .await?;
    match <[Item; 1]>::try_from(found.items.unwrap_or_default()) {
        Ok([item]) => Ok(serde_dynamo::from_item(item)?),
        Err(items) => Err(format!("{} items were found", items.len()).into()),
    }
}

async fn stored(dynamodb: &Client, table: &str, id: &str) -> Result<Item, Failure> {
    let id = AttributeValue::S(id.to_owned());
    let item = dynamodb.get_item().table_name(table).key("user_id", id).send().await?.item;
    item.ok_or_else(|| "no item".into())
}

/// The bytes of an attribute, as DynamoDB counts them.
fn bytes(name: &str, value: &AttributeValue) -> usize {
    let value = match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        other => unreachable!("{other:?}"),
    };
    name.len() + value
}

fn kms_calls(kms: &Faults) -> String {
    let calls = ["Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"]
        .map(|operation| (operation, kms.calls(operation)));
    let calls = calls.iter().filter(|(_, calls)| *calls > 0);
    let calls: Vec<_> = calls.map(|(operation, calls)| format!("{calls} {operation}")).collect();
    if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }
}

//! Creating a table from its struct.

use aws_sdk_dynamodb::types::{KeyType, ProjectionType};
use envelope_dynamo::error::UsageError;
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
    let visit = Visit { patient: 1, at: vec![1], diagnosis: "gout".into(), ward, rank: Some(-1) };
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
    profiles.create_table().send().await.unwrap();
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
    assert_eq!(described.time_to_live_description().unwrap().attribute_name(), Some("expires at"));
}

#[tokio::test]
async fn a_key_of_unknown_attribute_type_is_named_in_the_error() {
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
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::KeyTypeUnknown { attribute: "id" })),
        "{error}"
    );
}

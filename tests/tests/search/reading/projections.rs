//! Searches through indexes that do not have every attribute.

use aws_sdk_dynamodb::types::{Projection, ProjectionType};
use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::UsageError;

use super::*;

/// A table whose indexes have this projection.
async fn projecting(projection: Projection) -> Bench {
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let name = unique_name("users");
    let bench = Bench { servers: servers().await, faults: Faults::new(), keys, name };
    let mut creation = bench.users().create_table().into_sdk().unwrap();
    let mut indexes = creation.get_global_secondary_indexes().clone().unwrap();
    indexes.iter_mut().for_each(|index| index.projection = Some(projection.clone()));
    creation = creation.set_global_secondary_indexes(Some(indexes));
    creation.send().await.unwrap();
    bench.put(1, &[user("u_1", "zoe"), user("u_2", "ana")]).await;
    bench
}

fn including(names: &[&str]) -> Projection {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let projection = Projection::builder().projection_type(ProjectionType::Include);
    projection.set_non_key_attributes(Some(names)).build()
}

/// Everything that a record needs, except tags.
const NEEDED: [&str; 5] = ["encrypted_payload", "encrypted_dek", "created", "plan", "logins"];

#[tokio::test]
async fn keys_only_and_the_base_table_serve_a_search() {
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let bench = projecting(keys_only).await;
    let users = bench.users();
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    let found = zoe().fetch_base_table().one().await.unwrap();
    assert_eq!(found, Some(user("u_1", "zoe")));
    assert_eq!(zoe().count().await.unwrap(), 1);
    let error = zoe().one().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::NotProjected { .. })), "{error}");
}

/// The record's payload lists every tag of its struct. DynamoDB refuses a request for an attribute
/// that a global index does not project. The embedded server leaves the attribute out.
#[tokio::test]
#[ignore = "needs the servers of tests/real-servers.sh"]
async fn an_index_without_a_tag_is_named_with_the_tag() {
    let bench = projecting(including(&NEEDED)).await;
    let users = bench.users();
    let through_plan = users.index(|i| i.by_plan).query("free");
    let error = through_plan.send().await.unwrap_err();
    let ErrorKind::Usage(UsageError::NotProjected { index, missing }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(*index, "by-plan");
    assert!(missing.iter().any(|name| name == "blind_email"), "{error}");
    let whole = users.index(|i| i.by_plan).query("free").fetch_base_table();
    assert_eq!(whole.send().await.unwrap().len(), 2);
    // The index by a tag has that one, and lacks the others.
    let zoe = users.index(|i| i.by_email).query("zoe@example.com");
    let error = zoe.one().await.unwrap_err();
    let ErrorKind::Usage(UsageError::NotProjected { missing, .. }) = error.kind() else {
        panic!("{error}")
    };
    let names = |name: &str| missing.iter().any(|missing| missing == name);
    assert!(names("blind_name") && !names("blind_email"), "{error}");
}

/// Without every tag, no record is believed, whatever the server says.
#[tokio::test]
async fn a_record_without_a_tag_of_its_own_is_never_an_answer() {
    let bench = projecting(including(&NEEDED)).await;
    let users = bench.users();
    assert!(users.index(|i| i.by_plan).query("free").send().await.is_err());
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    assert!(zoe().one().await.is_err());
    assert_eq!(zoe().fetch_base_table().one().await.unwrap(), Some(user("u_1", "zoe")));
}

#[tokio::test]
async fn an_index_with_all_tags_serves_a_search() {
    let with_tags = ["blind_email", "blind_name", "blind_number"];
    let bench = projecting(including(&[&NEEDED[..], &with_tags].concat())).await;
    let users = bench.users();
    let found = users.index(|i| i.by_email).query("zoe@example.com").one().await.unwrap();
    assert_eq!(found, Some(user("u_1", "zoe")));
    assert_eq!(users.index(|i| i.by_plan).query("free").send().await.unwrap().len(), 2);
}

//! Traces at the finest level while records are found by an encrypted field.

use envelope_dynamo::keys::{LocalSearchKeys, SearchKey};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Servers;
use envelope_examples::servers::unique_name;
use envelope_tests::plant;

use crate::logs::Log;
use crate::{NUMBER, TEXT, assert_clean, provider};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-name", partition_key = name),
    index(name = "by-number", partition_key = number),
)]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable]
    name: String,
    #[encrypted]
    #[searchable]
    number: u64,
}

/// The record before its fields were searchable.
#[derive(Clone, Debug, Envelope)]
#[envelope(table = "patients")]
struct Before {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
}

#[tokio::test]
async fn no_searched_value_is_traced() {
    let (servers, log) = (Servers::embedded().await.unwrap(), Log::default());
    let name = unique_name("patients");
    let keys = LocalSearchKeys::new(SearchKey::from_slice(&[7; 32]).unwrap());
    let patients = Table::<Patient>::new(servers.dynamodb().clone(), provider());
    let patients = patients.named(name.clone()).with_search_keys(keys);
    patients.create_table().send().await.unwrap();
    let before = Table::<Before>::new(servers.dynamodb().clone(), provider()).named(name.clone());
    before.put(&Before { id: "p_2".into(), name: "other".into() }).send().await.unwrap();

    let traced = tracing::subscriber::set_default(log.clone());
    let patient = Patient { id: "p_1".into(), name: TEXT.into(), number: NUMBER };
    patients.put(&patient).send().await.unwrap();
    let item = |id: &str| patients.client().get_item().table_name(&name).key("id", id_of(id));
    let tag = item("p_1").send().await.unwrap().item.unwrap()["blind_name"].clone();
    let mut copied = item("p_2").send().await.unwrap().item.unwrap();
    copied.insert("blind_name".to_owned(), tag);
    plant(&servers, &name, copied).await;
    let mut records = patients.index(|i| i.by_name).query(TEXT).stream().unwrap();
    assert_eq!(records.next().await.unwrap().unwrap(), patient);
    assert!(records.next().await.is_none());
    assert_eq!(records.passed_over(), 1);
    let found = patients.index(|i| i.by_number).query(NUMBER).one().await.unwrap();
    assert_eq!(found, Some(patient));
    drop(traced);

    let ours = log.ours.lock().unwrap().clone();
    assert!(ours.contains("passed over a record"), "{ours}");
    assert!(ours.contains("by-name") && !ours.contains("p_2"), "{ours}");
    assert_clean(&ours);
}

fn id_of(id: &str) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(id.to_owned())
}

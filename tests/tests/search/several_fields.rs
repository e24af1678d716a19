//! What `searchable(..)` can say: several fields together, several tags of a field, and tags as
//! sort keys.

use envelope_core::search::SearchKey;
use envelope_dynamo::keys::LocalSearchKeys;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, RootKey, Table};
use envelope_examples::servers::unique_name;
use envelope_tests::servers;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-name", partition_key = last_first),
    index(name = "by-name-in-clinic", partition_key = in_clinic),
    index(name = "by-phone", partition_key = (clinic, phone)),
    index(name = "by-last", local, sort_key = last),
    index(name = "by-ward", partition_key = ward, sort_key = phone_2),
    searchable(fields(last(trim, ascii_lowercase), first)),
    searchable(fields(clinic, last), name = "in_clinic")
)]
struct Patient {
    #[partition_key]
    clinic: String,
    #[sort_key]
    number: u32,
    #[authenticated]
    ward: String,
    #[encrypted]
    #[searchable]
    last: String,
    #[encrypted]
    first: Option<String>,
    #[encrypted]
    #[searchable(normalize(digits))]
    #[searchable(name = "phone_2")]
    phone: String,
}

fn patient(number: u32, last: &str, first: Option<&str>, phone: &str) -> Patient {
    Patient {
        clinic: "c_1".to_owned(),
        number,
        ward: "w_1".to_owned(),
        last: last.to_owned(),
        first: first.map(str::to_owned),
        phone: phone.to_owned(),
    }
}

async fn patients(stored: &[Patient]) -> Table<Patient> {
    let provider = TestKeyProvider::new(RootKey::generate().unwrap());
    let keys = LocalSearchKeys::new(SearchKey::from_slice(&[1; 32]).unwrap());
    let table = Table::<Patient>::new(servers().await.dynamodb().clone(), provider)
        .named(unique_name("patients"))
        .with_search_keys(keys);
    table.create_table().send().await.unwrap();
    table.batch_put(stored).send().await.unwrap();
    table
}

#[tokio::test]
async fn a_record_is_found_by_several_fields_together() {
    let (zoe, ann) = (patient(1, "Smith", Some("Zoe"), "1"), patient(2, "Smith", Some("Ann"), "2"));
    let unnamed = patient(3, "Smith", None, "3");
    let patients = patients(&[zoe.clone(), ann.clone(), unnamed]).await;
    let by_name = patients.index(|i| i.by_name);
    assert_eq!(by_name.query((" SMITH", "Zoe")).one().await.unwrap(), Some(zoe));
    assert_eq!(by_name.query(("smith", "Ann")).one().await.unwrap(), Some(ann));
    assert_eq!(by_name.query(("smith", "ann")).one().await.unwrap(), None, "no step of `first`");
    assert_eq!(by_name.query(("smith", None::<String>)).send().await.unwrap(), []);
}

#[tokio::test]
async fn a_key_attribute_is_searched_for_together_with_an_encrypted_field() {
    let here = patient(1, "Smith", None, "1");
    let elsewhere = Patient { clinic: "c_2".to_owned(), ..here.clone() };
    let patients = patients(&[here.clone(), elsewhere.clone()]).await;
    let by_name = patients.index(|i| i.by_name_in_clinic);
    assert_eq!(by_name.query(("c_1", "Smith")).one().await.unwrap(), Some(here));
    assert_eq!(by_name.query(("c_2", "Smith")).one().await.unwrap(), Some(elsewhere));
    assert_eq!(by_name.query(("c_3", "Smith")).one().await.unwrap(), None);
}

#[tokio::test]
async fn a_search_tag_beside_a_readable_partition_key_finds_within_it() {
    let here = patient(1, "Smith", None, "079 12");
    let elsewhere = Patient { clinic: "c_2".to_owned(), ..here.clone() };
    let patients = patients(&[here.clone(), elsewhere]).await;
    let found = patients.index(|i| i.by_phone).query(("c_1", "(07)912")).one().await.unwrap();
    assert_eq!(found, Some(here));
}

#[tokio::test]
async fn a_search_tag_can_be_the_sort_key_of_an_index() {
    let (smith, jones) = (patient(1, "Smith", None, "1"), patient(2, "Jones", None, "2"));
    let patients = patients(&[smith.clone(), jones.clone()]).await;
    let by_last = patients.index(|i| i.by_last).query("c_1");
    let found = by_last.sort(|last| last.eq("Smith")).one().await.unwrap();
    assert_eq!(found, Some(smith));
    let by_ward = patients.index(|i| i.by_ward);
    let found = by_ward.query("w_1").sort(|phone| phone.eq("2")).one().await.unwrap();
    assert_eq!(found, Some(jones));
    let none = by_ward.query("w_2").sort(|phone| phone.eq("2")).one().await.unwrap();
    assert_eq!(none, None);
    let all = by_ward.query("w_1").send().await.unwrap();
    assert_eq!(all.len(), 2, "without a condition, the tags only say the order");
}

/// A token belongs to one value: the conditions on sort keys are part of it.
#[tokio::test]
async fn a_resume_token_of_another_sort_condition_is_refused() {
    let stored = [patient(1, "Smith", None, "1"), patient(2, "Smith", None, "2")];
    let patients = patients(&stored).await;
    let by_last = || patients.index(|i| i.by_last).query("c_1");
    let mut records = by_last().sort(|last| last.eq("Smith")).limit(1).stream().unwrap();
    records.next().await.unwrap().unwrap();
    let token = records.resume_token().unwrap();
    let rest = by_last().sort(|last| last.eq("Smith")).resume(token.clone()).send().await.unwrap();
    assert_eq!(rest.len(), 1);
    assert!(by_last().resume(token.clone()).send().await.is_err());
    let other = by_last().sort(|last| last.eq("Jones")).resume(token).send().await;
    assert!(other.is_err() || other.unwrap().is_empty());
}

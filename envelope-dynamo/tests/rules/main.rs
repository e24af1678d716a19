//! The rules that keep plaintext out of a table and records whole: who owns an attribute, what an
//! expression may name, what a change keeps, and what a refused or unanswered write means.
//!
//! They are beside the code that they test, so that a mutant of it is built and tried in seconds.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod attacks;
mod changes;
mod codec;
mod data_keys;
mod edges;
mod expressions;
mod failures;
mod keys;
mod kinds;
mod managed_types;
mod numbers_in_place;
mod operands;
mod outages;
mod placement;
mod reading;
mod records;
mod rewrap;
mod schema_file;
mod setup;
mod spawned;
mod under_way;
mod vectors;
mod versions;
mod withheld;
mod writes;

use envelope_dynamo::Envelope;
use setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    diagnosis: String,
}

#[tokio::test]
async fn a_value_that_is_encrypted_is_in_no_request() {
    let setup = Setup::new().await;
    let patients = setup.table::<Patient>().await;
    let patient = Patient { id: "p_1".to_owned(), diagnosis: "migraine".to_owned() };
    patients.put(&patient).send().await.expect("the record is stored");
    assert_eq!(patients.get("p_1").send().await.expect("the record opens"), Some(patient));
    assert_eq!((setup.keys.generate_calls(), setup.keys.unwrap_calls()), (1, 1));
    let requests = setup.faults.all_requests();
    assert!(!requests.iter().any(|body| String::from_utf8_lossy(body).contains("migraine")));
}

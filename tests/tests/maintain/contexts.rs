//! A schema file yields the contexts that the structs yield.

use envelope_dynamo::item::{item_context, item_group_context};
use envelope_dynamo::maintain::{SchemaFile, SchemaFileError};

use crate::bench::{Bench, Patient, Visit};

/// KMS checks the context of every call, so a run that succeeds proves it for the table above; here
/// the pairs themselves are compared, so that a mistake is seen.
#[tokio::test]
async fn a_schema_file_yields_the_contexts_of_the_structs() {
    let bench = Bench::new().await;
    bench.seed(2).await;
    let table = bench.stored();
    for item in bench.items().await.into_values() {
        let (of_struct, groups) = match item["sk"].as_s().unwrap().as_str() {
            "PROFILE" => (item_context::<Patient>(&item).unwrap(), vec!["medical"]),
            _ => (item_context::<Visit>(&item).unwrap(), vec![]),
        };
        let contexts = table.encryption_contexts(&item).unwrap();
        assert_eq!(contexts.len(), 1 + groups.len());
        assert_eq!(contexts[0], (None, of_struct.encryption_context()));
        for (context, group) in contexts[1..].iter().zip(groups) {
            let of_struct = item_group_context::<Patient>(&item, group).unwrap();
            assert_eq!(context, &(Some(group), of_struct.encryption_context()));
        }
    }
}

fn problem(from: &str, to: &str) -> String {
    let text = SchemaFile::new().with::<crate::bench::Clinic>().to_string();
    assert!(text.contains(from), "{text}");
    let read: Result<SchemaFile, SchemaFileError> = text.replacen(from, to, 1).parse();
    read.unwrap_err().to_string()
}

/// The file is written by code, and edited and merged by people.
#[test]
fn a_schema_file_with_a_mistake_is_refused() {
    let start = "this is not a schema file of Envelope: `Patient`: ";
    for (from, to, expected) in [
        (
            "PATIENT#{patient_id}",
            "PATIENT#{patient}",
            "`{patient}` names no field that may be part of this key",
        ),
        (
            "PATIENT#{patient_id}",
            "PATIENT#{patient_id",
            "`{` has no partner; a literal brace is written twice",
        ),
        (
            "PATIENT#{patient_id}",
            "PATIENT#}",
            "`}` has no partner; a literal brace is written twice",
        ),
    ] {
        let said = problem(from, to);
        assert!(said.starts_with(start) && said.ends_with(expected), "{said}");
    }
    assert_eq!(
        problem("\"name\": \"pk\"", "\"name\": \"\""),
        format!("{start}an attribute has no name")
    );
    assert_eq!(
        problem("\"name\": \"pk\"", "\"name\": \"ward\""),
        format!("{start}the attribute `ward` stands there twice")
    );
    assert_eq!(
        problem("[\n        \"ward\"", "[\n        \"wards\""),
        format!("{start}`pairs` names `wards`, which is no field")
    );
    assert_eq!(
        problem("[\n        \"medical\"", "[\n        \"other\""),
        format!("{start}`groups` are not the groups of the fields")
    );
}

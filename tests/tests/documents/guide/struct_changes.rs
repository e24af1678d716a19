//! The code of docs/guide/struct-changes.md.

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
#[allow(dead_code)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[test]
fn records_are_stored_as_the_schema_file_says() {
    envelope_dynamo::assert_schema!("envelope.schema.json", User);
}

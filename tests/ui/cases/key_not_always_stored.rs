use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[sort_key]
    #[serde(skip_serializing)]
    at: u64,
    #[encrypted]
    email: String,
}

fn main() {}

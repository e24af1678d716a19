use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
#[serde(tag = "type", into = "Other")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

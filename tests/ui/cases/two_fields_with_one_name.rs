use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    #[serde(rename = "email")]
    contact: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(alias = "encrypted_payload")]
    email: String,
}

fn main() {}

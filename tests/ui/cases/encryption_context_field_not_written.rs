use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    #[encryption_context]
    #[serde(skip_serializing)]
    tenant: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[encryption_context]
    #[serde(skip)]
    tenant: String,
}

fn main() {}

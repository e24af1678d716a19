use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", context(tenant = "x"))]
struct User {
    #[partition_key]
    id: String,
    #[plaintext]
    #[encryption_context]
    tenant: String,
    #[encrypted]
    email: String,
}

fn main() {}

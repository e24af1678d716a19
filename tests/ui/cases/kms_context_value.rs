use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", kms_context = "none")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

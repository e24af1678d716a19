use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", context(Envelope = "direct"))]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

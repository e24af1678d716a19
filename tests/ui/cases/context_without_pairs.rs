use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", context = "pii")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

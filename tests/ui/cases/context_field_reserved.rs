use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    #[encryption_context]
    partition_key: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    #[encrypted]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[partition_key]
    other: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[sort_key]
    a: u64,
    #[sort_key]
    b: u64,
    #[encrypted]
    email: String,
}

fn main() {}

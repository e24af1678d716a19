use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: Option<String>,
    #[sort_key]
    at: Vec<u64>,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    #[serde(skip)]
    cache: String,
}

fn main() {}

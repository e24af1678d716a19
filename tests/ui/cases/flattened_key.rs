use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    #[serde(flatten)]
    id: Id,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(flatten)]
    a: A,
    #[plaintext]
    #[serde(flatten)]
    b: B,
}

fn main() {}

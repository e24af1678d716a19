use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(alias = "mail")]
    email: String,
    #[plaintext]
    #[serde(alias = "mail")]
    contact: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(tabel = "users", unmarked = "secret", crate = envelope_dynamo)]
struct User {
    #[partition_key]
    id: bool,
    #[encrypted]
    #[authenticated]
    email: String,
    #[plaintext]
    #[serde(rename = "encrypted_dek")]
    key: String,
    plan: String,
    #[sort_key]
    at: u64,
    #[plaintext]
    #[serde(flatten)]
    rest: Rest,
}

fn main() {}

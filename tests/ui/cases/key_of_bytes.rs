use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    digest: Vec<u8>,
    #[sort_key]
    salt: [u8; 16],
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encryptd]
    email: String,
}

fn main() {}

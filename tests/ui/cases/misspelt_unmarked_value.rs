use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", unmarked = "encryptd")]
struct User {
    #[partition_key]
    id: String,
    email: String,
    phone: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[plaintext]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

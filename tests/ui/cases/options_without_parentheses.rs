use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope = "users"]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", region = "eu-west-1")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

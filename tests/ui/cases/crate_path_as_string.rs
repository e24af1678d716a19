use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", crate = "::envelope_dynamo")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", context("AWS:user" = "x"))]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

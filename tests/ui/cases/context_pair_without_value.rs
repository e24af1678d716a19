use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", context(purpose, team = 7, cost-center = "42"))]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

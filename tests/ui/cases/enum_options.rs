use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(Envelope)]
#[envelope(table = "users")]
enum Entity {
    User(User),
}

fn main() {}

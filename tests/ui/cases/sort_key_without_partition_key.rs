use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[sort_key]
    at: u64,
    #[encrypted]
    email: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "users",
    index(name = "by-type", partition_key = type, sort_key = r#move),
    index(name = "by-self", partition_key = self),
    index(name = "by-match", partition_key = match),
)]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    r#type: String,
    #[plaintext]
    r#move: String,
}

fn main() {}

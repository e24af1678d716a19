use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users", index(name = "by_email", partition_key = email))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

fn main() {}

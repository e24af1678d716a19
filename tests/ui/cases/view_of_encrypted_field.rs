use envelope_dynamo::{Envelope, View};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    logins: u64,
}

#[derive(View)]
#[view(of = User)]
struct Contact {
    id: String,
    email: String,
    logins: u32,
    phone: String,
}

fn main() {}

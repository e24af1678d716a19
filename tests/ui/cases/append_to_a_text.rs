use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    name: String,
}

fn append(users: Table<User>) {
    let _ = users.update("u_1").append(|u| u.name, "Smith");
}

fn main() {}

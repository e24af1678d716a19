use envelope_dynamo::{Envelope, Table, transact_write};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn check(users: Table<User>) {
    let _ = transact_write(users.client()).check(users.check("u_1"));
}

fn main() {}

use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    #[encryption_context]
    tenant: String,
    #[plaintext]
    name: String,
}

fn main() {}

fn example(users: Table<User>) {
    let _ = users.update("u_1").set(|u| u.email, "zoe@example.com");
    let _ = users.update("u_1").set(|u| u.plan, "pro");
    let _ = users.update("u_1").set(|u| u.tenant, "t_1");
    let _ = users.update("u_1").remove(|u| u.user_id);
    let _ = users.update("u_1").add(|u| u.name, 1);
}

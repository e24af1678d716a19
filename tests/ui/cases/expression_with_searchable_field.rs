use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-phone", local, sort_key = phone)
)]
struct User {
    #[partition_key]
    tenant: String,
    #[sort_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    email: String,
    #[encrypted]
    #[searchable]
    phone: String,
}

fn main() {}

fn example(users: Table<User>) {
    let _ = users.delete(("t_1", "u_1")).condition(|u| u.email.eq("zoe@example.com"));
    let _ = users.query("t_1").filter(|u| u.email.begins_with("zoe"));
    let _ = users.update(("t_1", "u_1")).set(|u| u.email, "zoe@example.com");
    let _ = users.index(|i| i.by_email).query(7);
    let _ = users.index(|i| i.by_phone).query("t_1").sort(|phone| phone.begins_with("+41"));
    let _ = users.index(|i| i.by_email).query("zoe@example.com").sort(|email| email.eq("x"));
}

use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(unique)]
    email: String,
}

#[derive(Envelope)]
#[envelope(table = "orders")]
struct Order {
    #[partition_key]
    id: String,
    #[encrypted]
    card: String,
}

fn calls(users: Table<User>, user: User, orders: Table<Order>) {
    let _ = users.batch_put([&user]);
    let _ = users.put(&user).into_sdk();
    let _ = users.put(&user).returning_old();
    let _ = orders.unique(|order| order.card).get("4111");
}

fn main() {}

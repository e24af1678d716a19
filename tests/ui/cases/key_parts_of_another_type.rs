use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:020}#{order_id}")]
struct Order {
    #[key]
    user_id: String,
    #[key]
    created: u64,
    #[key]
    order_id: String,
    #[encrypted]
    card: String,
}

fn main() {
    fn check(orders: &Table<Order>) {
        let _ = orders.get(("u_1", (1_700_000_000, "o_1")));
        let _ = orders.get("u_1");
        let _ = orders.get(("u_1", "o_1"));
    }
}

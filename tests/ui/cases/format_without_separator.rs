use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:020}{order_id}")]
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

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "{user_id}--{order_id}")]
struct Pair {
    #[key]
    user_id: String,
    #[key]
    order_id: String,
    #[encrypted]
    card: String,
}

fn main() {}

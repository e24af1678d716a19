use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Order {
    #[key]
    user_id: String,
    #[key]
    order_id: String,
    #[encrypted]
    card: String,
}

fn main() {}

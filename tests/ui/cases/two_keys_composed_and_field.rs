use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]

struct Order {
    #[key]
    user_id: String,
    #[partition_key]
    order_id: String,
    #[encrypted]
    card: String,
}

fn main() {}

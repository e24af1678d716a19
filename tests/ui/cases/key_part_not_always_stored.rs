use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{order_id}")]
struct Order {
    #[key]
    user_id: String,
    #[authenticated]
    #[serde(skip_serializing_if = "String::is_empty")]
    order_id: String,
    #[encrypted]
    card: String,
}

fn main() {}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "PRICE#{price}")]
struct Order {
    #[key]
    user_id: String,
    #[key]
    price: f64,
    #[encrypted]
    card: String,
}

fn main() {}

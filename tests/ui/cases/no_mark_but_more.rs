use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "orders")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{number:06}")]
struct Order {
    #[key]
    user_id: String,
    number: u32,
    #[encrypted]
    card: String,
    #[version]
    version: u64,
    #[updated]
    changed: u64,
}

fn main() {}

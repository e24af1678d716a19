use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "shop")]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "ORDER#{created:>20}")]
struct Order {
    #[key]
    user_id: String,
    #[authenticated]
    created: u64,
    #[encrypted]
    card: String,
}

fn main() {}

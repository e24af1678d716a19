use envelope_dynamo::Envelope;

struct Address {
    street: String,
}

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(rename = "home")]
    address: Vec<Address>,
}

fn main() {}

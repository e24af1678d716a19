use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(rename(both = "mail"), skip_serializing = true, alias)]
    email: String,
}

fn main() {}

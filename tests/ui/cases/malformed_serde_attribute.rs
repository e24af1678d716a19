use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(rename(both = "mail"), flatten = true, alias)]
    email: String,
}

fn main() {}

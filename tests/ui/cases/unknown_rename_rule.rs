use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
#[serde(rename_all = "Train-Case")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
}

fn main() {}

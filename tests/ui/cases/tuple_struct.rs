use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
struct User(#[partition_key] String, #[encrypted] String);

fn main() {}

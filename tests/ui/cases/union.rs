use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "users")]
union User {
    #[partition_key]
    id: u64,
    #[encrypted]
    pin: u64,
}

fn main() {}

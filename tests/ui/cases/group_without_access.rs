use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: String,
}

fn main() {}

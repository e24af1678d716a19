use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(table = "records")]
struct Record {
    #[partition_key]
    #[version]
    id: u64,
    #[encrypted]
    #[ttl]
    expires: u64,
    #[authenticated]
    #[updated]
    changed: u64,
    #[plaintext]
    #[created]
    #[updated]
    both: u64,
    #[plaintext]
    #[version = 1]
    revision: u64,
    #[plaintext]
    #[created]
    #[encryption_context]
    made: u64,
    #[plaintext]
    #[ttl]
    #[serde(skip_serializing)]
    unwritten: u64,
}

#[derive(Envelope)]
#[envelope(table = "records")]
#[ttl]
struct Misplaced {
    #[partition_key]
    id: u64,
    #[encrypted]
    secret: u64,
}

fn main() {}

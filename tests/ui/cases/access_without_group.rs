use envelope_dynamo::{Access, Envelope};

type Medical<T> = Access<T>;

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    diagnosis: Access<String>,
    #[authenticated]
    ward: Medical<u8>,
    #[plaintext]
    doctor: envelope_dynamo::Access<Option<String>>,
    #[encrypted(group = "medical")]
    allergies: Medical<Vec<String>>,
}

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Generic<T> {
    #[partition_key]
    id: String,
    #[encrypted]
    value: Medical<T>,
    #[encrypted]
    other: T,
}

fn main() {}

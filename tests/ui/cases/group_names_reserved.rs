use envelope_dynamo::{Access, Envelope};

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[plaintext]
    #[encryption_context]
    #[serde(rename = "Group")]
    own: String,
    #[plaintext]
    encrypted_dek_medical: String,
}

fn main() {}

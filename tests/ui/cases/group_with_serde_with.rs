use envelope_dynamo::{Access, Envelope};

#[derive(serde::Serialize, serde::Deserialize)]
struct Inner {
    x: u8,
}

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "medical")]
    #[serde(with = "inner")]
    b: Access<Inner>,
}

fn main() {}

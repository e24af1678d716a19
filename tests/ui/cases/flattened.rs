use envelope_dynamo::{Access, Envelope, View};

#[derive(Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    #[serde(default, flatten)]
    labels: std::collections::BTreeMap<String, String>,
    #[encrypted(group = "medical")]
    #[serde(flatten)]
    findings: Access<std::collections::BTreeMap<String, String>>,
    #[serde(skip, flatten)]
    cache: std::collections::BTreeMap<String, String>,
}

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    ward: String,
}

#[derive(serde::Serialize, View)]
#[view(of = Patient)]
struct Ward {
    #[serde(flatten)]
    ward: String,
}

fn main() {}

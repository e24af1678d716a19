use std::collections::BTreeMap;

use envelope_dynamo::{Access, Envelope};

#[derive(Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-clinic", partition_key = clinic),
    index(name = "by-diagnosis", partition_key = diagnosis),
    index(name = "by-session", partition_key = session),
    index(name = "by-weight", partition_key = weight),
    index(name = "by-labels", partition_key = labels),
    index(name = "by-photo", partition_key = photo),
    index(name = "by-nothing", partition_key = nothing),
    index(name = "by-adult", partition_key = adult),
    index(name = "by-age", partition_key = age),
    index(name = "by-blood-type", partition_key = blood_type),
    index(name = "by-number", partition_key = number)
)]
struct Patient {
    #[partition_key]
    id: String,
    #[authenticated]
    #[searchable]
    clinic: String,
    #[encrypted(group = "medical")]
    #[searchable]
    diagnosis: Access<String>,
    #[serde(skip)]
    #[searchable]
    session: String,
    #[encrypted]
    #[searchable]
    weight: f64,
    #[encrypted]
    #[searchable]
    labels: BTreeMap<String, String>,
    #[encrypted]
    #[searchable]
    photo: Vec<u8>,
    #[encrypted]
    #[searchable]
    nothing: (),
    #[encrypted]
    #[searchable]
    adult: bool,
    #[encrypted]
    #[searchable]
    age: Option<u8>,
    #[encrypted]
    #[searchable]
    blood_type: char,
    #[encrypted]
    #[searchable(normalize(digits))]
    number: u64,
    #[encrypted]
    #[searchable]
    phone: String,
}

fn main() {}

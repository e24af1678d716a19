use envelope_dynamo::{Access, Envelope};

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: String,
    #[encrypted(group = "")]
    a: Access<String>,
    #[encrypted(group = "two words")]
    b: Access<String>,
    #[encrypted(group)]
    c: Access<String>,
    #[encrypted(group = "x", group = "y")]
    d: Access<String>,
    #[authenticated(group = "x")]
    e: Access<String>,
    #[encrypted(grup = "x")]
    f: Access<String>,
}

fn main() {}

use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "records")]
struct Record {
    #[partition_key]
    id: u64,
    #[encrypted]
    secret: u64,
    #[plaintext]
    #[version]
    version: String,
    #[plaintext]
    #[ttl]
    expires: bool,
}

#[derive(Envelope)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    id: u64,
    #[encrypted]
    secret: u64,
    #[plaintext]
    #[version]
    version: u64,
}

fn main() {}

fn example(notes: Table<Note>) {
    let _ = notes.get(1_u64).not_before_version(3);
    let _ = notes.update(1_u64).set(|note| note.version, 3_u64);
}

use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "by_notes", partition_key(name = "gsi1pk", format = "NOTES#{notes}")),
    index(name = "by_doctor", partition_key(name = "gsi2pk", format = "DOCTOR#{docter}")),
    index(name = "by_ward", partition_key(name = "gsi3pk", format = "{ward}{doctor}")),
    index(name = "by_change", partition_key(name = "gsi4pk", format = "{changed:020}")),
    index(name = "by_score", partition_key(name = "gsi5pk", format = "{score}")),
    index(name = "by_room", partition_key(name = "gsi6pk", format = "{room}")),
    index(name = "by_plan", partition_key(plan)),
    index(name = "by_name", partition_key(name = "doctor", format = "{doctor}")),
    index(name = "one", partition_key(name = "shared", format = "A#{doctor}")),
    index(name = "two", partition_key(name = "shared", format = "B#{doctor}")),
)]
#[partition_key(name = "pk", format = "PATIENT#{patient}")]
struct Visit {
    #[key]
    patient: String,
    #[key]
    room: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    score: f64,
    #[plaintext]
    #[updated]
    changed: u64,
}

fn main() {}

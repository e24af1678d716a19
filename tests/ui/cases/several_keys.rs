use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "one", partition_key = (clinic)),
    index(name = "five", partition_key = (clinic, doctor, day, start, room)),
    index(name = "text", partition_key = (clinic, "doctor")),
    index(name = "secret", partition_key = (clinic, notes)),
    index(name = "twice", partition_key = (clinic, doctor), sort_key = (day, clinic)),
    index(name = "local", local, sort_key = (day, start)),
)]
struct Visit {
    #[partition_key]
    id: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    notes: String,
    #[authenticated]
    clinic: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
    #[authenticated]
    room: String,
}

fn main() {}

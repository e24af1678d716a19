use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "patients",
    index(name = "by-name", partition_key = last_first),
    index(name = "by-ward", partition_key = clinic_ward),
    index(name = "by-room", partition_key = last_room),
    index(name = "by-day", partition_key = last_day),
    searchable(fields(last(lowercase), first)),
    searchable(fields(clinic, ward)),
    searchable(fields(last, room)),
    searchable(fields(last, day)),
    searchable(fields(last), name = "last_2"),
    searchable(name = "nothing")
)]
#[partition_key(name = "pk", format = "{clinic}")]
#[sort_key(name = "sk", format = "{day}#{number}")]
struct Patient {
    #[authenticated]
    clinic: String,
    #[key]
    day: String,
    #[key]
    number: u32,
    #[authenticated]
    ward: String,
    #[plaintext]
    room: String,
    #[encrypted]
    last: String,
    #[encrypted]
    first: String,
}

fn main() {}

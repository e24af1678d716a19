use envelope_dynamo::Envelope;

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "by_day", local, partition_key = patient, sort_key = day),
    index(name = "by_ward", local),
    index(name = "by_hour", local = true, sort_key = day),
)]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    notes: String,
    #[plaintext]
    day: String,
}

#[derive(Envelope)]
#[envelope(table = "users", index(name = "by_day", local, sort_key = day))]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[plaintext]
    day: String,
}

fn main() {}

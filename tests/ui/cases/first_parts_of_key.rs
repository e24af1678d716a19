use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(
        name = "by_doctor",
        partition_key(name = "gsi1pk", format = "DOCTOR#{doctor}"),
        sort_key(name = "gsi1sk", format = "VISIT#{day}#{start:06}"),
    ),
)]
struct Visit {
    #[partition_key]
    id: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    doctor: String,
    #[authenticated]
    day: String,
    #[authenticated]
    start: u32,
}

fn query(visits: &Table<Visit>) {
    let by_doctor = visits.index(|indexes| indexes.by_doctor);
    let _ = by_doctor.query("d_1").sort(|key| key.begins_with_parts("2026-03-07"));
    let _ = by_doctor.query("d_1").sort(|key| key.begins_with_parts(900_u32));
    let _ = by_doctor.query("d_1").sort(|key| key.begins_with_parts(("2026-03-07", 900)));
}

fn main() {}

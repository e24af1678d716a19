use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "by-doctor", partition_key = (clinic, doctor), sort_key = (day, start)),
)]
struct Visit {
    #[partition_key]
    id: String,
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
}

fn query(visits: &Table<Visit>) {
    let by_doctor = visits.index(|indexes| indexes.by_doctor);
    let key = ("c_1", "d_1");
    let _ = by_doctor.query(key).sort(|day| day.eq("2026-03-07").and(|start| start.gt(900_u32)));
    // A range ends the conditions.
    let _ = by_doctor.query(key).sort(|day| day.gt("2026-03-07").and(|start| start.eq(900_u32)));
    // The first sort key is the day.
    let _ = by_doctor.query(key).sort(|start| start.gt(900_u32));
    // There are two sort keys.
    let _ = by_doctor
        .query(key)
        .sort(|day| day.eq("2026-03-07").and(|start| start.eq(900_u32).and(|end| end.eq(1_u32))));
}

fn missing(visits: &Table<Visit>) {
    let by_doctor = visits.index(|indexes| indexes.by_doctor);
    let _ = by_doctor.query("c_1");
}

fn main() {}

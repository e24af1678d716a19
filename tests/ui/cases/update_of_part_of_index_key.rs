use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(
    table = "visits",
    index(name = "by_state", partition_key(name = "gsi1pk", format = "{ward}#{state}")),
)]
struct Visit {
    #[partition_key]
    id: String,
    #[encrypted]
    notes: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    state: String,
}

fn update(visits: &Table<Visit>) {
    let _ = visits.update("v_1").set(|visit| visit.state, "done");
    let _ = visits.update("v_1").set(|visit| visit.gsi1pk, "north#done");
    let _ = visits.update("v_1").modify(|visit| visit.state = "done".to_owned());
}

fn main() {}

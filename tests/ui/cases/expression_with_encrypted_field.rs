use std::collections::BTreeMap;

use envelope_dynamo::{Envelope, Table};

#[derive(Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    #[serde(alias = "mail")]
    email: String,
    #[encrypted]
    diagnoses: Vec<String>,
    #[authenticated]
    labels: BTreeMap<String, String>,
    #[plaintext]
    note: String,
}

fn main() {}

fn example(patients: Table<Patient>) {
    let _ = patients.delete("p_1").condition(|p| p.email.eq("zoe@example.com"));
    let _ = patients.delete("p_1").condition(|p| p.mail.eq("zoe@example.com"));
    let _ = patients.delete("p_1").condition(|p| p.note.eq(p.email));
    let _ = patients.delete("p_1").condition(|p| p.diagnoses.at(0).eq("migraine"));
    let _ = patients.delete("p_1").condition(|p| p.diagnoses.size().gt(3));
    let _ = patients.update("p_1").set(|p| p.diagnoses.at(0), "migraine");
    let _ = patients.update("p_1").set(|p| p.labels.key("ward"), "north");
    let _ = patients.update("p_1").set_from(|p| p.note, |p| p.email);
}

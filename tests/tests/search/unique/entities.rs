//! Unique fields of a type in an enum's table, of several fields, and with composed keys.

use envelope_dynamo::Envelope;

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", searchable(fields(last(trim, ascii_lowercase), clinic), unique))]
#[partition_key(name = "pk", format = "CLINIC#{clinic}")]
#[sort_key(name = "sk", format = "PATIENT#{number:08}")]
struct Patient {
    #[authenticated]
    clinic: String,
    #[key]
    number: u32,
    #[encrypted]
    last: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic")]
#[partition_key(name = "pk", format = "CLINIC#{clinic}")]
#[sort_key(name = "sk", format = "ROOM#{room}")]
struct Room {
    #[key]
    clinic: String,
    #[key]
    room: String,
    #[encrypted]
    code: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Clinic {
    Patient(Patient),
    Room(Room),
}

fn patient(clinic: &str, number: u32, last: &str) -> Patient {
    Patient { clinic: clinic.to_owned(), number, last: last.to_owned() }
}

async fn table() -> (Servers, Table<Clinic>) {
    let servers = servers().await;
    let clinic = Table::<Clinic>::new(servers.dynamodb().clone(), local_keys(7))
        .named(unique_name("clinic"))
        .with_search_keys(only(1))
        .with_claims(unique_name("clinic-claims"));
    clinic.create_table().send().await.unwrap();
    clinic.create_claims_table().await.unwrap();
    (servers, clinic)
}

#[tokio::test]
async fn a_value_of_several_fields_is_unique_within_a_clinic() {
    let (_servers, clinic) = table().await;
    let patients = clinic.of::<Patient>();
    patients.put(&patient("north", 1, "Meier")).send().await.unwrap();
    patients.put(&patient("south", 1, "Meier")).send().await.unwrap();
    let error = patients.put(&patient("north", 2, "meier ")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("last+clinic"));
    let found = patients.unique(|u| u.last_clinic).get(("MEIER", "south")).send().await.unwrap();
    assert_eq!(found, Some(patient("south", 1, "Meier")));
    let none = patients.unique(|u| u.last_clinic).get(("Meier", "west")).send().await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn an_enum_puts_records_with_claims_and_others_without() {
    let (_servers, clinic) = table().await;
    let room = Room { clinic: "north".into(), room: "1a".into(), code: "4711".into() };
    clinic.put(&Clinic::Room(room.clone())).send().await.unwrap();
    clinic.put(&Clinic::Patient(patient("north", 1, "Meier"))).send().await.unwrap();
    let again = Clinic::Patient(patient("north", 2, "Meier"));
    let error = clinic.put(&again).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("last+clinic"));
    clinic.of::<Patient>().delete(("north", 1)).send().await.unwrap();
    clinic.put(&again).send().await.unwrap();
    clinic.of::<Room>().batch_put([room]).send().await.unwrap();
}

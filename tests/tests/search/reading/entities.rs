//! Searches in a table of several entity types.

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", index(name = "by-email", partition_key = email))]
#[partition_key(name = "pk", format = "PATIENT#{id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Patient {
    #[key]
    id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
}

/// The same tag, of the same definition.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", index(name = "by-email", partition_key = email))]
#[partition_key(name = "pk", format = "DOCTOR#{id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Doctor {
    #[key]
    id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    room: String,
}

/// A tag of the same name, whose values go through other steps.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", index(name = "by-email", partition_key = email))]
#[partition_key(name = "pk", format = "SUPPLIER#{id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Supplier {
    #[key]
    id: String,
    #[encrypted]
    #[searchable(normalize(trim))]
    email: String,
}

/// No search tag.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic")]
#[partition_key(name = "pk", format = "ROOM#{id}")]
#[sort_key(name = "sk", format = "PROFILE")]
struct Room {
    #[key]
    id: String,
    #[encrypted]
    email: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Clinic {
    Patient(Patient),
    Doctor(Doctor),
    Supplier(Supplier),
    Room(Room),
}

struct Entities {
    servers: Servers,
    faults: Faults,
    clinic: Table<Clinic>,
}

async fn entities() -> Entities {
    let (servers, faults) = (servers().await, Faults::new());
    let keys = TestKeyProvider::new(RootKey::generate().unwrap());
    let clinic = Table::<Clinic>::new(servers.dynamodb_through(&faults), keys);
    let clinic = clinic.named(unique_name("clinic")).with_search_keys(only(1));
    clinic.create_table().send().await.unwrap();
    let (id, email) = (|id: &str| id.to_owned(), || "zoe@example.com".to_owned());
    let records = [
        Clinic::Patient(Patient { id: id("p_1"), email: email() }),
        Clinic::Doctor(Doctor { id: id("d_1"), email: email(), room: "12".into() }),
        Clinic::Supplier(Supplier { id: id("s_1"), email: email() }),
        Clinic::Room(Room { id: id("r_1"), email: email() }),
    ];
    for record in &records {
        clinic.put(record).send().await.unwrap();
    }
    faults.forget_calls();
    Entities { servers, faults, clinic }
}

fn ids(found: Vec<Clinic>) -> Vec<String> {
    let id = |record| match record {
        Clinic::Patient(patient) => patient.id,
        Clinic::Doctor(doctor) => doctor.id,
        Clinic::Supplier(supplier) => supplier.id,
        Clinic::Room(room) => room.id,
    };
    let mut ids: Vec<_> = found.into_iter().map(id).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_search_of_an_enum_finds_every_type_that_has_the_tag() {
    let Entities { clinic, faults, .. } = entities().await;
    let by_email = clinic.index_of(Patient::indexes().by_email);
    assert_eq!(ids(by_email.query("zoe@example.com").send().await.unwrap()), ["d_1", "p_1", "s_1"]);
    assert_eq!(faults.calls("Query"), 2, "one for each definition of the tag");
    // The steps of each type decide.
    assert_eq!(ids(by_email.query("ZOE@example.com").send().await.unwrap()), ["d_1", "p_1"]);
}

#[tokio::test]
async fn a_search_of_one_type_of_an_enum_finds_that_type() {
    let Entities { clinic, .. } = entities().await;
    let doctors = clinic.of::<Doctor>();
    let found = doctors.index(|i| i.by_email).query("zoe@example.com").send().await;
    // The others under the tag are no doctors.
    let found: Vec<_> = found.into_iter().flatten().map(|doctor| doctor.id).collect();
    assert_eq!(found, ["d_1"]);
}

/// A record of a type without the tag cannot be listed under it.
#[tokio::test]
async fn a_record_of_a_type_without_the_tag_is_no_answer() {
    let Entities { servers, clinic, .. } = entities().await;
    let item = |id: &str| Item::from([("pk".into(), text(id)), ("sk".into(), text("PROFILE"))]);
    let patient = stored(&servers, clinic.name(), item("PATIENT#p_1")).await.unwrap();
    let room = stored(&servers, clinic.name(), item("ROOM#r_1")).await.unwrap();
    let tag = patient["blind_email"].clone();
    plant(&servers, clinic.name(), envelope_tests::with(&room, "blind_email", tag)).await;
    let by_email = clinic.index_of(Patient::indexes().by_email);
    let (read, errors, passed_over) =
        results(by_email.query("zoe@example.com").stream().unwrap()).await;
    assert_eq!((ids(read).len(), errors.len(), passed_over), (3, 0, 1));
}

//! Tags of several fields, and tags as sort keys.

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "patients",
    searchable(fields(last(trim, ascii_lowercase), clinic)),
    index(name = "by-last-clinic", partition_key = last_clinic, sort_key = email),
    index(name = "local-email", local, sort_key = email),
)]
struct Patient {
    #[partition_key]
    ward: String,
    #[sort_key]
    number: u32,
    #[encrypted]
    last: String,
    #[authenticated]
    clinic: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
}

fn patient(number: u32, last: &str, clinic: &str) -> Patient {
    Patient {
        ward: "w_1".to_owned(),
        number,
        last: last.to_owned(),
        clinic: clinic.to_owned(),
        email: format!("{}@example.com", number / 2),
    }
}

struct Patients {
    servers: Servers,
    faults: Faults,
    keys: TestKeyProvider,
    name: String,
}

impl Patients {
    async fn new() -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let keys = TestKeyProvider::new(RootKey::generate().unwrap());
        let patients = Self { servers, faults, keys, name: unique_name("patients") };
        patients.table(only(1)).create_table().send().await.unwrap();
        patients
    }

    fn table(&self, keys: SearchKeys) -> Table<Patient> {
        let client = self.servers.dynamodb_through(&self.faults);
        let table = Table::new(client, self.keys.clone()).named(self.name.clone());
        table.with_search_keys(keys)
    }
}

fn numbers(patients: &[Patient]) -> Vec<u32> {
    let mut numbers: Vec<_> = patients.iter().map(|patient| patient.number).collect();
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn records_are_found_by_several_fields_together() {
    let bench = Patients::new().await;
    let all = [
        patient(1, "Meier", "north"),
        patient(2, " MEIER", "north"),
        patient(3, "Meier", "south"),
        patient(4, "Frei", "north"),
    ];
    let table = bench.table(only(1));
    table.batch_put(&all).send().await.unwrap();
    let by_both = table.index(|i| i.by_last_clinic);
    let found = |name: &'static str, clinic: &'static str| by_both.query((name, clinic)).send();
    assert_eq!(numbers(&found("meier", "north").await.unwrap()), [1, 2]);
    assert_eq!(numbers(&found("Meier", "south").await.unwrap()), [3]);
    assert_eq!(found("north", "meier").await.unwrap(), [], "the order of the fields counts");
    assert_eq!(found("meier", "").await.unwrap(), []);
    // The sort key is a tag too.
    let one = by_both.query(("Meier", "north")).sort(|email| email.eq("0@example.com"));
    assert_eq!(one.one().await.unwrap(), Some(patient(1, "Meier", "north")));
    let none = by_both.query(("Frei", "north")).sort(|email| email.eq("0@example.com"));
    assert_eq!(none.one().await.unwrap(), None);
    let without = Table::<Patient>::new(bench.servers.dynamodb().clone(), bench.keys.clone());
    let local = without.index(|i| i.local_email).query("w_1").sort(|email| email.eq("x"));
    assert!(local.send().await.is_err(), "the condition on a tag needs search keys");
}

/// The readable field of a tag is authenticated.
#[tokio::test]
async fn a_readable_field_of_a_tag_cannot_be_changed() {
    let bench = Patients::new().await;
    let table = bench.table(only(1));
    table.put(&patient(1, "Meier", "north")).send().await.unwrap();
    let key = Item::from([
        ("ward".to_owned(), text("w_1")),
        ("number".to_owned(), envelope_tests::number(1)),
    ]);
    let item = stored(&bench.servers, &bench.name, key).await.unwrap();
    plant(&bench.servers, &bench.name, envelope_tests::with(&item, "clinic", text("south"))).await;
    let query = table.index(|i| i.by_last_clinic).query(("Meier", "north"));
    let (read, errors, _) = results(query.stream().unwrap()).await;
    assert_eq!((read.len(), errors.len()), (0, 1));
}

#[tokio::test]
async fn a_local_index_by_a_tag_is_read_consistently() {
    let bench = Patients::new().await;
    let table = bench.table(only(1));
    let all = [patient(1, "A", "c"), patient(2, "B", "c"), patient(3, "C", "c")];
    table.batch_put(&all).send().await.unwrap();
    let local = table.index(|i| i.local_email);
    let of = |email: &'static str| {
        local.query("w_1").sort(move |tag| tag.eq(email)).consistent_read().send()
    };
    assert_eq!(numbers(&of("1@EXAMPLE.com").await.unwrap()), [2, 3]);
    assert_eq!(numbers(&of("0@example.com").await.unwrap()), [1]);
    let everything = local.query("w_1").send().await.unwrap();
    assert_eq!(numbers(&everything), [1, 2, 3], "without a condition, this is no search");
}

/// A program that knows one tag alone leaves the other one as it is. So each combination is
/// queried.
#[tokio::test]
async fn two_tags_of_an_index_are_found_in_each_combination_of_keys() {
    let bench = Patients::new().await;
    let (old, new) = (bench.table(only(1)), bench.table(only(2)));
    let zoe = patient(2, "Meier", "north");
    let key = || {
        Item::from([
            ("ward".to_owned(), text("w_1")),
            ("number".to_owned(), envelope_tests::number(2)),
        ])
    };
    old.put(&zoe).send().await.unwrap();
    new.put(&patient(3, "Meier", "north")).send().await.unwrap();
    bench.faults.forget_calls();
    let during = bench.table(rotating(1, 2));
    let query = || {
        let by_both = during.index(|i| i.by_last_clinic).query(("Meier", "north"));
        by_both.sort(|email| email.eq("1@example.com"))
    };
    assert_eq!(numbers(&query().send().await.unwrap()), [2, 3]);
    assert_eq!(bench.faults.calls("Query"), 4);
    assert_eq!(query().count().await.unwrap(), 2);

    /// The record in a program that knows the address alone.
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "patients", index(name = "local-email", local, sort_key = email))]
    struct Narrow {
        #[partition_key]
        ward: String,
        #[sort_key]
        number: u32,
        #[encrypted]
        #[searchable(normalize(trim, ascii_lowercase))]
        email: String,
    }
    let narrow = Table::<Narrow>::new(bench.servers.dynamodb().clone(), bench.keys.clone());
    let narrow = narrow.named(bench.name.clone()).with_search_keys(only(2));
    narrow.update(("w_1", 2_u32)).modify(|_| ()).send().await.unwrap();
    let item = stored(&bench.servers, &bench.name, key()).await.unwrap();
    let generation = |name: &str| envelope_tests::bytes_of(&item, name)[1..5].to_vec();
    assert_ne!(generation("blind_last+clinic"), generation("blind_email"), "a mixture");
    assert_eq!(numbers(&query().send().await.unwrap()), [2, 3]);
}

//! Records with search tags: neither searched values nor search keys stay in memory.

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_core::search::{Definition, Step, TaggedField};
use envelope_dynamo::keys::{LocalSearchKeys, SearchKey};
use envelope_dynamo::{Envelope, LocalKeyProvider, RootKey, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use envelope_memory_tests::{
    Masked, Search, Seed, Service, alone, assert_nothing, hkdf, leave_behind,
};
use zeroize::Zeroizing;

use super::{KEYS, masked_key, run};

const RECORDS: usize = 50;
const TEXTS: Seed = Seed(0xa54f_f53a_5f1d_36f1);
const LETTERS: usize = 64;
/// The number of the search key among those of the seed. Data keys count from 0.
const SEARCH_KEY: usize = 1 << 19;
const FIELDS: &[TaggedField<'_>] = &[("name", &[Step::Trim, Step::AsciiLowercase])];

type Secret = Zeroizing<String>;

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "patients", index(name = "by-name", partition_key = name))]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    name: Secret,
}

fn text(number: usize) -> Secret {
    Zeroizing::new(TEXTS.text(number, LETTERS))
}

#[test]
fn nothing_of_a_search_stays_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        run(async {
            let (servers, physical) =
                (Servers::from_env().await.unwrap(), unique_name(Patient::TABLE));
            let dynamodb = servers.dynamodb().clone();
            create_table(&dynamodb, &physical, ("id", ScalarAttributeType::S), None).await.unwrap();
            let provider = LocalKeyProvider::new(RootKey::generate().unwrap());
            let key = SearchKey::from_slice(&KEYS.key(SEARCH_KEY)).unwrap();
            let patients = Table::<Patient>::new(dynamodb, provider)
                .named(&*physical)
                .with_search_keys(LocalSearchKeys::new(key));
            for number in 0..RECORDS {
                let id = format!("p_{number}");
                let patient = Patient { id: id.clone(), name: text(2 * number) };
                patients.put(&patient).send().await.unwrap();
                let change = |patient: &mut Patient| patient.name = text(2 * number + 1);
                let changed = patients.update(id).modify(change).send().await.unwrap();
                assert!(changed.is_some_and(|patient| patient.name == text(2 * number + 1)));
            }
        });
    });
    let sought = || {
        let (mut search, key) = (Search::default(), masked_key(SEARCH_KEY));
        let definition = Definition::new(Patient::TABLE, "name", FIELDS).to_bytes();
        let [extracted, mac_key] = hkdf(&key, b"", &definition);
        search.add("search key", &key);
        search.add("extracted key", &extracted);
        search.add("mac key", &mac_key);
        for number in 0..2 * RECORDS {
            let letter = |at| u8::try_from(TEXTS.letter(number, at)).unwrap();
            search.add("value", &Masked::new(LETTERS, letter));
        }
        search
    };
    assert_nothing(sought, service.stack());
}

//! Records in a table: the library wipes its buffers on the way to and from DynamoDB.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_core::{
    DataKey, EncryptionContext, GeneratedKey, KeyFuture, KeyKind, UnwrapKey, WrapKey, WrappedKey,
};
use envelope_dynamo::{Envelope, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_table, unique_name};
use envelope_memory_tests::{
    Masked, Search, Seed, Service, alone, assert_nothing, hkdf, leave_behind,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::kms::next_key;
use super::{KEYS, masked_key, run};

const RECORDS: usize = 100;
const TEXTS: Seed = Seed(0x3c6e_f372_fe94_f82b);
const LETTERS: usize = 64;
const TEXTS_EACH: usize = 4;

type Secret = Zeroizing<String>;

/// A record with secrets in several places, in a type that wipes itself.
#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "patients")]
struct Patient {
    #[partition_key]
    id: String,
    #[encrypted]
    name: Secret,
    #[encrypted]
    phone: Option<Secret>,
    #[encrypted]
    visits: Vec<Visit>,
    #[encrypted]
    results: BTreeMap<String, Secret>,
    #[authenticated]
    ward: String,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Visit {
    diagnosis: Secret,
}

fn text(number: usize) -> Secret {
    Zeroizing::new(TEXTS.text(number, LETTERS))
}

fn patient(number: usize) -> Patient {
    let text = |at| text(number * TEXTS_EACH + at);
    Patient {
        id: format!("p_{number}"),
        name: text(0),
        phone: Some(text(1)),
        visits: vec![Visit { diagnosis: text(2) }],
        results: [("blood".to_owned(), text(3))].into(),
        ward: "w".to_owned(),
    }
}

/// Returns the keys of the seed, and keeps none.
#[derive(Debug)]
struct Seeded;

const KIND: KeyKind = KeyKind::private(200).unwrap();

impl WrapKey for Seeded {
    fn generate<'a>(&'a self, _: &'a EncryptionContext) -> KeyFuture<'a, GeneratedKey> {
        Box::pin(async {
            let number = next_key();
            let wrapped = vec![WrappedKey::new(KIND, [], number.to_be_bytes()).unwrap()];
            Ok(GeneratedKey { data_key: DataKey::from_slice(&KEYS.key(number))?, wrapped })
        })
    }
}

impl UnwrapKey for Seeded {
    fn unwrap_key<'a>(
        &'a self,
        wrapped: &'a [WrappedKey],
        _: &'a EncryptionContext,
    ) -> KeyFuture<'a, DataKey> {
        let number = usize::from_be_bytes(wrapped[0].bytes().try_into().unwrap());
        Box::pin(async move { DataKey::from_slice(&KEYS.key(number)) })
    }
}

#[test]
fn nothing_of_a_record_stays_in_memory() {
    let _alone = alone();
    let service = Service::after(|| {
        leave_behind();
        run(async {
            let (servers, physical) =
                (Servers::from_env().await.unwrap(), unique_name(Patient::TABLE));
            let dynamodb = servers.dynamodb().clone();
            create_table(&dynamodb, &physical, ("id", ScalarAttributeType::S), None).await.unwrap();
            let patients = Table::<Patient, _>::new(dynamodb.clone(), Seeded).named(&*physical);
            let first = next_key() + 1;
            for number in 0..RECORDS {
                patients.put(&patient(number)).send().await.unwrap();
                let read = patients.get(format!("p_{number}")).send().await.unwrap();
                assert!(read == Some(patient(number)));
            }
            let stored = dynamodb.get_item().table_name(&physical);
            let key = aws_sdk_dynamodb::types::AttributeValue::S("p_0".into());
            let stored = stored.key("id", key).send().await.unwrap().item.unwrap();
            (first..first + RECORDS, stored["encrypted_payload"].as_b().unwrap().as_ref().to_vec())
        })
    });
    let (keys, payload) = &service.output;
    let sought = || {
        let mut search = Search::default();
        keys.clone().for_each(|number| search.add("data key", &masked_key(number)));
        // One record is enough to check the derived keys.
        let [extracted, message_key] =
            hkdf(&masked_key(keys.start), &payload[2..26], b"envelope payload 1 1");
        search.add("extracted key", &extracted);
        search.add("message key", &message_key);
        for number in 0..RECORDS * TEXTS_EACH {
            search.add(
                "value",
                &Masked::new(LETTERS, |at| u8::try_from(TEXTS.letter(number, at)).unwrap()),
            );
        }
        search
    };
    assert_nothing(sought, service.stack());
}

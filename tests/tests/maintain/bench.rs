//! A table with records of two kinds, groups and shared data keys, and the keys to move them.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use envelope_dynamo::keys::{MultiKeyProvider, SharedKeyProvider, SharingLimits};
use envelope_dynamo::maintain::{Counts, Run, RunError, RunEvent, SchemaFile, StoredTable};
use envelope_dynamo::{Access, Envelope, KeyProvider, KmsKeyProvider, Table};
use envelope_examples::servers::{create_kms_key, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::Item;

/// A patient, with a group that other people read.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", context(purpose = "care"))]
#[partition_key(name = "pk", format = "PATIENT#{patient_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
pub(crate) struct Patient {
    #[key]
    pub(crate) patient_id: String,
    #[encrypted]
    pub(crate) name: String,
    #[encrypted(group = "medical")]
    pub(crate) diagnosis: Access<String>,
    #[authenticated]
    #[encryption_context]
    pub(crate) ward: String,
    #[plaintext]
    pub(crate) visits: u64,
}

/// A patient of a newer program, with a group that the schema file does not know.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", context(purpose = "care"))]
#[partition_key(name = "pk", format = "PATIENT#{patient_id}")]
#[sort_key(name = "sk", format = "PROFILE")]
pub(crate) struct NewerPatient {
    #[key]
    pub(crate) patient_id: String,
    #[encrypted]
    pub(crate) name: String,
    #[encrypted(group = "medical")]
    pub(crate) diagnosis: Access<String>,
    #[encrypted(group = "billing")]
    pub(crate) account: Access<String>,
    #[authenticated]
    #[encryption_context]
    pub(crate) ward: String,
    #[plaintext]
    pub(crate) visits: u64,
}

/// A visit of a patient, under a data key that visits share.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "clinic", kms_context = "table")]
#[partition_key(name = "pk", format = "PATIENT#{patient_id}")]
#[sort_key(name = "sk", format = "VISIT#{number:06}")]
pub(crate) struct Visit {
    #[key]
    pub(crate) patient_id: String,
    #[key]
    pub(crate) number: u32,
    #[encrypted]
    pub(crate) notes: Option<String>,
}

/// All records of the table.
#[derive(Clone, Debug, PartialEq, Envelope)]
pub(crate) enum Clinic {
    Patient(Patient),
    Visit(Visit),
}

pub(crate) fn patient(id: usize) -> Patient {
    Patient {
        patient_id: format!("p_{id}"),
        name: format!("name {id}"),
        diagnosis: Access::Granted(format!("diagnosis {id}")),
        ward: format!("w{}", id % 3),
        visits: 0,
    }
}

pub(crate) fn visit(id: usize, number: u32) -> Visit {
    Visit { patient_id: format!("p_{id}"), number, notes: Some(format!("visit {id} {number}")) }
}

/// A table behind faults, and two KMS keys.
pub(crate) struct Bench {
    pub(crate) servers: Servers,
    /// Between maintenance, and DynamoDB and KMS.
    pub(crate) faults: Faults,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) name: String,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let servers = Servers::from_env().await.unwrap();
        let [old, new] = [create_kms_key(servers.kms()).await, create_kms_key(servers.kms()).await];
        let (old, new, name) = (old.unwrap(), new.unwrap(), unique_name("clinic"));
        let bench = Self { servers, faults: Faults::new(), old, new, name };
        bench.table(&bench.old).create_table().send().await.unwrap();
        bench
    }

    /// The same, with an index that has all attributes of patients, and one that has keys alone.
    pub(crate) async fn indexed() -> Self {
        let mut bench = Self::new().await;
        bench.name = unique_name("clinic");
        let index = |name: &str, key: &str, projection| {
            let key = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash);
            GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key.build().unwrap())
                .projection(Projection::builder().projection_type(projection).build())
                .build()
                .unwrap()
        };
        let mut create = bench.servers.dynamodb().create_table().table_name(&bench.name);
        for (name, key) in
            [("pk", Some(KeyType::Hash)), ("sk", Some(KeyType::Range)), ("ward", None)]
        {
            let definition = AttributeDefinition::builder().attribute_name(name);
            let definition = definition.attribute_type(ScalarAttributeType::S).build().unwrap();
            create = create.attribute_definitions(definition);
            if let Some(key) = key {
                let element = KeySchemaElement::builder().attribute_name(name).key_type(key);
                create = create.key_schema(element.build().unwrap());
            }
        }
        create
            .billing_mode(BillingMode::PayPerRequest)
            .global_secondary_indexes(index("by_ward", "ward", ProjectionType::All))
            .global_secondary_indexes(index("by_sort", "sk", ProjectionType::KeysOnly))
            .send()
            .await
            .unwrap();
        bench
    }

    /// A provider past the faults.
    pub(crate) fn keys(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms().clone(), key)
    }

    /// The table past the faults.
    pub(crate) fn table(&self, key: &str) -> Table<Clinic> {
        self.table_with(self.keys(key))
    }

    pub(crate) fn table_with(&self, provider: impl KeyProvider + 'static) -> Table<Clinic> {
        Table::new(self.servers.dynamodb().clone(), provider).named(&self.name)
    }

    /// Puts `patients`, each with two visits that share data keys.
    pub(crate) async fn seed(&self, patients: usize) {
        let table = self.table(&self.old);
        let shared = SharedKeyProvider::new(
            self.keys(&self.old),
            SharingLimits::new(Duration::from_secs(3600), 1_000),
        );
        let visits = self.table_with(shared);
        for id in 0..patients {
            table.put(&Clinic::Patient(patient(id))).send().await.unwrap();
            for number in [1, 2] {
                visits.put(&Clinic::Visit(visit(id, number))).send().await.unwrap();
            }
        }
    }

    /// Every record that `seed` put, read with `key` alone.
    pub(crate) async fn assert_all_open(&self, key: &str, patients: usize) {
        let table = self.table(key);
        for id in 0..patients {
            let key = (format!("PATIENT#p_{id}"), "PROFILE".to_owned());
            let read = table.of::<Patient>().get(&*format!("p_{id}")).send().await;
            assert_eq!(read.unwrap(), Some(patient(id)), "{key:?}");
            for number in [1, 2] {
                let read = table.of::<Visit>().get((&*format!("p_{id}"), number)).send().await;
                assert_eq!(read.unwrap(), Some(visit(id, number)));
            }
        }
    }

    /// The table as maintenance knows it, through the faults.
    pub(crate) fn stored(&self) -> StoredTable {
        let schema = SchemaFile::new().with::<Clinic>().to_string().parse::<SchemaFile>().unwrap();
        let dynamodb = self.servers.dynamodb_through(&self.faults);
        StoredTable::new(dynamodb, &schema, "clinic").unwrap().named(&self.name)
    }

    pub(crate) fn kms(&self) -> aws_sdk_kms::Client {
        self.servers.kms_through(&self.faults)
    }

    /// All items, as they are stored.
    pub(crate) async fn items(&self) -> BTreeMap<String, Item> {
        let pages = self.servers.dynamodb().scan().table_name(&self.name).consistent_read(true);
        let items: Vec<Item> =
            pages.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap();
        items.into_iter().map(|item| (format!("{:?} {:?}", item["pk"], item["sk"]), item)).collect()
    }

    /// A provider that wraps each data key for both keys.
    pub(crate) fn both(&self) -> MultiKeyProvider {
        MultiKeyProvider::new(self.keys(&self.old)).with(self.keys(&self.new))
    }
}

/// Runs to the end. Returns the counts, and what was said of each record that failed.
pub(crate) async fn observed(run: Run<'_>) -> (Result<Counts, RunError>, Vec<String>) {
    let failed = Mutex::new(Vec::new());
    let outcome = run
        .observed_by(|event| {
            if let RunEvent::Failed(error) = event {
                failed.lock().unwrap().push(error.to_string());
            }
        })
        .send()
        .await;
    (outcome, failed.into_inner().unwrap())
}

//! Writes beyond a plain put: conditions, updates in place, and `modify`.

mod conditions;
mod in_place;
mod lost_answers;
mod modify;
mod racing;
mod times;
mod versions;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::ScalarAttributeType;
use envelope_dynamo::{Envelope, Table};
use envelope_examples::servers::{create_table, unique_name};
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, assert_never_sent, called, local_keys, plant, servers, stored, text};

/// A record with attributes of every kind.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
#[serde(rename_all = "camelCase")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[encrypted]
    ssn: Option<String>,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
    #[plaintext]
    #[serde(rename = "plan.note")]
    plan_note: String,
    #[plaintext]
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[plaintext]
    #[serde(default, with = "in_hex")]
    colour: u32,
    #[plaintext]
    #[serde(default)]
    history: Vec<String>,
    #[plaintext]
    #[serde(
        default,
        with = "envelope_dynamo::convert::string_set",
        skip_serializing_if = "BTreeSet::is_empty"
    )]
    tags: BTreeSet<String>,
}

/// A number that is stored as text.
mod in_hex {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("#{number:06x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('#').ok_or_else(|| de::Error::custom("not a colour"))?;
        u32::from_str_radix(digits, 16).map_err(|_| de::Error::custom("not a colour"))
    }
}

const EMAIL: &str = "zoe.plaintext-mark@example.com";
const SSN: &str = "plaintext-mark-078-05-1120";

fn user(id: &str) -> User {
    User {
        user_id: id.to_owned(),
        email: EMAIL.to_owned(),
        ssn: Some(SSN.to_owned()),
        plan: "pro".to_owned(),
        logins: 3,
        plan_note: "trial".to_owned(),
        nickname: Some("zo".to_owned()),
        colour: 0x00c0ffee & 0xff_ffff,
        history: vec!["created".to_owned()],
        tags: BTreeSet::from(["new".to_owned()]),
    }
}

/// A new table behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let servers = servers().await;
        let name = unique_name("writing");
        create_table(servers.dynamodb(), &name, ("userId", ScalarAttributeType::S), None)
            .await
            .unwrap();
        Self { servers, faults: Faults::new(), name }
    }

    /// The table behind the faults, for records of type `T`.
    fn table<T: Envelope>(&self) -> Table<T> {
        let provider = local_keys(7);
        Table::new(self.servers.dynamodb_through(&self.faults), provider).named(self.name.clone())
    }

    /// The stored item, read past the faults.
    async fn stored(&self, id: &str) -> Option<Item> {
        stored(&self.servers, &self.name, Item::from([("userId".into(), text(id))])).await
    }

    /// A number in the stored item.
    async fn number(&self, id: &str, name: &str) -> u64 {
        self.stored(id).await.unwrap()[name].as_n().unwrap().parse().unwrap()
    }

    /// Waits until `operation` has been sent `calls` times.
    async fn sent(&self, operation: &str, calls: usize) {
        called(&self.faults, operation, calls).await;
    }

    /// Runs `meanwhile` between the read and the first write of `modify`.
    async fn between<R>(
        &self,
        modify: impl Future<Output = R>,
        meanwhile: impl Future<Output = ()>,
    ) -> R {
        self.faults.hold("UpdateItem");
        let calls = self.faults.calls("UpdateItem") + 1;
        let meanwhile = async {
            self.sent("UpdateItem", calls).await;
            meanwhile.await;
            self.faults.release("UpdateItem");
        };
        tokio::join!(modify, meanwhile).0
    }

    /// The table without the faults, for another writer.
    fn other<T: Envelope>(&self) -> Table<T> {
        let provider = local_keys(7);
        Table::new(self.servers.dynamodb().clone(), provider).named(self.name.clone())
    }

    /// Puts an item as an attacker would, past the library and the faults.
    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    /// No request holds a value that must be sealed.
    #[track_caller]
    fn assert_nothing_secret_was_sent(&self) {
        assert_never_sent(&self.faults, "plaintext-mark");
    }
}

fn payload(item: &Item) -> &Blob {
    item["encrypted_payload"].as_b().unwrap()
}

//! The records of the test, and the table and keys that they are in.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use envelope_dynamo::keys::KmsKeyHint;
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::{Access, Envelope, KeyProvider, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, create_table, unique_name};

use crate::Outcome;

/// A record with a data key of its own.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "people", entity(kind = "person"))]
pub struct Person {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    pub(crate) email: String,
    #[authenticated]
    plan: String,
    #[plaintext]
    pub(crate) logins: u64,
}

/// A record with two data keys: its own, and that of a group.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "people", entity(kind = "patient"))]
pub struct Patient {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    pub(crate) email: String,
    #[encrypted(group = "medical")]
    diagnosis: Access<String>,
    #[plaintext]
    pub(crate) logins: u64,
}

/// A record whose data key many others have as well.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "people", entity(kind = "letter"), kms_context = "table")]
pub struct Letter {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    pub(crate) email: String,
    #[plaintext]
    pub(crate) logins: u64,
}

/// Any record of the table.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[allow(missing_docs)]
pub enum Record {
    Person(Person),
    Patient(Patient),
    Letter(Letter),
}

/// How an item was first written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// A data key of its own, under the old key.
    Own,
    /// Two data keys, both under the old key.
    Group,
    /// A group under the old key, and the rest under the new one.
    GroupAlone,
    /// A data key under the old key that other records share.
    Shared,
    /// A data key under the old key and under a third one.
    TwoRecipients,
    /// A data key under the old key and under the new one.
    BothKeys,
    /// Under the new key.
    Already,
    /// Under the third key alone.
    OtherKey,
    /// Not sealed at all.
    Plain,
}

impl Flavour {
    /// All of them, in the order in which a table has them.
    pub const ALL: [Self; 9] = [
        Self::Own,
        Self::Group,
        Self::GroupAlone,
        Self::Shared,
        Self::TwoRecipients,
        Self::BothKeys,
        Self::Already,
        Self::OtherKey,
        Self::Plain,
    ];

    /// The flavour of the item with this number.
    #[must_use]
    pub const fn of(index: u64) -> Self {
        match index % 20 {
            0 | 1 => Self::Group,
            2 => Self::GroupAlone,
            3 | 4 => Self::Shared,
            5 => Self::TwoRecipients,
            6 => Self::BothKeys,
            7 => Self::Already,
            8 => Self::OtherKey,
            9 => Self::Plain,
            _ => Self::Own,
        }
    }

    /// The calls of `ReEncrypt` that such an item needs, at most.
    #[must_use]
    pub const fn calls(self) -> u64 {
        match self {
            Self::Own | Self::GroupAlone | Self::Shared | Self::TwoRecipients => 1,
            Self::Group => 2,
            Self::BothKeys | Self::Already | Self::OtherKey | Self::Plain => 0,
        }
    }

    /// The data keys of such an item.
    #[must_use]
    pub const fn data_keys(self) -> u64 {
        match self {
            Self::Group | Self::GroupAlone => 2,
            Self::Plain => 0,
            _ => 1,
        }
    }
}

/// The partition key of an item.
#[must_use]
pub fn id(index: u64) -> String {
    format!("item-{index:07}")
}

/// The number in a partition key.
#[must_use]
pub fn index(id: &str) -> Option<u64> {
    id.strip_prefix("item-")?.parse().ok()
}

/// What a record holds that was written for the `generation`-th time.
///
/// # Panics
///
/// For [`Flavour::Plain`]: those items are no records.
#[must_use]
pub fn record(index: u64, generation: u64, logins: u64) -> Record {
    let id = id(index);
    let email = email(index, generation);
    match Flavour::of(index) {
        Flavour::Plain => panic!("a plain item is no record"),
        Flavour::Group | Flavour::GroupAlone => {
            let diagnosis = Access::Granted(format!("diagnosis of {index}"));
            Record::Patient(Patient { id, email, diagnosis, logins })
        }
        Flavour::Shared => Record::Letter(Letter { id, email, logins }),
        _ => Record::Person(Person { id, email, plan: format!("plan {}", index % 7), logins }),
    }
}

/// What a new generation changes.
pub(crate) fn email(index: u64, generation: u64) -> String {
    format!("person-{index}-in-generation-{generation}@example.com")
}

/// A plain item.
#[must_use]
pub fn plain_item(index: u64, logins: u64) -> std::collections::HashMap<String, AttributeValue> {
    let text = |value: String| AttributeValue::S(value);
    [
        ("id".to_owned(), text(id(index))),
        ("note".to_owned(), text(format!("nothing secret about {index}"))),
        ("logins".to_owned(), AttributeValue::N(logins.to_string())),
    ]
    .into()
}

/// A table, the keys of its records, and clients that are not counted.
#[derive(Debug)]
pub struct World {
    /// The servers.
    pub servers: Servers,
    /// The physical name of the table.
    pub name: String,
    /// The key to move from.
    pub from: String,
    /// The key to move to.
    pub to: String,
    /// A key that has nothing to do with it.
    pub third: String,
}

impl World {
    /// A new table, and new keys.
    ///
    /// # Errors
    ///
    /// If a server refuses.
    pub async fn create(servers: Servers) -> Outcome<Self> {
        let name = unique_name("people");
        let key = ("id", ScalarAttributeType::S);
        create_table(servers.dynamodb(), &name, key, None).await?;
        let kms = servers.kms();
        let (from, to) = (create_kms_key(kms).await?, create_kms_key(kms).await?);
        let third = create_kms_key(kms).await?;
        Ok(Self { servers, name, from, to, third })
    }

    /// The schema file of the records.
    #[must_use]
    pub fn schema() -> String {
        SchemaFile::new().with::<Record>().to_string()
    }

    /// The client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> &Client {
        self.servers.dynamodb()
    }

    /// A provider that seals with `key`, and opens nothing else.
    #[must_use]
    pub fn only(&self, key: &str) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms().clone(), key)
    }

    /// A provider that seals with `key`, and opens what any key has sealed.
    #[must_use]
    pub fn opens_all(&self, key: &str) -> KmsKeyProvider {
        let all = [&self.from, &self.to, &self.third];
        all.into_iter()
            .filter(|other| *other != key)
            .fold(self.only(key), |provider, other| provider.also_decrypts(other))
    }

    /// The table, with a provider.
    #[must_use]
    pub fn table(&self, provider: impl KeyProvider + 'static) -> Table<Record> {
        Table::new(self.dynamodb().clone(), provider).named(&self.name)
    }
}

/// The hint by which the header of a record names a KMS key.
#[must_use]
pub fn hint(arn: &str) -> KmsKeyHint {
    KmsKeyHint::of(arn.rsplit(":key/").next().unwrap_or(arn))
}

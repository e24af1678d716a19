//! The records, the table with its indexes, and a search key in the middle of a rotation.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::Client;
use envelope_dynamo::keys::{Clock, SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::record::{Unclaimed, Unversioned};
use envelope_dynamo::{Envelope, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, unique_name};

use crate::Outcome;
use crate::model::State;
use crate::records::id;

/// A person who is found by address, and by name.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "people",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = name),
)]
pub struct Person {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    pub(crate) email: Option<String>,
    #[encrypted]
    #[searchable]
    pub(crate) name: String,
    #[plaintext]
    pub(crate) logins: u64,
}

/// The same record in a program of before its fields became searchable.
mod before {
    use envelope_dynamo::Envelope;

    #[derive(Clone, Debug, Envelope)]
    #[envelope(table = "people")]
    pub(super) struct Person {
        #[partition_key]
        pub(super) id: String,
        #[encrypted]
        pub(super) email: Option<String>,
        #[encrypted]
        pub(super) name: String,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// How an item was first written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// With tags of the older search key.
    Old,
    /// Likewise, without an address.
    NoEmail,
    /// With tags of the newer search key.
    Current,
    /// By a program that does not know the tags.
    Before,
    /// Not sealed at all.
    Plain,
}

impl Flavour {
    /// The flavour of the item with this number.
    #[must_use]
    pub const fn of(index: u64) -> Self {
        match index % 10 {
            0 => Self::Before,
            1 => Self::Current,
            2 => Self::NoEmail,
            3 => Self::Plain,
            _ => Self::Old,
        }
    }

    /// Whether such an item needs other tags.
    #[must_use]
    pub const fn is_due(self) -> bool {
        matches!(self, Self::Old | Self::NoEmail | Self::Before)
    }
}

/// The person with this number.
#[must_use]
pub fn person(index: u64, state: State) -> Person {
    let is_absent = Flavour::of(index) == Flavour::NoEmail && state.generation == 0;
    let email = (!is_absent).then(|| email(index, state.generation));
    Person { id: id(index), email, name: name(index), logins: state.logins }
}

/// The address of a person. A new generation changes it.
pub(crate) fn email(index: u64, generation: u64) -> String {
    format!("Person-{index}-in-Generation-{generation}@example.com")
}

/// The name of a person, which some others have as well.
pub(crate) fn name(index: u64) -> String {
    format!("name {}", index % 97)
}

/// The names that people have.
pub(crate) const NAMES: u64 = 97;

/// A clock that is wrong: by it, the operator has rotated the key long ago.
#[derive(Debug)]
struct Slow(Duration);

impl Clock for Slow {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::now().checked_sub(self.0).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// Longer than a rotation takes until the older version may be retired.
const LONG_AGO: Duration = Duration::from_secs(6 * 60 * 60);

/// A table of people, its keys, and clients that are not counted.
#[derive(Debug)]
pub struct World {
    /// The servers.
    pub servers: Servers,
    /// The physical name of the table.
    pub name: String,
    /// The physical name of the table of search keys.
    pub search_keys: String,
    /// The KMS key of the search keys.
    pub search_kms_key: String,
}

impl World {
    /// A new table with `items` items, whose search key was rotated: nobody writes tags of the
    /// older version any more.
    ///
    /// # Errors
    ///
    /// If a server refuses.
    pub async fn create(servers: Servers, items: u64) -> Outcome<Self> {
        let (name, search_keys) = (unique_name("people"), unique_name("search-keys"));
        let search_kms_key = create_kms_key(servers.kms()).await?;
        let world = Self { servers, name, search_keys, search_kms_key };
        let store = world.store().with_clock(Arc::new(Slow(LONG_AGO)));
        store.create_table().await?;
        store.create("people").await?;
        let old = world.people();
        old.create_table().send().await?;
        let of = |flavour| (0..items).filter(move |index| Flavour::of(*index) == flavour);
        let first = |index| person(index, State::default());
        for flavour in [Flavour::Old, Flavour::NoEmail] {
            put(&old, of(flavour).map(first)).await?;
        }
        store.rotate("people").await?;
        put(&world.people(), of(Flavour::Current).map(first)).await?;
        let before = of(Flavour::Before).map(first).map(|person| {
            let Person { id, email, name, logins } = person;
            before::Person { id, email, name, logins }
        });
        put(&world.table(), before).await?;
        for index in of(Flavour::Plain) {
            let item = crate::records::plain_item(index, 0);
            let put = world.dynamodb().put_item().table_name(&world.name);
            put.set_item(Some(item)).send().await?;
        }
        Ok(world)
    }

    /// The schema file of the records.
    #[must_use]
    pub fn schema() -> String {
        SchemaFile::new().with::<Person>().to_string()
    }

    /// The client of DynamoDB.
    #[must_use]
    pub fn dynamodb(&self) -> &Client {
        self.servers.dynamodb()
    }

    /// The provider of the records' data keys.
    #[must_use]
    pub fn provider(&self) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms().clone(), self.servers.kms_key_id())
    }

    /// The table of search keys.
    #[must_use]
    pub fn store(&self) -> SearchKeyTable<KmsKeyProvider> {
        let kms = KmsKeyProvider::new(self.servers.kms().clone(), &*self.search_kms_key);
        SearchKeyTable::new(self.dynamodb().clone(), "search-keys", kms).named(&*self.search_keys)
    }

    /// The search keys that are in use now.
    #[must_use]
    pub fn keys(&self) -> SearchKeys {
        SearchKeys::per_table(self.store())
    }

    fn table<T: Envelope>(&self) -> Table<T> {
        Table::new(self.dynamodb().clone(), self.provider()).named(&*self.name)
    }

    /// The table, with the search keys that are in use now.
    #[must_use]
    pub fn people(&self) -> Table<Person> {
        self.table().with_search_keys(self.keys())
    }
}

async fn put<T: Envelope + Unversioned + Unclaimed + Sync>(
    table: &Table<T>,
    records: impl Iterator<Item = T>,
) -> Outcome<()> {
    let records: Vec<_> = records.collect();
    table.batch_put(&records).send().await?;
    Ok(())
}

//! The people, the table with its indexes, and a search key in the middle of a rotation.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_dynamodb::Client;
use envelope_dynamo::keys::{Clock, SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::SchemaFile;
use envelope_dynamo::record::{Unclaimed, Unversioned};
use envelope_dynamo::{Envelope, Error, KmsKeyProvider, Table};
use envelope_examples::Servers;
use envelope_examples::servers::{create_kms_key, unique_name};

use crate::Outcome;
use crate::model::State;
use crate::records::{id, index};

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

/// The same person in a program whose addresses are unique.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "people",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = name),
)]
pub struct Member {
    #[partition_key]
    pub(crate) id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase), unique)]
    pub(crate) email: Option<String>,
    #[encrypted]
    #[searchable]
    pub(crate) name: String,
    #[plaintext]
    pub(crate) logins: u64,
}

/// The record type of the programs that write during the run, and after it.
pub trait Someone:
    Envelope<Key = <Person as Envelope>::Key> + Clone + Debug + PartialEq + Send + Sync + 'static
{
    /// Whether no two people may have one address.
    const IS_UNIQUE: bool;

    /// The record of a person.
    fn of(person: Person) -> Self;

    /// The key of the person.
    fn id(&self) -> &str;

    /// The address of the person.
    fn email_mut(&mut self) -> &mut Option<String>;

    /// Puts a person, in place of the stored one, or only if there is none.
    fn put(
        table: &Table<Self>,
        person: &Self,
        is_new: bool,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Counts a log-in in place.
    fn count(table: &Table<Self>, id: String) -> impl Future<Output = Outcome<()>> + Send;

    /// The one person with this address, by each way to find one.
    fn by_email(
        table: &Table<Self>,
        email: &str,
    ) -> impl Future<Output = Outcome<Vec<Option<Self>>>> + Send;

    /// The numbers of the people with this name.
    fn by_name(table: &Table<Self>, name: &str) -> impl Future<Output = Outcome<Vec<u64>>> + Send;
}

macro_rules! someone {
    ($type:ident, $is_unique:literal, |$table:ident, $email:ident| $by_claim:expr) => {
        impl Someone for $type {
            const IS_UNIQUE: bool = $is_unique;

            fn of(Person { id, email, name, logins }: Person) -> Self {
                Self { id, email, name, logins }
            }

            fn id(&self) -> &str {
                &self.id
            }

            fn email_mut(&mut self) -> &mut Option<String> {
                &mut self.email
            }

            async fn put(table: &Table<Self>, person: &Self, is_new: bool) -> Result<(), Error> {
                match is_new {
                    true => table.put(person).if_not_exists().send().await,
                    false => table.put(person).send().await,
                }
            }

            async fn count(table: &Table<Self>, id: String) -> Outcome<()> {
                table.update(id).add(|person| person.logins, 1).send().await?;
                Ok(())
            }

            async fn by_email($table: &Table<Self>, $email: &str) -> Outcome<Vec<Option<Self>>> {
                let found = $table.index(|i| i.by_email).query($email).one().await?;
                let by_claim: Option<Option<Self>> = $by_claim;
                Ok(by_claim.into_iter().chain([found]).collect())
            }

            async fn by_name(table: &Table<Self>, name: &str) -> Outcome<Vec<u64>> {
                let found = table.index(|i| i.by_name).query(name).send().await?;
                Ok(found.iter().filter_map(|person| index(&person.id)).collect())
            }
        }
    };
}

someone!(Person, false, |table, email| None);
someone!(Member, true, |table, email| {
    Some(table.unique(|member| member.email).get(email).send().await?)
});

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

    /// Whether such an item needs other tags, or the claim of its address.
    #[must_use]
    pub const fn is_due<S: Someone>(self) -> bool {
        match self {
            Self::Old | Self::NoEmail | Self::Before => true,
            Self::Current => S::IS_UNIQUE,
            Self::Plain => false,
        }
    }
}

/// The person with this number.
#[must_use]
pub fn person<S: Someone>(index: u64, state: State) -> S {
    let is_absent = Flavour::of(index) == Flavour::NoEmail && state.generation == 0;
    let email = (!is_absent).then(|| email::<S>(index, state.generation));
    S::of(Person { id: id(index), email, name: name(index), logins: state.logins })
}

/// Where addresses are to become unique, some pairs of people have one address at first: the
/// person before in the pair, if this is the second of one.
#[must_use]
pub fn first_of_pair<S: Someone>(index: u64) -> Option<u64> {
    (S::IS_UNIQUE && index % PAIR_EVERY == SECOND_OF_PAIR).then(|| index - 1)
}

/// Whether the person had the same address as another one at first.
#[must_use]
pub fn is_of_pair<S: Someone>(index: u64) -> bool {
    [index, index + 1].into_iter().any(|index| first_of_pair::<S>(index).is_some())
}

/// One of the pair that is near this person.
pub(crate) const fn near_pair(index: u64) -> u64 {
    index - index % PAIR_EVERY + SECOND_OF_PAIR - index % 2
}

const PAIR_EVERY: u64 = 50;
/// Both of a pair are of the flavour [`Flavour::Old`].
const SECOND_OF_PAIR: u64 = 6;

/// The address of a person. A new generation changes it.
pub(crate) fn email<S: Someone>(index: u64, generation: u64) -> String {
    let index = first_of_pair::<S>(index).filter(|_| generation == 0).unwrap_or(index);
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
    /// The physical name of the table of claims, if addresses are unique.
    pub claims: Option<String>,
}

impl World {
    /// A new table with `items` items, whose search key was rotated: nobody writes tags of the
    /// older version any more. If the addresses of `S` are unique, nobody has claimed one so far.
    ///
    /// # Errors
    ///
    /// If a server refuses.
    pub async fn create<S: Someone>(servers: Servers, items: u64) -> Outcome<Self> {
        let (name, search_keys) = (unique_name("people"), unique_name("search-keys"));
        let search_kms_key = create_kms_key(servers.kms()).await?;
        let claims = S::IS_UNIQUE.then(|| unique_name("claims"));
        let world = Self { servers, name, search_keys, search_kms_key, claims };
        let store = world.store().with_clock(Arc::new(Slow(LONG_AGO)));
        store.create_table().await?;
        store.create("people").await?;
        let old = world.people::<Person>();
        old.create_table().send().await?;
        if S::IS_UNIQUE {
            world.people::<S>().create_claims_table().await?;
        }
        let of = |flavour| (0..items).filter(move |index| Flavour::of(*index) == flavour);
        let first = |index| {
            let email = person::<S>(index, State::default()).email_mut().take();
            Person { email, ..person(index, State::default()) }
        };
        for flavour in [Flavour::Old, Flavour::NoEmail] {
            put(&old, of(flavour).map(first)).await?;
        }
        store.rotate("people").await?;
        put(&world.people::<Person>(), of(Flavour::Current).map(first)).await?;
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
    pub fn schema<S: Someone>() -> String {
        SchemaFile::new().with::<S>().to_string()
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
    pub fn people<S: Someone>(&self) -> Table<S> {
        let people = self.table().with_search_keys(self.keys());
        match &self.claims {
            Some(claims) if S::IS_UNIQUE => people.with_claims(&**claims),
            _ => people,
        }
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

//! Searches find the records that have a value themselves, under every search key in use.

mod aliases;
mod attacks;
mod entities;
mod old_keys;
mod projections;
mod queries;
mod secrets;
mod several_fields;
mod tokens;
mod two_steps;

use envelope_core::search::SearchKey;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKeys};
use envelope_dynamo::read::Records;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Error, RootKey, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use envelope_tests::{Item, plant, requests, servers, stored, text};
use serde_json::Value;

/// A user of a service: found by e-mail address, and by name.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "users",
    index(name = "by-email", partition_key = email),
    index(name = "by-name", partition_key = name, sort_key = created),
    index(name = "by-number", partition_key = number),
    index(name = "by-plan", partition_key = plan),
)]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    email: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[encrypted]
    #[searchable]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    #[authenticated]
    created: u64,
    #[authenticated]
    plan: String,
    #[plaintext]
    logins: u64,
}

/// A user with the address `<name>@example.com`.
fn user(id: &str, name: &str) -> User {
    User {
        user_id: id.to_owned(),
        email: format!("{name}@example.com"),
        name: Some(name.to_owned()),
        number: None,
        created: 1_000,
        plan: "free".to_owned(),
        logins: 3,
    }
}

/// Users of one name, created one after the other.
fn namesakes(count: u64) -> Vec<User> {
    let of = |number| User { created: number, ..user(&format!("u_{number:03}"), "smith") };
    (0..count).map(of).collect()
}

fn search_key(byte: u8) -> SearchKey {
    SearchKey::from_slice(&[byte; 32]).unwrap()
}

/// One search key.
fn only(byte: u8) -> SearchKeys {
    LocalSearchKeys::new(search_key(byte)).into()
}

/// Two search keys, of which the second is written.
fn rotating(old: u8, new: u8) -> SearchKeys {
    LocalSearchKeys::new(search_key(new)).also_previous(search_key(old)).into()
}

/// A new table behind faults, and the keys that open its records.
struct Bench {
    servers: Servers,
    faults: Faults,
    keys: TestKeyProvider,
    name: String,
}

impl Bench {
    async fn new() -> Self {
        let keys = TestKeyProvider::new(RootKey::generate().unwrap());
        let name = unique_name("users");
        let bench = Self { servers: servers().await, faults: Faults::new(), keys, name };
        bench.table::<User>(only(1)).create_table().send().await.unwrap();
        bench.faults.forget_calls();
        bench
    }

    /// A table with these users, written under the search key 1.
    async fn with(users: &[User]) -> Self {
        let bench = Self::new().await;
        bench.put(1, users).await;
        bench
    }

    /// The table behind the faults.
    fn table<T: Envelope>(&self, keys: SearchKeys) -> Table<T> {
        self.without_keys().with_search_keys(keys)
    }

    fn without_keys<T: Envelope>(&self) -> Table<T> {
        let client = self.servers.dynamodb_through(&self.faults);
        Table::new(client, self.keys.clone()).named(self.name.clone())
    }

    fn users(&self) -> Table<User> {
        self.table(only(1))
    }

    /// Puts users under a search key, past the faults.
    async fn put(&self, key: u8, users: &[User]) {
        let client = self.servers.dynamodb().clone();
        let table = Table::<User>::new(client, self.keys.clone()).named(self.name.clone());
        table.with_search_keys(only(key)).batch_put(users).send().await.unwrap();
    }

    /// The stored item, read past the faults.
    async fn stored(&self, id: &str) -> Item {
        let key = Item::from([("user_id".to_owned(), text(id))]);
        stored(&self.servers, &self.name, key).await.unwrap()
    }

    /// Puts an item as an attacker would, past the library and the faults.
    async fn plant(&self, item: Item) {
        plant(&self.servers, &self.name, item).await;
    }

    fn queries(&self) -> Vec<Value> {
        requests(&self.faults, "Query")
    }
}

fn by_id(mut users: Vec<User>) -> Vec<User> {
    users.sort_by(|a, b| a.user_id.cmp(&b.user_id));
    users
}

/// What a stream returns: records, errors, and how many records it passed over.
async fn results<T: 'static>(mut records: Records<T>) -> (Vec<T>, Vec<Error>, u64) {
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    while let Some(result) = records.next().await {
        match result {
            Ok(record) => read.push(record),
            Err(error) => errors.push(error),
        }
    }
    (read, errors, records.passed_over())
}

//! Unique fields: no two records have one value, whatever happens on the way.

mod attacks;
mod changes;
mod costs;
mod crashes;
mod decisions;
mod entities;
mod left_behind;
mod maintenance;
mod older;
mod rotation;
mod rotation_by_store;
mod sign_up;
mod transactions;

use envelope_core::search::SearchKey;
use envelope_dynamo::error::WriteError;
use envelope_dynamo::item::Item;
use envelope_dynamo::keys::{LocalSearchKeys, SearchKeys};
use envelope_dynamo::{Envelope, Error, ErrorKind, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Fault as Injected, Faults, Servers};
use envelope_tests::{local_keys, plant, servers, text};

/// A user whose address and telephone number nobody else has.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable(normalize(trim, ascii_lowercase), unique)]
    email: String,
    #[encrypted]
    #[searchable(normalize(digits), unique)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[encrypted]
    address: String,
    #[plaintext]
    logins: u64,
}

fn user(id: &str, email: &str) -> User {
    User {
        user_id: id.to_owned(),
        email: email.to_owned(),
        phone: None,
        address: "Kramgasse 49".to_owned(),
        logins: 3,
    }
}

fn search_key(byte: u8) -> SearchKey {
    SearchKey::from_slice(&[byte; 32]).unwrap()
}

fn only(byte: u8) -> SearchKeys {
    LocalSearchKeys::new(search_key(byte)).into()
}

/// The name of the unique field whose value another record has.
fn taken(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Write(WriteError::Taken { field }) => Some(field),
        _ => None,
    }
}

/// Waits until an operation was called so often.
async fn called(bench: &Bench, operation: &str, times: usize) {
    while bench.faults.calls(operation) < times {
        tokio::task::yield_now().await;
    }
}

/// A new table of users and one of their claims, behind faults.
struct Bench {
    servers: Servers,
    faults: Faults,
    name: String,
    claims: String,
}

impl Bench {
    async fn new() -> Self {
        let bench = Self {
            servers: servers().await,
            faults: Faults::new(),
            name: unique_name("users"),
            claims: unique_name("user-claims"),
        };
        let users = bench.users();
        users.create_table().send().await.unwrap();
        users.create_claims_table().await.unwrap();
        bench.faults.forget_calls();
        bench
    }

    /// A table behind the faults, without search keys and claims.
    fn bare<T: Envelope>(&self) -> Table<T> {
        let client = self.servers.dynamodb_through(&self.faults);
        Table::new(client, local_keys(7)).named(self.name.clone())
    }

    fn with_keys(&self, keys: SearchKeys) -> Table<User> {
        self.bare().with_search_keys(keys).with_claims(self.claims.clone())
    }

    fn users(&self) -> Table<User> {
        self.with_keys(only(1))
    }

    /// All items of a table, read past the faults.
    async fn items(&self, table: &str) -> Vec<Item> {
        let scan = self.servers.dynamodb().scan().table_name(table).consistent_read(true);
        scan.send().await.unwrap().items.unwrap()
    }

    async fn records(&self) -> usize {
        self.items(&self.name).await.len()
    }

    /// The owners of all claims, in order.
    async fn owners(&self) -> Vec<String> {
        let claims = self.items(&self.claims).await;
        let owner =
            |claim: &Item| claim["owner"].as_m().unwrap()["user_id"].as_s().unwrap().clone();
        let mut owners: Vec<_> = claims.iter().map(owner).collect();
        owners.sort_unstable();
        owners
    }

    /// Deletes a record as DynamoDB does when its time has come: past this library.
    async fn expire(&self, id: &str) {
        let delete = self.servers.dynamodb().delete_item().table_name(&self.name);
        delete.key("user_id", text(id)).send().await.unwrap();
    }

    /// Stores an item past the library and the faults.
    async fn plant(&self, table: &str, item: Item) {
        plant(&self.servers, table, item).await;
    }

    /// The id of the user that has an address.
    async fn owner_of(&self, email: &str) -> Option<String> {
        let user = self.users().unique(|u| u.email).get(email).send().await.unwrap();
        user.map(|user| user.user_id)
    }
}

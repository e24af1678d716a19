//! A table for one test.

use envelope_dynamo::{Envelope, KeyProvider, Table};
use envelope_examples::servers::unique_name;
use envelope_examples::{Faults, Servers};
use serde_json::Value;

use crate::{Item, Secret, json, kms_keys};

/// The servers of the environment, and a new table of records of type `T` on them, behind faults.
///
/// The table has a name of its own: tests run side by side, and may share the servers.
#[derive(Debug)]
pub struct TestTable<T: Envelope> {
    /// The servers, reached directly.
    pub servers: Servers,
    /// What stands between `table` and the servers.
    pub faults: Faults,
    /// The table, whose requests pass through `faults`.
    pub table: Table<T>,
}

impl<T: Envelope> TestTable<T> {
    /// A table under the KMS key of the servers.
    pub async fn new() -> Self {
        Self::with(kms_keys).await
    }

    /// A table with the key provider that `provider` makes.
    pub async fn with<P: KeyProvider + 'static>(
        provider: impl FnOnce(&Servers, &Faults) -> P,
    ) -> Self {
        let (servers, faults) = (servers().await, Faults::new());
        let table = Table::new(servers.dynamodb_through(&faults), provider(&servers, &faults))
            .named(unique_name(T::TABLE));
        table.create_table().send().await.expect("the table is created");
        faults.forget_calls();
        Self { servers, faults, table }
    }

    /// The item under `key` as the table holds it, read past the faults.
    pub async fn stored(&self, key: Item) -> Option<Item> {
        stored(&self.servers, self.table.name(), key).await
    }

    /// Puts an item as an attacker would, past the library and the faults.
    pub async fn plant(&self, item: Item) {
        plant(&self.servers, self.table.name(), item).await;
    }
}

/// The servers that the environment names, or embedded ones.
pub async fn servers() -> Servers {
    Servers::from_env().await.expect("the servers are reached")
}

/// The item under `key` as the table `table` holds it.
pub async fn stored(servers: &Servers, table: &str, key: Item) -> Option<Item> {
    let get = servers.dynamodb().get_item().table_name(table).consistent_read(true);
    get.set_key(Some(key)).send().await.expect("the item is read").item
}

/// Puts an item as an attacker would: without the library.
pub async fn plant(servers: &Servers, table: &str, item: Item) {
    let put = servers.dynamodb().put_item().table_name(table).set_item(Some(item));
    put.send().await.expect("the item is stored");
}

/// The requests for `operation` that passed through `faults`, as JSON.
#[must_use]
pub fn requests(faults: &Faults, operation: &str) -> Vec<Value> {
    let requests = faults.requests(operation);
    requests.iter().map(|body| json(body)).collect()
}

/// Waits until `operation` has been called `calls` times.
pub async fn called(faults: &Faults, operation: &str, calls: usize) {
    while faults.calls(operation) < calls {
        tokio::task::yield_now().await;
    }
}

/// Requests were sent through `faults`, and none holds `secret`, as it is or in another rendering.
#[track_caller]
pub fn assert_never_sent(faults: &Faults, secret: &str) {
    let secret = Secret::new(secret);
    let requests = faults.all_requests();
    assert!(!requests.is_empty(), "nothing was sent");
    for request in requests {
        let request = String::from_utf8_lossy(&request);
        assert_eq!(secret.found_in(&request), None, "{request}");
    }
}

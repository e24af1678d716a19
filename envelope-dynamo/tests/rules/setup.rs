//! What the tests share: an embedded DynamoDB with faults in front of it, and keys in this process.

use aws_sdk_dynamodb::Client;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, Table};
use envelope_examples::{Faults, Servers};

/// An embedded DynamoDB behind faults, and a key provider that counts its calls.
pub(crate) struct Setup {
    pub(crate) dynamodb: Client,
    /// The faults in front of `dynamodb`, and the requests that it sent.
    pub(crate) faults: Faults,
    pub(crate) keys: TestKeyProvider,
    _servers: Servers,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let servers = Servers::embedded().await.expect("the embedded servers start");
        let faults = Faults::new();
        let dynamodb = servers.dynamodb_through(&faults);
        Self { dynamodb, faults, keys: TestKeyProvider::default(), _servers: servers }
    }

    /// The table of `T`, created if it does not exist. Several versions of a struct share a table.
    pub(crate) async fn table<T: Envelope>(&self) -> Table<T> {
        let table = Table::new(self.dynamodb.clone(), self.keys.clone());
        let exists = self.dynamodb.describe_table().table_name(T::TABLE).send().await.is_ok();
        if !exists {
            table.create_table().send().await.expect("the table is created");
        }
        table
    }
}

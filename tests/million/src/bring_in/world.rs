//! The table, its key, and clients by role.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{PutRequest, ScalarAttributeType, Select, WriteRequest};
use envelope_dynamo::item::{PlaintextEvent, PlaintextItems};
use envelope_dynamo::{KmsKeyProvider, Table};
use envelope_examples::servers::{create_kms_key, create_table, unique_name};
use envelope_examples::{Fault, Faults, Servers};

use crate::Outcome;
use crate::bring_in::locks;
use crate::bring_in::records::{Record, old_item};
use crate::model::State;

/// A request of DynamoDB takes 25 items.
const BATCH: u64 = 25;
/// Batches are sent side by side.
const TASKS: u64 = 4;

/// What the old role may no longer do, after step 1: everything.
const OPERATIONS: [&str; 5] = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Scan"];

/// The events of plain items that the new builds have reported.
#[derive(Debug, Default)]
pub struct PlainEvents {
    /// Plain items that were read.
    pub reads: AtomicU64,
    /// Plain items that a process wrote that may write none.
    pub wrong_writes: AtomicU64,
}

/// A table in plaintext, and a key to seal it with.
#[derive(Debug)]
pub struct World {
    /// The servers.
    pub servers: Servers,
    /// The physical name of the table.
    pub name: String,
    /// The key.
    pub key: String,
    /// The events of plain items.
    pub plain: Arc<PlainEvents>,
    /// The client of the new role.
    new_role: Client,
    /// The client of the old role.
    old_role: Client,
    permissions: Faults,
}

impl World {
    /// A new table, and a new key.
    ///
    /// # Errors
    ///
    /// If a server refuses.
    pub async fn create(servers: Servers) -> Outcome<Self> {
        let name = unique_name("people");
        create_table(servers.dynamodb(), &name, ("id", ScalarAttributeType::S), None).await?;
        let key = create_kms_key(servers.kms()).await?;
        let (permissions, waiting) = (Faults::new(), locks::http_client());
        let client = |http| {
            Client::from_conf(servers.dynamodb().config().to_builder().http_client(http).build())
        };
        let old_role = client(permissions.in_front_of(&waiting));
        let new_role = client(waiting);
        Ok(Self { servers, name, key, plain: Arc::default(), new_role, old_role, permissions })
    }

    /// The client of the new role.
    #[must_use]
    pub fn dynamodb(&self) -> &Client {
        &self.new_role
    }

    /// The client of the old role.
    #[must_use]
    pub fn old_role(&self) -> &Client {
        &self.old_role
    }

    /// Takes the table from the old role.
    pub fn deny_old_role(&self) {
        for operation in OPERATIONS {
            self.permissions.fail_always(operation, Fault::error("AccessDeniedException"));
        }
        self.permissions.forget_calls();
    }

    /// A provider of the key.
    #[must_use]
    pub fn provider(&self) -> KmsKeyProvider {
        KmsKeyProvider::new(self.servers.kms().clone(), &self.key)
    }

    /// The table as a process of a new build has it.
    #[must_use]
    pub fn table(&self, state: PlaintextItems) -> Table<Record> {
        let plain = Arc::clone(&self.plain);
        Table::new(self.dynamodb().clone(), self.provider())
            .named(&self.name)
            .plaintext_items(state)
            .observe_plaintext(move |event, _| {
                let may_write = state == PlaintextItems::ReadAndWrite;
                match event {
                    PlaintextEvent::Read => plain.reads.fetch_add(1, Ordering::SeqCst),
                    _ if !may_write => plain.wrong_writes.fetch_add(1, Ordering::SeqCst),
                    _ => 0,
                };
            })
    }

    /// How many items are not sealed, counted without this library.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub async fn count_plain(&self) -> Outcome<u64> {
        self.count("attribute_not_exists(encrypted_payload)").await
    }

    /// How many items are sealed, counted without this library.
    ///
    /// # Errors
    ///
    /// If the table cannot be read.
    pub async fn count_sealed(&self) -> Outcome<u64> {
        self.count("attribute_exists(encrypted_payload)").await
    }

    async fn count(&self, filter: &str) -> Outcome<u64> {
        let scan = self.dynamodb().scan().table_name(&self.name).select(Select::Count);
        let scan = scan.filter_expression(filter).consistent_read(true);
        let mut pages = scan.into_paginator().send();
        let mut count = 0;
        while let Some(page) = pages.next().await {
            count += u64::try_from(page?.count)?;
        }
        Ok(count)
    }

    /// Stores `items` items in plaintext, as the old build does.
    ///
    /// # Errors
    ///
    /// If a write fails.
    pub async fn seed(self: &Arc<Self>, items: u64) -> Outcome<()> {
        let next = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for _ in 0..TASKS {
            let (world, next) = (Arc::clone(self), Arc::clone(&next));
            tasks.push(tokio::spawn(async move {
                loop {
                    let first = next.fetch_add(BATCH, Ordering::SeqCst);
                    if first >= items {
                        return Outcome::Ok(());
                    }
                    world.put_plain(first..items.min(first + BATCH)).await?;
                }
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    }

    async fn put_plain(&self, numbers: std::ops::Range<u64>) -> Outcome<()> {
        let mut writes = Vec::new();
        for index in numbers {
            let item = old_item(index, State { exists: true, ..State::default() })?;
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        let write = self.dynamodb().batch_write_item().request_items(&self.name, writes);
        let left = write.send().await?.unprocessed_items.unwrap_or_default();
        if left.is_empty() { Ok(()) } else { Err("DynamoDB left items out".into()) }
    }
}

//! How a process reads and writes the table: the old build, and a new one in each state.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::item::PlaintextItems;
use envelope_dynamo::transaction::TransactionErrorKind;
use envelope_dynamo::{Table, transact_write};

use crate::Outcome;
use crate::bring_in::records::{
    Kind, Note, Person, Record, old_item, read_by_old_build, record, text,
};
use crate::bring_in::world::World;
use crate::compare::Item;
use crate::model::State;
use crate::records::{email, id, index};

/// How often a transaction is built again if another writer of the item was faster.
const TRIES: u32 = 16;

/// A build of the program, and how it was deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// Without this library.
    Old,
    /// With this library.
    New(PlaintextItems),
}

/// The table as a process of a build has it.
#[derive(Debug)]
pub enum Handle {
    /// Of the old build.
    Old(OldBuild),
    /// Of a new one.
    New(Box<NewBuild>),
}

/// What the old build has: the client of the old role, and no key.
#[derive(Debug)]
pub struct OldBuild {
    client: Client,
    table: String,
}

/// What a new build has.
#[derive(Debug)]
pub struct NewBuild {
    all: Table<Record>,
    people: Table<Person>,
    notes: Table<Note>,
}

/// Does something with the table as a table of the type that the item has.
macro_rules! by_type {
    ($build:expr, $index:expr, |$typed:ident| $body:expr) => {
        match Kind::of($index) {
            Kind::Person => {
                let $typed = &$build.people;
                $body
            }
            Kind::Note => {
                let $typed = &$build.notes;
                $body
            }
        }
    };
}

impl Handle {
    /// The table as a process of `build` has it.
    #[must_use]
    pub fn new(world: &World, build: Build) -> Self {
        match build {
            Build::Old => {
                let (client, table) = (world.old_role().clone(), world.name.clone());
                Self::Old(OldBuild { client, table })
            }
            Build::New(state) => {
                let all = world.table(state);
                let (people, notes) = (all.of::<Person>(), all.of::<Note>());
                Self::New(Box::new(NewBuild { all, people, notes }))
            }
        }
    }

    /// Reads an item, consistently, in one of several ways.
    ///
    /// # Errors
    ///
    /// If the read fails, which none should.
    pub async fn get(&self, index: u64, way: u64) -> Outcome<Option<Record>> {
        match self {
            Self::Old(build) => {
                let item = build.get(index).await?;
                item.map(|item| read_by_old_build(index, item)).transpose()
            }
            Self::New(build) => build.get(index, way).await,
        }
    }

    /// Reads several items at a time. The old build reads one after another.
    ///
    /// # Errors
    ///
    /// If one read fails.
    pub async fn get_many(&self, numbers: &[u64]) -> Outcome<()> {
        match self {
            Self::Old(_) => {
                for index in numbers {
                    self.get(*index, 0).await?;
                }
            }
            Self::New(build) => {
                let of = |kind| {
                    let numbers = numbers.iter().filter(move |index| Kind::of(**index) == kind);
                    numbers.map(|index| id(*index)).collect::<Vec<_>>()
                };
                build.people.batch_get(of(Kind::Person)).send().await?;
                build.notes.batch_get(of(Kind::Note)).send().await?;
            }
        }
        Ok(())
    }

    /// Reads one of `total` segments of the table, and returns how many records it has.
    ///
    /// # Errors
    ///
    /// If the read fails, or if one record does not read.
    pub async fn scan(&self, segment: u32, total: u32) -> Outcome<u64> {
        Ok(match self {
            Self::Old(build) => build.scan(segment, total).await?,
            Self::New(build) => {
                build.all.scan().segment(segment, total).send().await?.len().try_into()?
            }
        })
    }

    /// Puts a whole item, in one of several ways.
    ///
    /// # Errors
    ///
    /// If the write fails.
    pub async fn put(&self, index: u64, state: State, way: u64) -> Outcome<()> {
        match self {
            Self::Old(build) => build.put(index, state, None).await,
            Self::New(build) => build.put(&record(index, state), way).await,
        }
    }

    /// Puts an item that must not exist.
    ///
    /// # Errors
    ///
    /// If the write fails, or if the item exists.
    pub async fn create(&self, index: u64, state: State) -> Outcome<()> {
        match self {
            Self::Old(build) => build.put(index, state, Some("attribute_not_exists(id)")).await,
            Self::New(build) => {
                Ok(build.all.put(&record(index, state)).if_not_exists().send().await?)
            }
        }
    }

    /// Deletes an item.
    ///
    /// # Errors
    ///
    /// If the write fails.
    pub async fn delete(&self, index: u64) -> Outcome<()> {
        match self {
            Self::Old(build) => {
                let delete = build.client.delete_item().table_name(&build.table);
                delete.key("id", AttributeValue::S(id(index))).send().await?;
            }
            Self::New(build) => by_type!(build, index, |typed| {
                typed.delete(id(index)).send().await?;
            }),
        }
        Ok(())
    }

    /// Gives the sealed text of an item that of a generation. All else stays.
    ///
    /// # Errors
    ///
    /// If the write fails, or if the item is gone.
    pub async fn rewrite(&self, index: u64, generation: u64) -> Outcome<()> {
        let (email, text) = (email(index, generation), text(index, generation));
        match self {
            Self::Old(build) => match Kind::of(index) {
                Kind::Person => build.set(index, "email", Some(email)).await,
                Kind::Note => build.set(index, "text", text).await,
            },
            Self::New(build) => match Kind::of(index) {
                Kind::Person => {
                    let update = build.people.update(id(index));
                    let change = update.modify(|person| person.email.clone_from(&email));
                    exists(index, change.send().await?.is_some())
                }
                Kind::Note => {
                    let update = build.notes.update(id(index));
                    let change = update.modify(|note| note.text.clone_from(&text));
                    exists(index, change.send().await?.is_some())
                }
            },
        }
    }

    /// Counts `visits`, which the new builds encrypt.
    ///
    /// # Errors
    ///
    /// If the write fails, or if the item is gone.
    pub async fn visit(&self, index: u64) -> Outcome<()> {
        match self {
            Self::Old(build) => build.add(index, "visits").await,
            Self::New(build) => by_type!(build, index, |typed| {
                let change = typed.update(id(index)).modify(|record| record.visits += 1);
                exists(index, change.send().await?.is_some())
            }),
        }
    }

    /// Counts `logins`, which stays readable, in place.
    ///
    /// # Errors
    ///
    /// If the write fails.
    pub async fn log_in(&self, index: u64) -> Outcome<()> {
        match self {
            Self::Old(build) => build.add(index, "logins").await,
            Self::New(build) => by_type!(build, index, |typed| {
                Ok(typed.update(id(index)).add(|record| record.logins, 1).send().await?)
            }),
        }
    }
}

fn exists(index: u64, exists: bool) -> Outcome<()> {
    if exists { Ok(()) } else { Err(format!("item {index} is gone").into()) }
}

impl OldBuild {
    async fn get(&self, index: u64) -> Outcome<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        Ok(get.key("id", AttributeValue::S(id(index))).send().await?.item)
    }

    async fn scan(&self, segment: u32, total: u32) -> Outcome<u64> {
        let scan = self.client.scan().table_name(&self.table);
        let scan = scan.segment(segment.try_into()?).total_segments(total.try_into()?);
        let (mut pages, mut count) = (scan.into_paginator().send(), 0);
        while let Some(page) = pages.next().await {
            for item in page?.items.unwrap_or_default() {
                let id = item.get("id").and_then(|id| id.as_s().ok());
                let index = id.and_then(|id| index(id)).ok_or("an item of nobody")?;
                read_by_old_build(index, item)?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn put(&self, index: u64, state: State, condition: Option<&str>) -> Outcome<()> {
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_item(Some(old_item(index, state)?));
        put.set_condition_expression(condition.map(ToOwned::to_owned)).send().await?;
        Ok(())
    }

    async fn add(&self, index: u64, name: &str) -> Outcome<()> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update.key("id", AttributeValue::S(id(index)));
        let update = update.update_expression("ADD #n :one").expression_attribute_names("#n", name);
        let one = AttributeValue::N("1".to_owned());
        update.expression_attribute_values(":one", one).send().await?;
        Ok(())
    }

    async fn set(&self, index: u64, name: &str, value: Option<String>) -> Outcome<()> {
        let update = self.client.update_item().table_name(&self.table);
        let update = update.key("id", AttributeValue::S(id(index)));
        let update = update.expression_attribute_names("#n", name);
        let update = match value {
            None => update.update_expression("REMOVE #n"),
            Some(value) => update
                .update_expression("SET #n = :v")
                .expression_attribute_values(":v", AttributeValue::S(value)),
        };
        update.send().await?;
        Ok(())
    }
}

impl NewBuild {
    async fn get(&self, index: u64, way: u64) -> Outcome<Option<Record>> {
        let key = id(index);
        if way.is_multiple_of(2) {
            return Ok(self.all.query(key).consistent_read().send().await?.pop());
        }
        Ok(match Kind::of(index) {
            Kind::Person => {
                self.people.get(key).consistent_read().send().await?.map(Record::Person)
            }
            Kind::Note => self.notes.get(key).consistent_read().send().await?.map(Record::Note),
        })
    }

    async fn put(&self, record: &Record, way: u64) -> Outcome<()> {
        match way % 4 {
            0 => self.all.batch_put([record]).send().await.map(drop)?,
            1 => self.put_in_transaction(record).await?,
            _ => self.all.put(record).send().await?,
        }
        Ok(())
    }

    /// A transaction is cancelled if another writer has sealed the item since the put looked at it.
    /// Then it is built again.
    async fn put_in_transaction(&self, record: &Record) -> Outcome<()> {
        let mut tries = 1;
        loop {
            let transaction = transact_write(self.all.client()).put(self.all.put(record));
            match transaction.send().await {
                Err(error)
                    if tries < TRIES
                        && matches!(error.kind(), TransactionErrorKind::Cancelled { .. }) =>
                {
                    tries += 1;
                }
                sent => return Ok(sent?),
            }
        }
    }
}

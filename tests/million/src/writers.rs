//! Other writers: they put, modify, delete and recreate records, and count in place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::Table;

use crate::Outcome;
use crate::model::{Model, State};
use crate::random::Random;
use crate::records::{Flavour, Letter, Patient, Person, Record, World, email, id, record};
use crate::watch::Others;

/// Does something with the table as a table of the type that items of a flavour have.
macro_rules! by_type {
    ($flavour:expr, $table:expr, |$typed:ident| $body:expr) => {
        match $flavour {
            Flavour::Group | Flavour::GroupAlone => {
                let $typed = $table.of::<Patient>();
                $body
            }
            Flavour::Shared => {
                let $typed = $table.of::<Letter>();
                $body
            }
            _ => {
                let $typed = $table.of::<Person>();
                $body
            }
        }
    };
}

/// What the writers have done. Each write is one event of the table's stream.
#[derive(Debug, Default)]
pub struct Writes {
    /// Items that were created again.
    pub inserts: AtomicU64,
    /// Items that were deleted.
    pub removes: AtomicU64,
    /// Records that were put or modified.
    pub payloads: AtomicU64,
    /// Items that were counted in place.
    pub in_place: AtomicU64,
    /// Data keys that were wrapped by the old key again.
    pub old_keys: AtomicU64,
}

impl Writes {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> u64 {
        [&self.inserts, &self.removes, &self.payloads, &self.in_place]
            .iter()
            .map(|count| count.load(Ordering::SeqCst))
            .sum()
    }
}

/// The writers, and the model that they keep.
#[derive(Debug)]
pub struct Writers {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    new: Table<Record>,
    old: Table<Record>,
    /// Whether some writers still have the old key, as before they were restarted.
    pub some_are_old: AtomicBool,
    /// What they have done.
    pub writes: Writes,
}

impl Writers {
    /// Writers of the table that `model` describes.
    #[must_use]
    pub fn new(world: Arc<World>, model: Arc<Model>, random: Arc<Random>) -> Self {
        let new = world.table(world.opens_all(&world.to));
        let old = world.table(world.opens_all(&world.from));
        let some_are_old = AtomicBool::new(true);
        Self { world, model, random, new, old, some_are_old, writes: Writes::default() }
    }

    async fn delete(&self, index: u64, flavour: Flavour) -> Outcome<()> {
        by_type!(flavour, &self.new, |typed| typed.delete(id(index)).send().await?);
        count(&self.writes.removes, 1);
        Ok(())
    }

    async fn modify(&self, table: &Table<Record>, index: u64, generation: u64) -> Outcome<()> {
        let email = email(index, generation);
        let found = by_type!(Flavour::of(index), table, |typed| {
            let change = typed.update(id(index)).modify(|record| record.email.clone_from(&email));
            change.send().await?.is_some()
        });
        if found { Ok(()) } else { Err(format!("item {index} is gone").into()) }
    }

    async fn count_in_place(&self, index: u64, flavour: Flavour) -> Outcome<()> {
        if flavour == Flavour::Plain {
            let one = AttributeValue::N("1".to_owned());
            let update = self.world.dynamodb().update_item().table_name(&self.world.name);
            let update = update.key("id", AttributeValue::S(id(index)));
            let update = update.update_expression("ADD logins :one");
            update.expression_attribute_values(":one", one).send().await?;
        } else {
            by_type!(flavour, &self.new, |typed| {
                typed.update(id(index)).add(|record| record.logins, 1).send().await?;
            });
        }
        Ok(())
    }
}

impl Others for Writers {
    const OPERATION: &'static str = "ReEncrypt";
    const CONTEXT: &'static str = "SourceEncryptionContext";

    async fn write(&self, index: u64) -> Outcome<()> {
        let Some(turn) = self.model.turn(index).await else { return Ok(()) };
        let state = turn.state();
        let flavour = Flavour::of(index);
        if flavour == Flavour::Plain {
            self.count_in_place(index, flavour).await?;
            count(&self.writes.in_place, 1);
            turn.wrote(State { logins: state.logins + 1, ..state });
            return Ok(());
        }
        let is_old = self.some_are_old.load(Ordering::SeqCst) && self.random.below(4) == 0;
        let table = if is_old { &self.old } else { &self.new };
        let next = State { exists: true, generation: state.generation + 1, ..State::default() };
        let gone = State { exists: false, ..state };
        let written = match if state.exists { self.random.below(12) } else { 12 } {
            0..3 => {
                table.put(&record(index, next.generation, 0)).send().await?;
                count(&self.writes.payloads, 1);
                next
            }
            3..6 => {
                self.modify(table, index, next.generation).await?;
                count(&self.writes.payloads, 1);
                State { logins: state.logins, ..next }
            }
            6..9 => {
                self.count_in_place(index, flavour).await?;
                count(&self.writes.in_place, 1);
                State { logins: state.logins + 1, ..state }
            }
            9 => {
                self.delete(index, flavour).await?;
                gone
            }
            existing => {
                if existing < 12 {
                    self.delete(index, flavour).await?;
                    turn.wrote(gone);
                }
                table.put(&record(index, next.generation, 0)).if_not_exists().send().await?;
                count(&self.writes.inserts, 1);
                next
            }
        };
        if is_old && written.generation > state.generation {
            count(&self.writes.old_keys, flavour.data_keys());
        }
        turn.wrote(written);
        Ok(())
    }

    fn any_item(&self) -> u64 {
        self.random.below(self.model.items())
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::SeqCst);
}

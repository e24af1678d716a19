//! Other writers: they put, modify, delete and recreate people, and count in place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::Table;

use crate::Outcome;
use crate::model::{Model, State};
use crate::random::Random;
use crate::records::id;
use crate::reindex::records::{Flavour, Person, World, email, person};
use crate::watch::Others;

/// The writers, and the model that they keep.
#[derive(Debug)]
pub struct Traffic {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    people: Table<Person>,
    /// How many writes they have made.
    pub writes: AtomicU64,
}

impl Traffic {
    /// Writers of the table that `model` describes.
    #[must_use]
    pub fn new(world: Arc<World>, model: Arc<Model>, random: Arc<Random>) -> Self {
        let people = world.people();
        Self { world, model, random, people, writes: AtomicU64::new(0) }
    }

    async fn count(&self, index: u64) -> Outcome<()> {
        if Flavour::of(index) != Flavour::Plain {
            self.people.update(id(index)).add(|person| person.logins, 1).send().await?;
            return Ok(());
        }
        let update = self.world.dynamodb().update_item().table_name(&self.world.name);
        let update = update.key("id", AttributeValue::S(id(index)));
        let one = AttributeValue::N("1".to_owned());
        let update = update.update_expression("ADD logins :one");
        update.expression_attribute_values(":one", one).send().await?;
        Ok(())
    }

    /// Gives an item a state that it can have next.
    async fn change(&self, index: u64, state: State) -> Outcome<State> {
        let counted = State { logins: state.logins + 1, ..state };
        let next = State { exists: true, generation: state.generation + 1, ..State::default() };
        let gone = State { exists: false, ..state };
        if Flavour::of(index) == Flavour::Plain {
            self.count(index).await?;
            return Ok(counted);
        }
        if !state.exists {
            self.people.put(&person(index, next)).if_not_exists().send().await?;
            return Ok(next);
        }
        match self.random.below(10) {
            0..3 => {
                self.people.put(&person(index, next)).send().await?;
                Ok(next)
            }
            3..6 => {
                let email = Some(email(index, next.generation));
                let change = |person: &mut Person| person.email.clone_from(&email);
                let found = self.people.update(id(index)).modify(change).send().await?;
                found.ok_or_else(|| format!("item {index} is gone"))?;
                Ok(State { logins: state.logins, ..next })
            }
            6..9 => {
                self.count(index).await?;
                Ok(counted)
            }
            _ => {
                self.people.delete(id(index)).send().await?;
                Ok(gone)
            }
        }
    }
}

impl Others for Traffic {
    const OPERATION: &'static str = "GenerateDataKey";
    const CONTEXT: &'static str = "EncryptionContext";

    async fn write(&self, index: u64) -> Outcome<()> {
        let Some(turn) = self.model.turn(index).await else { return Ok(()) };
        let next = self.change(index, turn.state()).await?;
        self.writes.fetch_add(1, Ordering::SeqCst);
        turn.wrote(next);
        Ok(())
    }

    fn any_item(&self) -> u64 {
        self.random.below(self.model.items())
    }
}

//! Other writers: they put, modify, delete and recreate people, count in place, and try to get
//! addresses that others have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::WriteError;
use envelope_dynamo::{ErrorKind, Table};

use crate::Outcome;
use crate::model::{Model, State};
use crate::random::Random;
use crate::records::id;
use crate::reindex::records::{Flavour, Someone, World, email, is_of_pair, near_pair, person};
use crate::watch::Others;

/// The writers, and the model that they keep.
#[derive(Debug)]
pub struct Traffic<S: Someone> {
    world: Arc<World>,
    model: Arc<Model>,
    random: Arc<Random>,
    people: Table<S>,
    /// How many writes they have made.
    pub writes: AtomicU64,
    /// How many of them were refused, since another person has the address.
    pub taken: AtomicU64,
}

impl<S: Someone> Traffic<S> {
    /// Writers of the table that `model` describes.
    #[must_use]
    pub fn new(world: Arc<World>, model: Arc<Model>, random: Arc<Random>) -> Self {
        let people = world.people();
        let (writes, taken) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { world, model, random, people, writes, taken }
    }

    async fn count(&self, index: u64) -> Outcome<()> {
        if Flavour::of(index) != Flavour::Plain {
            return S::count(&self.people, id(index)).await;
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
        if is_of_pair::<S>(index) && self.random.below(3) == 0 {
            return self.put_first_address(index, state).await;
        }
        if !state.exists {
            S::put(&self.people, &person(index, next), true).await?;
            return Ok(next);
        }
        match self.random.below(10) {
            0..3 => {
                S::put(&self.people, &person(index, next), false).await?;
                Ok(next)
            }
            3..6 => {
                self.change_address(index, next.generation).await?;
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

    /// Gives a person an address of their own.
    async fn change_address(&self, index: u64, generation: u64) -> Outcome<()> {
        let email = Some(email::<S>(index, generation));
        let change = |person: &mut S| person.email_mut().clone_from(&email);
        let found = self.people.update(id(index)).modify(change).send().await?;
        found.ok_or_else(|| format!("item {index} is gone"))?;
        Ok(())
    }

    /// Puts a person with the address that two people had at first. The other one may have it.
    async fn put_first_address(&self, index: u64, state: State) -> Outcome<State> {
        let first = State { exists: true, ..State::default() };
        match S::put(&self.people, &person(index, first), false).await {
            Ok(()) => Ok(first),
            Err(error) if matches!(error.kind(), ErrorKind::Write(WriteError::Taken { .. })) => {
                self.taken.fetch_add(1, Ordering::SeqCst);
                Ok(state)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a person an address of their own, as somebody does who decides between two.
    ///
    /// # Errors
    ///
    /// If the person does not exist.
    pub async fn decide_against(&self, index: u64) -> Outcome<()> {
        let turn = self.model.turn(index).await.ok_or("there is no such person")?;
        let next = State { generation: turn.state().generation + 1, ..turn.state() };
        self.change_address(index, next.generation).await?;
        turn.wrote(next);
        Ok(())
    }
}

impl<S: Someone> Others for Traffic<S> {
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
        let index = self.random.below(self.model.items());
        if S::IS_UNIQUE && self.random.below(2) == 0 { near_pair(index) } else { index }
    }
}

//! The operator: rotates the search key, cancels a rotation, moves the records, and retires.

use std::rc::Rc;

use envelope_dynamo::keys::LocalKeyProvider;
use envelope_dynamo::keys::{Clock as _, SearchBranch, SearchKeyError, SearchKeyTable, SearchKeys};
use envelope_dynamo::maintain::{Limits, RetireError, RunErrorKind, SchemaFile, StoredTable};
use envelope_tests::local_keys;

use super::gate::Step;
use super::random::Random;
use super::{OPERATOR, USERS, User, World};

pub(super) struct Operator {
    store: SearchKeyTable<LocalKeyProvider>,
    keys: SearchKeys,
    pub(super) users: StoredTable,
    random: Random,
}

impl Operator {
    pub(super) fn new(world: &World) -> Self {
        let client = world.gate.client(OPERATOR, &world.dynamodb);
        let schema = SchemaFile::new().with::<User>();
        let users = StoredTable::new(client, &schema, "users").unwrap().named(USERS);
        let keys = SearchKeys::per_table(world.store(OPERATOR)).with_clock(world.clock(OPERATOR));
        let random = world.random.split(OPERATOR as u64);
        Self { store: world.store(OPERATOR), keys, users, random }
    }

    /// Does one thing after the other, until the history ends.
    pub(super) async fn run(self, world: Rc<World>) {
        loop {
            world.gate.wait(OPERATOR, Step::Begin).await;
            if world.is_over() {
                return;
            }
            let branch = self.store.branch("users").await.unwrap();
            let now = world.clocks[OPERATOR].system_time();
            match branch.retire_from() {
                None if self.random.chance(60) => self.rotate(&world).await,
                None => self.reindex().await,
                Some(retire_from) if now >= retire_from => self.finish(&world).await,
                Some(_) => self.meanwhile(&world, &branch).await,
            }
        }
    }

    async fn rotate(&self, world: &World) {
        self.store.rotate("users").await.unwrap();
        world.ledger().seen.rotations += 1;
    }

    /// Moves the records, and retires the other version if that is allowed.
    async fn finish(&self, world: &World) {
        if self.random.chance(80) {
            self.reindex().await;
        }
        self.retire(world).await;
    }

    /// During a rotation, nothing may be retired.
    async fn meanwhile(&self, world: &World, branch: &SearchBranch) {
        match self.random.below(10) {
            0 if branch.write_from().is_some() => {
                world.ledger().cancels();
                match self.store.cancel("users").await {
                    Ok(_) => world.ledger().seen.cancellations += 1,
                    Err(error) => {
                        assert!(matches!(error, SearchKeyError::TooLate { .. }), "{error}")
                    }
                }
            }
            1 => self.reindex().await,
            2 => self.retire(world).await,
            _ => {}
        }
    }

    pub(super) async fn reindex(&self) {
        let run = self.users.reindex(local_keys(7), local_keys(7), &self.keys);
        match run.limits(Limits::new().in_flight(2)).send().await {
            Ok(counts) => assert_eq!((counts.other_key, counts.not_sealed), (0, 0)),
            Err(error) => assert!(matches!(error.kind(), RunErrorKind::Kms(_)), "{error}"),
        }
    }

    pub(super) async fn retire(&self, world: &World) {
        let began = world.clocks[OPERATOR].system_time();
        let retired = self.store.retire_unless_stale("users", [self.users.stale(&self.keys)]).await;
        match retired {
            Ok(Some(_)) => world.ledger().retired(),
            Ok(None) | Err(RetireError::Stale(_)) => {}
            Err(RetireError::Keys(SearchKeyError::TooEarly { retire_from, .. })) => {
                assert!(began < retire_from);
            }
            Err(RetireError::Count(error)) => {
                assert!(matches!(error.kind(), RunErrorKind::Kms(_)), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

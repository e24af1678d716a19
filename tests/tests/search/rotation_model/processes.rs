//! Processes that write and search, each with clocks and a cache of its own.

use std::rc::Rc;
use std::time::Duration;

use envelope_dynamo::error::{ErrorKind, KeyErrorKind, WriteError};
use envelope_dynamo::keys::SearchKeys;
use envelope_dynamo::transaction::{PreparedTransaction, TransactionErrorKind};
use envelope_dynamo::{Error, ResumeToken, Table, transact_write};

use super::gate::Step;
use super::ledger::Search;
use super::random::Random;
use super::{MAX_AGE, USERS, User, World};

/// The addresses: few, so that searches find several records.
pub(super) const EMAILS: [&str; 2] = ["ana@example.com", "zoe@example.com"];

const RECORDS: u64 = 8;

/// Searches that are continued page by page, by any process.
const MAX_PAGED: usize = 4;

pub(super) struct Process {
    number: usize,
    pub(super) users: Table<User>,
    client: aws_sdk_dynamodb::Client,
    random: Random,
}

/// A search that goes on page by page.
pub(super) struct Paged {
    search: Search,
    is_descending: bool,
    token: Option<String>,
}

/// A transaction that will be sent later.
struct Prepared {
    transaction: PreparedTransaction,
    began: u64,
    ended: u64,
}

impl Process {
    /// A process whose `max_age` is at most `max_age`.
    pub(super) fn new(world: &World, number: usize, max_age: Duration) -> Self {
        let client = world.gate.client(number, &world.dynamodb);
        let keys = SearchKeys::per_table(world.store(number));
        let keys = keys.max_age(max_age).with_clock(world.clock(number));
        let users = Table::new(client.clone(), envelope_tests::local_keys(7)).named(USERS);
        let random = world.random.split(number as u64);
        Self { number, users: users.with_search_keys(keys), client, random }
    }

    /// Does one thing after the other, until the history ends.
    pub(super) async fn run(self: Rc<Self>, world: Rc<World>) {
        let mut prepared = Vec::new();
        loop {
            world.gate.wait(self.number, Step::Begin).await;
            if world.is_over() {
                return;
            }
            match self.random.below(100) {
                0..45 => self.search(&world).await,
                45..75 => self.page(&world).await,
                75..90 => self.write().await,
                _ => self.transact(&world, &mut prepared).await,
            }
        }
    }

    fn email(&self) -> &'static str {
        EMAILS[self.random.index(EMAILS.len())]
    }

    /// A search in one stream.
    async fn search(&self, world: &World) {
        let mut search = world.ledger().search(self.email(), true);
        let by_email = self.users.index(|i| i.by_email);
        let mut query = by_email.query(search.email).page_size(1 + self.random.index(4));
        if self.random.chance(30) {
            query = query.descending();
        }
        if self.random.chance(20) {
            query = query.fetch_base_table();
        }
        let mut records = query.stream().unwrap();
        while let Some(record) = records.next().await {
            match record {
                Ok(user) => search.found(user.user_id),
                Err(error) => return assert_slow(&error),
            }
        }
        world.ledger().judge(&search);
    }

    /// One page of a search, perhaps of one that another process began.
    async fn page(&self, world: &World) {
        let mut paged = self.continued(world);
        let by_email = self.users.index(|i| i.by_email);
        let mut query = by_email.query(paged.search.email).page_size(1 + self.random.index(4));
        if paged.is_descending {
            query = query.descending();
        }
        let from: Option<ResumeToken> = paged.token.as_ref().map(|token| token.parse().unwrap());
        let query = query.limit(1 + self.random.index(4)).resume(from);
        let mut records = query.stream().unwrap();
        let mut read = Vec::new();
        while let Some(record) = records.next().await {
            match record {
                Ok(user) => read.push(user.user_id),
                Err(error) => return assert_slow(&error),
            }
        }
        read.into_iter().for_each(|id| paged.search.found(id));
        paged.token = records.resume_token().map(|token| token.to_string());
        if paged.token.is_none() {
            world.ledger().judge(&paged.search);
        } else {
            world.paged.borrow_mut().push(paged);
        }
    }

    fn continued(&self, world: &World) -> Paged {
        let mut paged = world.paged.borrow_mut();
        if paged.len() == MAX_PAGED || !paged.is_empty() && self.random.chance(60) {
            let chosen = self.random.index(paged.len());
            return paged.swap_remove(chosen);
        }
        let search = world.ledger().search(self.email(), false);
        Paged { search, is_descending: self.random.chance(50), token: None }
    }

    fn user(&self) -> User {
        User::new(self.random.below(RECORDS), self.email(), self.random.below(100))
    }

    async fn write(&self) {
        let (user, email) = (self.user(), self.email());
        let update = self.users.update(user.user_id.clone());
        let written = match self.random.below(100) {
            0..40 => self.users.put(&user).send().await,
            40..60 => {
                let change = |user: &mut User| user.has(email);
                update.modify(change).send().await.map(drop)
            }
            60..80 => update.modify(|user| user.name.push('x')).send().await.map(drop),
            80..90 => self.users.delete(user.user_id).send().await.map(drop),
            _ => {
                let other = User { user_id: "u_8".to_owned(), ..user.clone() };
                return match self.users.batch_put([user, other]).send().await {
                    Ok(_) => {}
                    Err(error) => error.failures().iter().for_each(|it| assert_slow(it.error())),
                };
            }
        };
        match written {
            Err(error)
                if !matches!(error.kind(), ErrorKind::Write(WriteError::Conflict { .. })) =>
            {
                assert_slow(&error);
            }
            _ => {}
        }
    }

    /// Prepares a transaction, or sends one that was prepared before.
    async fn transact(&self, world: &World, prepared: &mut Vec<Prepared>) {
        if prepared.is_empty() || prepared.len() < 3 && self.random.chance(40) {
            let (user, began) = (self.user(), world.time.now());
            let transaction = transact_write(&self.client).put(self.users.put(&user));
            match transaction.prepare().await {
                Ok(transaction) => {
                    prepared.push(Prepared { transaction, began, ended: world.time.now() });
                }
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            return;
        }
        let Prepared { transaction, began, ended } =
            prepared.swap_remove(self.random.index(prepared.len()));
        let age = world.time.now() - ended;
        world.prepared_since[self.number].set(Some(began));
        let sent = transaction.send().await;
        world.prepared_since[self.number].set(None);
        let mut ledger = world.ledger();
        match sent {
            Ok(()) if age > MAX_AGE => ledger.wrong.push(format!("sent, {age} seconds old")),
            Ok(()) => ledger.seen.sent_prepared += 1,
            Err(error) => {
                let kind = error.kind();
                assert!(matches!(kind, TransactionErrorKind::OldSearchTags { .. }), "{error}");
                ledger.seen.refused_prepared += 1;
            }
        }
    }
}

/// Requests may wait so long that the search keys are too old when they arrive. Everything else
/// succeeds.
#[track_caller]
fn assert_slow(error: &Error) {
    let kind = error.key_error().map(|error| error.kind());
    assert_eq!(kind, Some(KeyErrorKind::Unreachable), "{error}");
}

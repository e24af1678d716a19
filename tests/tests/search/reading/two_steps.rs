//! Every order of a search and of records that move from the old search key to the new one.
//!
//! DynamoDB moves a record in a global index by two writes: one removes it under the old key, the
//! other adds it under the new one. The embedded server does both at once. So a move in two steps
//! is modelled by two requests: a delete, and a put. Through the index, both look the same.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::Client;
use envelope_tests::explore::{self, Gate, Orders, Steps};

use super::*;

/// How the index moves a record.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moves {
    AtOnce,
    InTwoSteps,
}

/// How somebody searches.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Searches {
    InOneStream,
    /// One record, a token, and the next one.
    PageByPage,
}

/// How often a search found each record, in one order.
type Found = BTreeMap<String, usize>;

/// The records that stay: two under the old key, and two under the new one.
const STAYING: [&str; 4] = ["u_1", "u_4", "u_6", "u_8"];

/// The record that moves. It stands between records that stay, under both keys.
const MOVING: &str = "u_3";

struct World {
    bench: Bench,
    /// The item of the record that moves, under the old key and under the new one.
    old: Item,
    new: Item,
}

impl World {
    async fn new() -> Self {
        let users = STAYING.map(|id| user(id, "zoe"));
        let bench = Bench::with(&users[..2]).await;
        bench.put(2, &users[2..]).await;
        bench.put(2, &[user(MOVING, "zoe")]).await;
        let new = bench.stored(MOVING).await;
        bench.put(1, &[user(MOVING, "zoe")]).await;
        let old = bench.stored(MOVING).await;
        assert_ne!(old["blind_email"], new["blind_email"]);
        Self { bench, old, new }
    }

    fn gated(&self) -> (Gate, Client) {
        let gate = Gate::new(&BTreeSet::new(), false);
        let client = gate.client(self.bench.servers.dynamodb());
        (gate, client)
    }

    async fn moved(&self, client: &Client, moves: Moves) {
        if moves == Moves::InTwoSteps {
            let delete = client.delete_item().table_name(&self.bench.name);
            delete.key("user_id", text(MOVING)).send().await.unwrap();
        }
        let put = client.put_item().table_name(&self.bench.name);
        put.set_item(Some(self.new.clone())).send().await.unwrap();
    }

    async fn search(&self, client: &Client, searches: Searches) -> Found {
        let users = Table::<User>::new(client.clone(), self.bench.keys.clone());
        let users = users.named(self.bench.name.clone()).with_search_keys(rotating(1, 2));
        let query = || users.index(|i| i.by_email).query("zoe@example.com").page_size(1);
        let mut found = Found::new();
        let mut note = |user: User| *found.entry(user.user_id).or_default() += 1;
        if searches == Searches::InOneStream {
            let read = query().send().await.unwrap();
            read.into_iter().for_each(note);
            return found;
        }
        let mut token = None;
        loop {
            let mut records = query().limit(1).resume(token).stream().unwrap();
            while let Some(record) = records.next().await {
                note(record.unwrap());
            }
            token = records.resume_token();
            if token.is_none() {
                return found;
            }
        }
    }
}

/// What a search finds in every order of its requests and of those of a move.
async fn every_order(moves: Moves, searches: Searches) -> Vec<Found> {
    let (world, mut orders, mut all) = (World::new().await, Orders::default(), Vec::new());
    loop {
        world.bench.plant(world.old.clone()).await;
        let ((search_gate, search_client), (move_gate, move_client)) =
            (world.gated(), world.gated());
        let found = RefCell::new(Found::new());
        let searcher = Box::pin(async {
            *found.borrow_mut() = world.search(&search_client, searches).await;
        });
        let mover = Box::pin(world.moved(&move_client, moves));
        let actors: Vec<(Gate, explore::Actor<'_>)> =
            vec![(search_gate, searcher), (move_gate, mover)];
        explore::run(actors, &Steps::default(), &mut orders).await;
        all.push(found.into_inner());

        let after = world.search(world.bench.servers.dynamodb(), searches).await;
        assert_eq!(after.len(), STAYING.len() + 1, "after the move, nothing is missed");
        assert!(after.values().all(|count| *count == 1), "{after:?}");
        if !orders.advance() {
            return all;
        }
    }
}

fn count(found: &Found, id: &str) -> usize {
    found.get(id).copied().unwrap_or_default()
}

#[tokio::test]
async fn what_does_not_move_is_found_exactly_once_in_every_order() {
    for moves in [Moves::AtOnce, Moves::InTwoSteps] {
        for searches in [Searches::InOneStream, Searches::PageByPage] {
            let orders = every_order(moves, searches).await;
            assert!(orders.len() > 5, "{}", orders.len());
            for found in &orders {
                for id in STAYING {
                    assert_eq!(count(found, id), 1, "{moves:?} {searches:?} {found:?}");
                }
            }
        }
    }
}

/// The old key is asked first. So a record that moves at once is seen before or after its move.
#[tokio::test]
async fn a_record_that_moves_at_once_is_never_missed() {
    let orders = every_order(Moves::AtOnce, Searches::InOneStream).await;
    assert!(orders.iter().all(|found| count(found, MOVING) == 1), "{orders:?}");
    let orders = every_order(Moves::AtOnce, Searches::PageByPage).await;
    let counts: BTreeSet<_> = orders.iter().map(|found| count(found, MOVING)).collect();
    assert_eq!(counts, [1, 2].into(), "a token knows no records, so one may be repeated");
}

/// Between the two writes, the record is in the index under neither key.
#[tokio::test]
async fn a_record_that_moves_in_two_steps_may_be_missed_while_it_moves() {
    let orders = every_order(Moves::InTwoSteps, Searches::InOneStream).await;
    let missed = orders.iter().filter(|found| count(found, MOVING) == 0).count();
    assert!(orders.iter().all(|found| count(found, MOVING) <= 1), "{orders:?}");
    assert!(0 < missed && missed < orders.len() / 2, "{missed} of {}", orders.len());
}

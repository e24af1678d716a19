//! Every order of the requests of runs and of those who write the same record: each ends as some
//! sequence of the operations does.
//!
//! The requests of each actor are held below the SDK, and one after the other is let through, in
//! every possible order. A [`model`] without any knowledge of the library says what may come of it.
//! Nothing waits for real time.

mod keys;
mod model;
mod world;

use std::cell::RefCell;

use envelope_examples::{Fault, Faults};
use envelope_tests::explore::{self, Gate, Orders, Steps};

use crate::orders::model::{Ended, Key, Op, Record, Rules, is_sequence};
use crate::orders::world::{Grouped, Optional, Run, Shape, World};

use Key::{New, Old};
use Op::{Count, Delete, Modify, Put};

const MOVE: Op = Op::Run(New);

/// What is done to the replies of the first actor's requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Replies {
    Arrive,
    /// The first update is carried out, and its reply is lost.
    ReplyLost,
    /// The first scan shows the table as it was when the run began.
    Stale,
}

/// Tries every order of `programs`, of which each is one actor's. Returns the number of orders.
async fn every_order<T: Shape>(
    run: Run,
    start: Option<&str>,
    programs: &[&'static [Op]],
    replies: Replies,
) -> usize {
    let world = World::new::<T>(run, start).await;
    let (first, _) = world.stored::<T>().await;
    let rules = Rules { has_group: T::HAS_GROUP, seals: run == Run::Backfill };
    let mut orders = Orders::default();
    let runs = programs.iter().flat_map(|program| *program).filter(|op| matches!(op, Op::Run(_)));
    let is_one_run = runs.count() == 1;
    let actor = |program: &'static [Op]| {
        let (gate, faults) = (Gate::new(&world.segments, is_one_run), Faults::new());
        let client = gate.client(&world.servers.dynamodb_through(&faults));
        (program, gate, faults, client)
    };
    let actors: Vec<_> = programs.iter().copied().map(actor).collect();
    loop {
        world.reset().await;
        let (steps, ended) = (Steps::default(), RefCell::new(Vec::new()));
        if let Some((_, gate, faults, _)) = actors.first() {
            faults.recover("UpdateItem");
            match replies {
                Replies::Arrive => {}
                Replies::ReplyLost => faults.fail_next("UpdateItem", Fault::LoseReply),
                Replies::Stale => gate.next_scan_is_stale(),
            }
        }
        let running = actors.iter().enumerate().map(|(actor, (program, gate, _, client))| {
            let (world, steps, ended) = (&world, &steps, &ended);
            let work = async move {
                for op in *program {
                    let begin = steps.made();
                    let outcome = world.perform::<T>(*op, client).await;
                    let end = steps.made();
                    ended.borrow_mut().push(Ended { actor, op: *op, begin, end, outcome });
                }
            };
            (gate.clone(), Box::pin(work) as explore::Actor<'_>)
        });
        explore::run(running.collect(), &steps, &mut orders).await;
        let (last, neighbour) = world.stored::<T>().await;
        let ended = ended.into_inner();
        assert!(
            is_sequence(&ended, &first, &last, rules),
            "no sequence leads from {first:?} to {last:?}: {ended:#?}"
        );
        assert_neighbour(&neighbour, programs, T::HAS_GROUP);
        if !orders.advance() {
            return orders.count;
        }
        assert!(orders.count < 1_000, "too many orders for a test: {programs:?}");
    }
}

/// The record that nobody but runs works on, and that may share its data key with the other one.
fn assert_neighbour(neighbour: &Record, programs: &[&[Op]], has_group: bool) {
    assert_eq!((&*neighbour.name, neighbour.count), ("neighbour", 0));
    if !programs.iter().any(|program| program.contains(&Op::Run(Old))) {
        assert_eq!((neighbour.own, neighbour.group), (New, has_group.then_some(New)));
    }
}

/// What the record is at the start, and what is done to replies.
const CASES: [(Option<&str>, Replies); 5] = [
    (Some("a"), Replies::Arrive),
    (Some("a"), Replies::ReplyLost),
    (Some("a"), Replies::Stale),
    (None, Replies::Arrive),
    (None, Replies::Stale),
];

mod convert {
    use super::*;

    macro_rules! pairs {
        ($($name:ident: $other:expr;)*) => {$(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                pair(Run::Convert, stringify!($name), &$other).await;
            }
        )*};
    }

    // `Old` is another program, and `New` a writer that seals.
    pairs! {
        put_theirs: [Put("b", Old), Put("", Old), Put("d", Old)];
        put_sealed: [Put("b", New), Put("c", Old), Put("d", New)];
        delete: [Put("", Old), Delete, Delete];
        recreate: [Delete, Put("b", Old), Put("c", New)];
        in_place: [Count(1), Count(2), Count(3)];
        second_run: [MOVE];
    }
}

/// Every order of a run and of what another actor does: in all cases with `ORDERS=all`, as
/// `.ci/run` sets it. Otherwise only in the first case, to save half a minute.
async fn pair(run: Run, name: &str, other: &'static [Op]) {
    let tries_all = std::env::var("ORDERS").is_ok_and(|value| value == "all");
    let cases = if tries_all { &CASES[..] } else { &CASES[..1] };
    let mut count = 0;
    for (start, replies) in cases.iter().copied() {
        count += every_order::<Grouped>(run, start, &[&[MOVE], other], replies).await;
        count += every_order::<Optional>(run, start, &[&[MOVE], other], replies).await;
    }
    println!("{run:?} and {name}: {count} orders");
    assert!(count >= if tries_all { 80 } else { 20 }, "{count} orders");
}

mod backfill {
    use super::*;

    macro_rules! pairs {
        ($($name:ident: $other:expr;)*) => {$(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                pair(Run::Backfill, stringify!($name), &$other).await;
            }
        )*};
    }

    // `Old` is a writer of plain items, and `New` one that seals.
    pairs! {
        put_plain: [Put("b", Old), Put("c", Old), Put("d", Old)];
        put_sealed: [Put("b", New), Put("c", Old), Put("d", New)];
        modify: [Modify('x', Old), Modify('y', New)];
        delete: [Put("", Old), Delete, Delete];
        recreate: [Delete, Put("b", Old), Put("c", New)];
        in_place: [Count(1), Count(2), Count(3)];
        second_run: [MOVE];
    }
}

macro_rules! pairs {
    ($($name:ident: $other:expr;)*) => {
        mod rewrap {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                pair(Run::Rewrap, stringify!($name), &$other).await;
            })*
        }

        mod reseal {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                pair(Run::Reseal, stringify!($name), &$other).await;
            })*
        }
    };
}

pairs! {
    put: [Put("b", Old), Put("c", New), Put("d", Old)];
    modify: [Modify('x', Old), Count(1)];
    delete: [Put("", New), Delete, Delete];
    recreate: [Delete, Put("b", Old), Put("c", New)];
    in_place: [Count(1), Count(2), Count(3)];
    second_run: [MOVE];
    opposite_run: [Put("b", New), Op::Run(Old)];
}

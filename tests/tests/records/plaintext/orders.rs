//! Every order of the requests of two and of three writers of one record, while its table is taken
//! in: each ends as some sequence of the writes does, and no sealed record becomes plain.
//!
//! The record is the hardest one: all its sealed and bound fields may be absent, so a deleted item
//! contradicts none of them.

use std::cell::RefCell;

use aws_sdk_dynamodb::Client;
use envelope_dynamo::{Error, transact_write};
use envelope_examples::{Fault, Faults};
use envelope_tests::explore::{self, Gate, Orders, Steps};

use super::*;

#[derive(Clone, Debug, PartialEq, Envelope, Serialize)]
#[envelope(table = "notes")]
struct Note {
    #[partition_key]
    patient_id: String,
    #[encrypted]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[authenticated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[plaintext]
    #[serde(default)]
    seen: u32,
}

fn note(name: &str) -> Note {
    let text = (!name.is_empty()).then(|| name.to_owned());
    Note { patient_id: "n".to_owned(), text, author: None, seen: 0 }
}

/// A write of one actor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// Puts a note with this text.
    Put(PlaintextItems, &'static str),
    /// The same, if there is none.
    Insert(PlaintextItems, &'static str),
    Transact(PlaintextItems, &'static str),
    /// Puts a note, and returns the one that it replaced.
    Replace(PlaintextItems, &'static str),
    /// Appends to the text.
    Modify(PlaintextItems, char),
    /// Sets `seen` in place.
    See(u32),
    Delete,
    /// Puts a note as the build before this library did.
    OldPut(&'static str),
}

use Op::{Delete, Insert, Modify, OldPut, Put, Replace, See, Transact};

/// What an actor learned of its write.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It replaced this.
    Replaced(Content),
    /// It was carried out, and what it replaced is not known.
    AnswerLost,
    /// There was no record.
    Absent,
    /// A condition did not hold, so nothing was written.
    Refused,
    InDoubt,
}

use Outcome::{Absent, AnswerLost, Done, InDoubt, Refused, Replaced};

/// A write that has ended.
#[derive(Clone, Debug)]
struct Ended {
    actor: usize,
    op: Op,
    /// The steps that all actors had made when it began, and when it ended.
    begin: usize,
    end: usize,
    outcome: Outcome,
}

impl Ended {
    fn is_before(&self, other: &Self) -> bool {
        match self.actor == other.actor {
            true => (self.begin, self.end) < (other.begin, other.end),
            false => self.end <= other.begin,
        }
    }
}

/// Text and `seen` of the note.
type Content = Option<(String, u32)>;

fn content(note: Note) -> (String, u32) {
    (note.text.unwrap_or_default(), note.seen)
}

/// What the write does alone, if it does anything.
fn apply(op: Op, note: &Content) -> (Outcome, Content) {
    match (op, note.clone()) {
        (Put(_, text) | Transact(_, text) | OldPut(text), _) => (Done, Some((text.to_owned(), 0))),
        (Replace(_, text), there) => (Replaced(there), Some((text.to_owned(), 0))),
        (Insert(_, text), None) => (Done, Some((text.to_owned(), 0))),
        (Insert(..), there) => (Refused, there),
        (Delete, _) => (Done, None),
        (Modify(..) | See(_), None) => (Absent, None),
        (Modify(_, letter), Some((text, seen))) => (Done, Some((format!("{text}{letter}"), seen))),
        (See(seen), Some((text, _))) => (Done, Some((text, seen))),
    }
}

/// Whether some sequence of the writes has these outcomes and ends with `last`. A write in doubt
/// may have happened or not. A write that ended before another one began comes before it.
fn is_sequence(ended: &[Ended], first: &Content, last: &Content) -> bool {
    if ended.is_empty() {
        return first == last;
    }
    (0..ended.len()).any(|at| {
        let this = &ended[at];
        if ended.iter().any(|other| other.is_before(this)) {
            return false;
        }
        let mut rest = ended.to_vec();
        rest.remove(at);
        let (outcome, after) = apply(this.op, first);
        // A transaction that meets a record sealed meanwhile is cancelled.
        let may_do_nothing =
            this.outcome == InDoubt || matches!((this.op, &this.outcome), (Transact(..), Refused));
        let may_be_done = match this.outcome {
            InDoubt => true,
            AnswerLost => matches!(outcome, Replaced(_)),
            _ => outcome == this.outcome,
        };
        may_be_done && is_sequence(&rest, &after, last)
            || may_do_nothing && is_sequence(&rest, first, last)
    })
}

#[test]
fn the_model_tells_a_sequence_from_a_lost_write() {
    let ended = |actor, op, outcome| Ended { actor, op, begin: 0, end: 3, outcome };
    let named = |text: &str| Some((text.to_owned(), 0));
    let both = [ended(0, Modify(Read, 'x'), Done), ended(1, Put(Read, "b"), Done)];
    let fits = |last: &Content| is_sequence(&both, &named("a"), last);
    assert!(fits(&named("b")) && fits(&named("bx")));
    assert!(!fits(&named("ax")) && !fits(&named("a")) && !fits(&None));
    let deleted = [ended(0, Modify(Read, 'x'), Done), ended(1, Delete, Done)];
    assert!(!is_sequence(&deleted, &named("a"), &named("ax")), "resurrected");
    let doubtful = [ended(0, Modify(Read, 'x'), InDoubt)];
    assert!(is_sequence(&doubtful, &named("a"), &named("a")));
    assert!(is_sequence(&doubtful, &named("a"), &named("ax")));
    assert!(!is_sequence(&doubtful, &named("a"), &named("axx")));
}

/// The table, and what stands there at the start of each order.
struct World {
    bench: Bench,
    start: Option<Item>,
}

impl World {
    async fn new(start: Start) -> Self {
        let bench = Bench::new().await;
        let start = match start {
            Start::Nothing => None,
            Start::Plain => Some(old_item(&note("a"))),
            Start::Bare => Some(Item::from([("patient_id".to_owned(), text("n"))])),
            Start::Sealed => {
                Some(envelope_dynamo::to_item(&note("a"), &local_keys(7)).await.unwrap())
            }
        };
        Self { bench, start }
    }

    async fn reset(&self) {
        match &self.start {
            Some(item) => self.bench.plant(item.clone()).await,
            None => self.bench.delete("n").await,
        }
    }

    fn table(&self, client: &Client, state: PlaintextItems) -> Table<Note> {
        let table = Table::new(client.clone(), local_keys(7)).named(self.bench.table.table.name());
        table.plaintext_items(state)
    }

    async fn perform(&self, op: Op, client: &Client) -> Outcome {
        let table = |state| self.table(client, state);
        let done = |result: Result<(), Error>| result.map_or_else(|error| of(&error), |()| Done);
        match op {
            Put(state, name) => done(table(state).put(&note(name)).send().await),
            Insert(state, name) => done(table(state).put(&note(name)).if_not_exists().send().await),
            Transact(state, name) => {
                let (table, note) = (table(state), note(name));
                match transact_write(client).put(table.put(&note)).send().await {
                    Ok(()) => Done,
                    Err(error) if error.is_in_doubt() => InDoubt,
                    Err(error) => {
                        let [reason] = error.reasons() else { panic!("{error}") };
                        assert!(reason.error().is_condition_failure(), "{error}");
                        Refused
                    }
                }
            }
            Replace(state, name) => {
                match table(state).put(&note(name)).returning_old().send().await {
                    Ok(old) => Replaced(old.map(content)),
                    Err(error) => of(&error),
                }
            }
            Modify(state, letter) => {
                let table = table(state);
                let change = |note: &mut Note| note.text.get_or_insert_default().push(letter);
                match table.update("n").modify(change).send().await {
                    Ok(Some(_)) => Done,
                    Ok(None) => Absent,
                    Err(error) => of(&error),
                }
            }
            See(seen) => {
                done(table(ReadAndWrite).update("n").set(|note| note.seen, seen).send().await)
            }
            Delete => done(table(ReadAndWrite).delete("n").send().await),
            OldPut(name) => {
                let put = client.put_item().table_name(self.bench.table.table.name());
                put.set_item(Some(old_item(&note(name)))).send().await.unwrap();
                Done
            }
        }
    }
}

/// What an error tells. Every other error fails the test.
fn of(error: &Error) -> Outcome {
    use envelope_dynamo::ErrorKind::Write;
    use envelope_dynamo::error::WriteError::{self, ConditionFailed, NoRecord};
    match error.kind() {
        _ if error.is_in_doubt() => InDoubt,
        Write(NoRecord) => Absent,
        Write(ConditionFailed) => Refused,
        Write(WriteError::AnswerLost) => AnswerLost,
        _ => panic!("{error}"),
    }
}

/// What stands under the key at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    Nothing,
    Plain,
    /// The key alone, which is a plain item whose fields are all absent.
    Bare,
    Sealed,
}

/// Tries every order of `programs`, of which each is one actor's. The answer to the first write of
/// the first actor is lost if `loses_reply`. Returns the number of orders.
async fn every_order(start: Start, programs: &[&[Op]], loses_reply: bool) -> usize {
    let world = World::new(start).await;
    let first = match start {
        Start::Nothing => None,
        Start::Bare => Some((String::new(), 0)),
        Start::Plain | Start::Sealed => Some(("a".to_owned(), 0)),
    };
    let mut orders = Orders::default();
    let actors: Vec<_> = programs
        .iter()
        .map(|program| {
            let (gate, faults) = (Gate::default(), Faults::new());
            let client = gate.client(&world.bench.table.servers.dynamodb_through(&faults));
            (*program, gate, faults, client)
        })
        .collect();
    loop {
        world.reset().await;
        let (steps, ended) = (Steps::default(), RefCell::new(Vec::new()));
        let (program, _, faults, _) = &actors[0];
        let operation = operation(program[0]);
        faults.recover(operation);
        if loses_reply {
            faults.fail_next(operation, Fault::LoseReply);
        }
        let running = actors.iter().enumerate().map(|(actor, (program, gate, _, client))| {
            let (world, steps, ended) = (&world, &steps, &ended);
            let work = async move {
                for op in *program {
                    let begin = steps.made();
                    let outcome = world.perform(*op, client).await;
                    let end = steps.made();
                    ended.borrow_mut().push(Ended { actor, op: *op, begin, end, outcome });
                }
            };
            (gate.clone(), Box::pin(work) as explore::Actor<'_>)
        });
        explore::run(running.collect(), &steps, &mut orders).await;
        let repeated = actors.first().filter(|_| loses_reply).map(|(program, ..)| program[0]);
        check(&world, start, &first, &ended.into_inner(), repeated).await;
        if !orders.advance() {
            return orders.count;
        }
        assert!(orders.count < 5_000, "too many orders for a test: {programs:?}");
    }
}

/// `repeated` is the write whose answer was lost. The SDK sends it again, and it may be carried out
/// twice, if its condition allows it.
async fn check(
    world: &World,
    start: Start,
    first: &Content,
    ended: &[Ended],
    repeated: Option<Op>,
) {
    let stored = world.bench.stored("n").await;
    let case = || format!("from {start:?} by {ended:#?} to {stored:?}");
    let read = world.bench.handle::<Note>(Read).get("n").consistent_read().send().await;
    let read = read.unwrap_or_else(|error| panic!("{error} {}", case()));
    let last = read.map(content);
    let mut sequence = is_sequence(ended, first, &last);
    if let Some(op) = repeated
        && !matches!(op, Modify(..) | Transact(..))
        // It names a record that it replaced only if it was carried out once.
        && !ended.iter().any(|it| {
            it.op == op && matches!((op, &it.outcome), (Replace(ReadAndWrite, _), Replaced(Some(_))))
        })
    {
        let twice = ended.iter().find(|ended| ended.actor == 0 && ended.op == op).cloned();
        let twice = twice.map(|ended| match ended.op {
            Replace(..) => Ended { outcome: AnswerLost, ..ended },
            _ => ended,
        });
        let twice: Vec<_> = ended.iter().cloned().chain(twice).collect();
        sequence |= is_sequence(&twice, first, &last);
    }
    assert!(sequence, "no sequence leads to {last:?} {}", case());
    let Some(stored) = &stored else { return };
    let is_sealed = !is_plaintext(stored);
    assert!(!is_sealed || !stored.contains_key("text"), "both {}", case());
    let seals = |ended: &Ended| {
        matches!(ended.op, Put(Read, _) | Insert(Read, _) | Transact(Read, _) | Modify(Read, _))
            && ended.outcome == Done
            || matches!(ended.op, Replace(Read, _))
    };
    let was_sealed = start == Start::Sealed || ended.iter().any(seals);
    if was_sealed && !ended.iter().any(|ended| ended.op == Delete) {
        assert!(is_sealed, "a sealed record became plain {}", case());
    }
    let may_seal = start == Start::Sealed
        || ended.iter().any(|ended| {
            !matches!(
                ended.op,
                Put(ReadAndWrite, _)
                    | Insert(ReadAndWrite, _)
                    | Transact(ReadAndWrite, _)
                    | Modify(ReadAndWrite, _)
                    | Replace(ReadAndWrite, _)
                    | See(_)
                    | Delete
                    | OldPut(_)
            )
        });
    assert!(!is_sealed || may_seal, "nobody seals {}", case());
}

/// The request that writes.
fn operation(op: Op) -> &'static str {
    match op {
        Put(..) | Insert(..) | Replace(..) | OldPut(_) => "PutItem",
        Transact(..) => "TransactWriteItems",
        Modify(..) | See(_) => "UpdateItem",
        Delete => "DeleteItem",
    }
}

/// What one actor does.
const PROGRAMS: [&[Op]; 15] = [
    &[Put(ReadAndWrite, "b")],
    &[Put(Read, "c")],
    &[Insert(ReadAndWrite, "d")],
    &[Insert(Read, "e")],
    &[Transact(ReadAndWrite, "f")],
    &[Transact(Read, "g")],
    &[Replace(ReadAndWrite, "r")],
    &[Replace(Read, "s")],
    &[Modify(ReadAndWrite, 'x')],
    &[Modify(Read, 'y')],
    &[See(1)],
    &[Delete],
    &[Put(ReadAndWrite, "h"), Modify(ReadAndWrite, 'z')],
    &[Delete, Put(ReadAndWrite, "i")],
    &[Modify(Read, 'u'), Delete],
];

async fn pairs(start: Start, firsts: &[&[Op]], others: &[&[Op]], loses_reply: bool) -> usize {
    let mut count = 0;
    for one in firsts {
        for other in others {
            count += every_order(start, &[one, other], loses_reply).await;
        }
    }
    println!("{start:?} {firsts:?}: {count} orders");
    count
}

/// All pairs of programs, with `ORDERS=all`, as where everything is tested. Otherwise those that
/// race for whether the item is sealed, and only from two starts, to save minutes.
async fn all_pairs(start: Start, loses_reply: bool) {
    if std::env::var("ORDERS").is_ok_and(|value| value == "all") {
        let mut count = 0;
        for (at, first) in PROGRAMS.into_iter().enumerate() {
            // The first actor is any other one if no reply is lost.
            let others = if loses_reply { &PROGRAMS[..] } else { &PROGRAMS[at..] };
            count += pairs(start, &[first], others, loses_reply).await;
        }
        assert!(count > 200, "{count}");
        return;
    }
    let plain = [PROGRAMS[0], PROGRAMS[2], PROGRAMS[4], PROGRAMS[6], PROGRAMS[8]];
    let others = [PROGRAMS[1], PROGRAMS[9], PROGRAMS[11], PROGRAMS[14]];
    if matches!(start, Start::Nothing | Start::Bare) {
        let count = pairs(start, &plain, &others, loses_reply).await;
        assert!(count > 20, "{count}");
    }
}

macro_rules! starts {
    ($($name:ident: $start:ident;)*) => {
        mod answered {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                all_pairs(Start::$start, false).await;
            })*
        }

        mod reply_lost {
            use super::*;
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                all_pairs(Start::$start, true).await;
            })*
        }
    };
}

starts! {
    where_nothing_stands: Nothing;
    where_a_plain_item_stands: Plain;
    where_the_key_alone_stands: Bare;
    where_a_sealed_record_stands: Sealed;
}

/// The first step: while nothing seals, the build before this library takes part.
#[tokio::test(start_paused = true)]
async fn an_old_build_and_read_and_write() {
    let programs: [&[Op]; 6] = [
        &[Put(ReadAndWrite, "b")],
        &[Insert(ReadAndWrite, "d")],
        &[Modify(ReadAndWrite, 'x')],
        &[Transact(ReadAndWrite, "f")],
        &[See(1)],
        &[Delete, Put(ReadAndWrite, "i")],
    ];
    for start in [Start::Nothing, Start::Plain, Start::Bare] {
        for loses_reply in [false, true] {
            for program in programs {
                every_order(start, &[program, &[OldPut("o"), OldPut("p")]], loses_reply).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn three_writers() {
    let threes: [[&[Op]; 3]; 4] = [
        [&[Modify(ReadAndWrite, 'x')], &[Modify(Read, 'y')], &[Delete]],
        [&[Put(ReadAndWrite, "b")], &[Put(Read, "c")], &[Modify(ReadAndWrite, 'x')]],
        [&[Transact(ReadAndWrite, "f")], &[Modify(Read, 'y')], &[Delete]],
        [&[Insert(ReadAndWrite, "d")], &[Modify(Read, 'y')], &[Delete]],
    ];
    for start in [Start::Nothing, Start::Bare, Start::Sealed] {
        for programs in threes {
            let count = every_order(start, &programs, false).await;
            println!("{start:?} {programs:?}: {count} orders");
        }
    }
}

//! What may come of operations on one record: the result of some sequence of them. It knows nothing
//! of DynamoDB, keys or this library.

/// The old key or the new one. For a backfill, `Old` is a plain item, and `New` a sealed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Old,
    New,
}

/// An operation of an actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    /// Puts the record with this name, as a writer of this key.
    Put(&'static str, Key),
    /// Appends to the name, as a writer of this key.
    Modify(char, Key),
    /// Sets the count in place.
    Count(u64),
    Delete,
    /// A run of maintenance that brings the record under this key.
    Run(Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// There was no record.
    Absent,
}

/// The rules of the records that are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) has_group: bool,
    /// What is sealed stays sealed, and all of a record is sealed at once.
    pub(super) seals: bool,
}

/// A record, and the keys of its own data key and of its group's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) own: Key,
    pub(super) group: Option<Key>,
}

/// An operation that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) actor: usize,
    pub(super) op: Op,
    /// The steps that all actors had made when it began, and when it ended.
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) outcome: Outcome,
}

impl Ended {
    /// Whether it ended before `other` began.
    fn is_before(&self, other: &Self) -> bool {
        match self.actor == other.actor {
            true => (self.begin, self.end) < (other.begin, other.end),
            false => self.end <= other.begin,
        }
    }
}

/// One operation alone.
fn apply(op: Op, record: &mut Option<Record>, rules: Rules) -> Outcome {
    let Rules { has_group, seals } = rules;
    let is_sealed = seals && record.as_ref().is_some_and(|record| record.own == Key::New);
    match (op, record.as_mut()) {
        (Op::Put(name, own), _) => {
            let own = if is_sealed { Key::New } else { own };
            let (name, group) = (name.to_owned(), has_group.then_some(own));
            *record = Some(Record { name, count: 0, own, group });
            Outcome::Done
        }
        (Op::Delete, _) => {
            *record = None;
            Outcome::Done
        }
        (Op::Modify(letter, own), Some(record)) => {
            record.name.push(letter);
            record.own = if is_sealed { Key::New } else { own };
            if seals {
                record.group = has_group.then_some(record.own);
            } // else its group has not changed, and keeps its key
            Outcome::Done
        }
        (Op::Count(count), Some(record)) => {
            record.count = count;
            Outcome::Done
        }
        (Op::Modify(..) | Op::Count(_), None) => Outcome::Absent,
        (Op::Run(key), Some(record)) => {
            (record.own, record.group) = (key, has_group.then_some(key));
            Outcome::Done
        }
        (Op::Run(_), None) => Outcome::Done,
    }
}

/// Whether some sequence of the operations has these outcomes and ends with `last`. An operation
/// that ended before another one began comes before it.
pub(super) fn is_sequence(
    ended: &[Ended],
    first: &Option<Record>,
    last: &Option<Record>,
    rules: Rules,
) -> bool {
    if ended.is_empty() {
        return first == last;
    }
    (0..ended.len()).any(|at| {
        if ended.iter().any(|other| other.is_before(&ended[at])) {
            return false;
        }
        let mut record = first.clone();
        let outcome = apply(ended[at].op, &mut record, rules);
        let mut rest = ended.to_vec();
        rest.remove(at);
        outcome == ended[at].outcome && is_sequence(&rest, &record, last, rules)
    })
}

#[test]
fn the_model_tells_a_sequence_from_a_lost_write() {
    let record = |name: &str, own, group| {
        Some(Record { name: name.into(), count: 0, own, group: Some(group) })
    };
    let ended = |actor, op, begin, end, outcome| Ended { actor, op, begin, end, outcome };
    let run = ended(0, Op::Run(Key::New), 0, 3, Outcome::Done);
    let put = ended(1, Op::Put("b", Key::Old), 0, 2, Outcome::Done);
    let first = record("a", Key::Old, Key::Old);
    let both = [run.clone(), put.clone()];
    let rules = Rules { has_group: true, seals: false };
    let fits = |last: &Option<Record>| is_sequence(&both, &first, last, rules);
    assert!(fits(&record("b", Key::New, Key::New)) && fits(&record("b", Key::Old, Key::Old)));
    assert!(!fits(&record("a", Key::New, Key::New)), "the put is lost");
    assert!(!fits(&record("b", Key::New, Key::Old)), "half a run");
    assert!(!fits(&None));
    let later = [Ended { begin: 2, ..run }, put];
    assert!(!is_sequence(&later, &first, &record("b", Key::Old, Key::Old), rules));
    let sealing = Rules { seals: true, ..rules };
    assert!(is_sequence(&later, &first, &record("b", Key::New, Key::New), sealing));
    assert!(!is_sequence(&later, &first, &record("b", Key::Old, Key::Old), sealing), "plain again");
    let delete = [ended(1, Op::Delete, 0, 1, Outcome::Done)];
    assert!(!is_sequence(&delete, &first, &first, rules), "resurrected");
}

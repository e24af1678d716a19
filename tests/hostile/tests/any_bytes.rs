//! The fuzz targets without a fuzzer: the committed corpora, and mutations of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use envelope_hostile::TARGETS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

/// The inputs in the corpus of a target, by file name. Panics if there are none.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(target);
    let read = |name: String| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        (name, bytes)
    };
    let corpus: Vec<_> = names_in(&folder).into_iter().map(read).collect();
    assert!(!corpus.is_empty(), "{} is empty", folder.display());
    corpus
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let names: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in(&fuzz().join("fuzz_targets")), names);
    assert_eq!(names_in(&fuzz().join("corpus")), names);
}

#[test]
fn every_input_of_the_corpora_passes() {
    for (name, target) in TARGETS {
        for (file, bytes) in corpus(name) {
            println!("{name}/{file}"); // shown if it panics
            target(&bytes);
        }
    }
}

/// A change of a few bytes.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Truncate(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let (at, few) = (any::<Index>, 1usize..20);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (at(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        (at(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), few.clone()).prop_map(|(at, length)| Change::Remove(at, length)),
        (at(), few, 1usize..200).prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        at().prop_map(Change::Truncate),
    ]
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        let range = |at: Index, count: usize| {
            let at = at.index(length + 1);
            at..(at + count).min(length)
        };
        match self {
            Self::Replace(at, byte) => bytes[range(at, 1)].fill(byte),
            Self::Flip(at, bit) => {
                bytes[range(at, 1)].iter_mut().for_each(|byte| *byte ^= 1 << bit)
            }
            Self::Insert(at, inserted) => drop(bytes.splice(range(at, 0), inserted)),
            Self::Remove(at, count) => drop(bytes.drain(range(at, count))),
            Self::Repeat(at, count, times) => {
                let range = range(at, count);
                let repeated = bytes[range.clone()].repeat(times);
                drop(bytes.splice(range, repeated));
            }
            Self::Truncate(at) => bytes.truncate(range(at, 0).start),
        }
    }
}

/// Arbitrary bytes, a changed input of the corpus, or the head of one input and the tail of
/// another.
fn input(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (select(corpus.clone()), vec(change(), 1..5)).prop_map(|(mut bytes, changes)| {
        changes.into_iter().for_each(|change| change.apply(&mut bytes));
        bytes
    });
    let crossed = (select(corpus.clone()), select(corpus), any::<[Index; 2]>()).prop_map(
        |(head, tail, [end, start])| {
            [&head[..end.index(head.len() + 1)], &tail[start.index(tail.len() + 1)..]].concat()
        },
    );
    prop_oneof![1 => vec(any::<u8>(), 0..200), 6 => changed, 2 => crossed]
}

/// Runs `target` on `cases` inputs.
fn holds(name: &str, cases: u32) {
    let (_, target) = TARGETS.into_iter().find(|(other, _)| *other == name).unwrap();
    let corpus = corpus(name).into_iter().map(|(_, bytes)| bytes).collect();
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&input(corpus), |bytes| {
        target(&bytes);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_bytes_may_be_a_dek() {
    holds("dek", 4_000);
}

#[test]
fn any_bytes_may_be_a_payload() {
    holds("payload", 4_000);
}

#[test]
fn any_bytes_may_be_opened() {
    holds("open", 4_000);
}

#[test]
fn any_bytes_may_be_a_stream() {
    holds("stream", 4_000);
}

#[test]
fn any_bytes_may_be_an_item() {
    holds("item", 1_000);
}

#[test]
fn any_bytes_may_be_the_plaintext_of_a_record() {
    holds("values", 1_000);
}

#[test]
fn any_bytes_may_be_in_the_table_of_branch_keys() {
    holds("branch_keys", 200);
}

#[test]
fn any_bytes_may_be_a_search_tag_or_a_searched_value() {
    holds("search_tag", 2_000);
}

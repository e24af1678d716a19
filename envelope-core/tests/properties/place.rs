//! Contexts of a record, and changes of them.

use std::collections::BTreeMap;

use envelope_core::{Content, Context, ContextForm};
use proptest::collection::btree_map;
use proptest::option;
use proptest::prelude::*;

use crate::value::{Meaning, key_meaning, meaning};

/// Everything that a record is bound to. Two places are equal if a record of one opens at the
/// other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    table: String,
    partition_key: Option<(String, Meaning)>,
    sort_key: Option<(String, Meaning)>,
    authenticated: BTreeMap<String, Option<Meaning>>,
    pairs: BTreeMap<String, String>,
}

pub(crate) fn place() -> impl Strategy<Value = Place> {
    let key = || (".{0,8}", key_meaning());
    let keys = option::of((key(), option::of(key())));
    let authenticated = btree_map(".{0,30}", option::of(meaning()), 0..5);
    let pairs = btree_map("pair-[a-z]{0,4}|[а-я]{1,3}", ".{1,8}", 0..4);
    (".{0,12}", keys, authenticated, pairs).prop_map(|(table, keys, authenticated, pairs)| {
        let (partition_key, sort_key) =
            keys.map_or((None, None), |(partition, sort)| (Some(partition), sort));
        Place { table, partition_key, sort_key, authenticated, pairs }
    })
}

pub(crate) fn form() -> impl Strategy<Value = ContextForm> {
    prop_oneof![Just(ContextForm::Raw), Just(ContextForm::Hashed), Just(ContextForm::Table)]
}

pub(crate) fn content() -> impl Strategy<Value = Content> {
    prop_oneof![Just(Content::Record), Just(Content::Bytes)]
}

/// One change of a place. It may leave some places unchanged.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Table,
    PartitionName,
    Partition(Meaning),
    PartitionTypeOnly,
    SortAdded(Meaning),
    SortRemoved,
    KeysTurned,
    AttributeAdded(String, Option<Meaning>),
    AttributeChanged(usize, Option<Meaning>),
    AttributeRemoved(usize),
    PairAdded,
    PairChanged(usize),
    PairRemoved(usize),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let which = 0usize..4;
    prop_oneof![
        Just(Change::Table),
        Just(Change::PartitionName),
        key_meaning().prop_map(Change::Partition),
        Just(Change::PartitionTypeOnly),
        key_meaning().prop_map(Change::SortAdded),
        Just(Change::SortRemoved),
        Just(Change::KeysTurned),
        (".{0,30}", option::of(meaning()))
            .prop_map(|(name, value)| Change::AttributeAdded(name, value)),
        (which.clone(), option::of(meaning()))
            .prop_map(|(i, value)| Change::AttributeChanged(i, value)),
        which.clone().prop_map(Change::AttributeRemoved),
        Just(Change::PairAdded),
        which.clone().prop_map(Change::PairChanged),
        which.prop_map(Change::PairRemoved),
    ]
}

impl Place {
    /// The context of this place, in the spelling `style`.
    pub(crate) fn context(&self, form: ContextForm, style: u32) -> Context<'static> {
        let mut context = Context::new(self.table.clone()).form(form);
        if let Some((name, value)) = &self.partition_key {
            context = context.partition_key(name.clone(), value.spelled(style));
        }
        if let Some((name, value)) = &self.sort_key {
            context = context.sort_key(name.clone(), value.spelled(style));
        }
        for (name, value) in &self.authenticated {
            let value = value.as_ref().map(|value| value.spelled(style));
            context = context.authenticated(name.clone(), value).unwrap();
        }
        for (name, value) in &self.pairs {
            context = context.pair(name.clone(), value.clone()).unwrap();
        }
        context
    }

    pub(crate) fn changed(mut self, change: Change) -> Self {
        match change {
            Change::Table => self.table.push('x'),
            Change::PartitionName => {
                self.partition_key.iter_mut().for_each(|(name, _)| name.push('x'))
            }
            Change::Partition(value) => {
                self.partition_key.iter_mut().for_each(|(_, old)| *old = value.clone())
            }
            Change::PartitionTypeOnly => {
                self.partition_key.iter_mut().for_each(|(_, value)| *value = retyped(value))
            }
            Change::SortAdded(value) => {
                if self.partition_key.is_some() && self.sort_key.is_none() {
                    self.sort_key = Some(("at".to_owned(), value));
                }
            }
            Change::SortRemoved => self.sort_key = None,
            Change::KeysTurned => {
                if self.sort_key.is_some() {
                    std::mem::swap(&mut self.partition_key, &mut self.sort_key);
                }
            }
            Change::AttributeAdded(name, value) => {
                self.authenticated.entry(name).or_insert(value);
            }
            Change::AttributeChanged(i, value) => {
                self.authenticated
                    .values_mut()
                    .skip(i)
                    .take(1)
                    .for_each(|old| *old = value.clone());
            }
            Change::AttributeRemoved(i) => remove(&mut self.authenticated, i),
            Change::PairAdded => {
                self.pairs.insert("added".to_owned(), "1".to_owned());
            }
            Change::PairChanged(i) => {
                self.pairs.values_mut().skip(i).take(1).for_each(|value| value.push('x'))
            }
            Change::PairRemoved(i) => remove(&mut self.pairs, i),
        }
        self
    }
}

fn remove<V>(map: &mut BTreeMap<String, V>, i: usize) {
    if let Some(name) = map.keys().nth(i).cloned() {
        map.remove(&name);
    }
}

/// The same text or bytes under another type, if there is one.
fn retyped(value: &Meaning) -> Meaning {
    match value {
        Meaning::String(text) => Meaning::Bytes(text.clone().into_bytes()),
        Meaning::Number(number) => Meaning::String(number.spelling(1)),
        other => other.clone(),
    }
}

//! Counts what a run would do with the items that an estimate reads.

use std::collections::HashSet;

use crate::dynamodb::Item;
use crate::item::size::item_bytes;
use crate::maintain::demand::{Demand, float, read_units, write_units};
use crate::maintain::engine::run::Run;
use crate::maintain::engine::step::{KmsCall, Rehearsed, Standing};
use crate::maintain::estimate::Classes;
use crate::maintain::estimate::indexes::Index;

/// The sums of an estimate.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) seen: u64,
    pub(crate) items: f64,
    pub(crate) bytes: f64,
    pub(crate) classes: Classes,
    /// What DynamoDB counted for the reading.
    pub(crate) read_units: f64,
    write_units: f64,
    own_calls: f64,
    /// The calls that records share, each once.
    shared_calls: HashSet<u64>,
    /// Whether the step cannot tell its calls.
    pub(crate) kms_unknown: bool,
}

impl Tally {
    /// Counts an item, whose size is `average` if it was not read as a whole.
    pub(crate) async fn count(
        &mut self,
        run: &Run<'_>,
        indexes: &[Index],
        item: &Item,
        average: Option<u64>,
    ) {
        let bytes = average.unwrap_or_else(|| item_bytes(item) as u64);
        self.seen += 1;
        self.items += 1.0;
        self.bytes += float(bytes);
        let mut rehearsed = match run.step.standing(&run.table, item).await {
            Ok(Standing::Due) => run.step.rehearse(&run.table, item).await,
            Ok(standing) => Ok(Rehearsed::is(standing)),
            Err(error) => Err(error),
        };
        self.class(rehearsed.as_ref().map_or(None, |it| Some(it.standing)));
        let Some(rehearsed) = rehearsed.as_mut().ok().filter(|it| it.standing == Standing::Due)
        else {
            return;
        };
        // An item that was not read as a whole does not show in which indexes it is.
        let of_index = |index: &Index| match average {
            Some(_) => index.most_writes(),
            None => index.writes(item),
        };
        let writes = 1 + indexes.iter().map(of_index).sum::<u64>();
        // DynamoDB counts the larger one of the two (Amazon DynamoDB Developer Guide, "DynamoDB
        // read and write operations").
        let larger = rehearsed.bytes.map_or(bytes, |after| after.max(bytes));
        self.write_units += float(writes * write_units(larger));
        match rehearsed.kms_calls.take() {
            None => self.kms_unknown = true,
            Some(calls) => calls.into_iter().for_each(|call| match call {
                KmsCall::Own => self.own_calls += 1.0,
                KmsCall::Shared(hash) => {
                    self.shared_calls.insert(hash);
                }
            }),
        }
    }

    /// Counts an item that stands so; `None` if it would fail.
    fn class(&mut self, standing: Option<Standing>) {
        let classes = &mut self.classes;
        *match standing {
            Some(Standing::Due) => &mut classes.due,
            Some(Standing::Already) => &mut classes.already,
            Some(Standing::OtherKey) => &mut classes.other_key,
            Some(Standing::NotSealed) => &mut classes.not_sealed,
            Some(Standing::OtherEntity) => classes.other_entity.get_or_insert(0.0),
            None => &mut classes.failed,
        } += 1.0;
    }

    pub(crate) fn has_shared_calls(&self) -> bool {
        !self.shared_calls.is_empty()
    }

    /// By how much the sample must be multiplied to become `items` items.
    pub(crate) fn factor_to(&self, items: u64) -> Option<f64> {
        (items > 0 && self.seen > 0).then(|| float(items) / self.items)
    }

    pub(crate) fn demand(&self, is_whole: bool, factor: f64) -> Demand {
        // The pages of a sample are not those of the run, and each is rounded up.
        let reads = if is_whole { self.read_units } else { read_units(self.bytes * factor) };
        let calls = self.own_calls + float(self.shared_calls.len() as u64);
        Demand {
            read_units: reads,
            write_units: self.write_units * factor,
            kms_calls: calls * factor,
        }
    }
}

impl Classes {
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            due: self.due * factor,
            already: self.already * factor,
            other_key: self.other_key * factor,
            not_sealed: self.not_sealed * factor,
            other_entity: self.other_entity.map(|items| items * factor),
            failed: self.failed * factor,
        }
    }
}

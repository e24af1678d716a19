//! A readable field beside a tag: somebody knows exactly how often each name occurs with each value
//! of that field, and looks for the tag that occurs in the same way.

use std::collections::HashMap;

use crate::population::{Population, Random, counts};

const RECORDS: usize = 20_000;

/// The share of the records whose name is known, if the readable field has `values` values. Of
/// names that occur in the same way, one is guessed.
pub(crate) fn named(population: &Population, values: usize) -> f64 {
    let mut random = Random(1);
    let names = population.sample(RECORDS, &mut random);
    let records: Vec<_> = names.into_iter().map(|name| (name, random.below(values))).collect();
    let mut occurrence: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for ((name, value), count) in counts(records.into_iter()) {
        occurrence.entry(name).or_default().push((value, count));
    }
    let mut alike: HashMap<Vec<(usize, usize)>, usize> = HashMap::new();
    for mut pattern in occurrence.into_values() {
        pattern.sort_unstable();
        *alike.entry(pattern).or_default() += 1;
    }
    // Of the names with one pattern, one guess is right on average: the records of one name.
    let known: usize =
        alike.keys().map(|pattern| pattern.iter().map(|(_, count)| count).sum::<usize>()).sum();
    known as f64 / RECORDS as f64
}

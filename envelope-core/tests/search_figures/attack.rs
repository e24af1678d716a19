//! Somebody reads a table, knows how frequent each value is in the population, and guesses: the
//! most frequent tag is the most frequent value, and so on. A rank attack, so a lower bound of what
//! can be guessed.

use std::array;
use std::collections::{BTreeSet, HashMap};

use envelope_core::search::{Definition, SearchKey, SearchValue, Tagger};

use crate::population::{Population, Random, counts};

pub(crate) const RECORDS: usize = 100_000;
/// One search key and one sample of the population each.
const SEEDS: std::ops::Range<u64> = 1..5;
/// The most tags of one value.
pub(crate) const MAX_PER_VALUE: usize = 5;

/// The first bits of a tag's HMAC.
type Bits = u128;

/// Records, and the whole tags of their values.
pub(crate) struct Sample {
    /// The rank of each record's value in the population.
    values: Vec<usize>,
    tags: HashMap<usize, [Bits; MAX_PER_VALUE]>,
}

impl Sample {
    pub(crate) fn new(values: Vec<usize>, seed: u64) -> Self {
        let taggers: [Tagger; MAX_PER_VALUE] =
            array::from_fn(|n| tagger(seed, "users", &format!("name+{n}")));
        let mut tags = HashMap::new();
        for value in &values {
            tags.entry(*value).or_insert_with(|| array::from_fn(|n| tag(&taggers[n], *value)));
        }
        Self { values, tags }
    }

    pub(crate) fn all(population: &Population) -> Vec<Self> {
        SEEDS.map(|seed| Self::new(population.sample(RECORDS, &mut Random(seed)), seed)).collect()
    }
}

/// What tags of a kind reveal and cost, as means over all seeds.
#[derive(Default)]
pub(crate) struct Figures {
    /// The share of the records whose value is guessed.
    pub(crate) named: f64,
    /// How many of the ten most frequent tags are guessed.
    pub(crate) top_ten: f64,
    /// The share of the pairs of records with one tag that have one value.
    pub(crate) agreeing: f64,
    /// The records that a search opens for each that matches.
    pub(crate) opened: f64,
    /// The records that a search opens for a value that occurs once.
    pub(crate) opened_once: f64,
}

pub(crate) fn tagger(key: u64, table: &str, name: &str) -> Tagger {
    let mut bytes = [0; SearchKey::BYTES];
    bytes[..8].copy_from_slice(&key.to_be_bytes());
    let key = SearchKey::from_slice(&bytes).unwrap();
    key.tagger(&Definition::new(table, name, &[("name", &[])]))
}

/// The HMAC in the tag of a value, which is a number.
pub(crate) fn tag(tagger: &Tagger, value: usize) -> Bits {
    let text = value.to_string();
    let tag = tagger.tag(&[SearchValue::Text(&text)]).unwrap();
    let (_, mac) = tag.as_bytes().split_last_chunk().unwrap();
    Bits::from_be_bytes(*mac)
}

impl Figures {
    /// Tags of `bits`, `per_value` different ones for each value.
    pub(crate) fn of_all(samples: &[Sample], bits: u32, per_value: usize) -> Self {
        let mut mean = Self::default();
        let count = samples.len() as f64;
        for sample in samples {
            let figures = Self::of(sample, bits, per_value);
            mean.named += figures.named / count;
            mean.top_ten += figures.top_ten / count;
            mean.agreeing += figures.agreeing / count;
            mean.opened += figures.opened / count;
            mean.opened_once += figures.opened_once / count;
        }
        mean
    }

    pub(crate) fn of(sample: &Sample, bits: u32, per_value: usize) -> Self {
        let mut random = Random(1);
        let first_bits = |tag: Bits| tag >> (Bits::BITS - bits);
        let tag_of = |value: &usize, n: usize| first_bits(sample.tags[value][n]);
        let records: Vec<(usize, Bits)> = sample
            .values
            .iter()
            .map(|value| (*value, tag_of(value, random.below(per_value))))
            .collect();
        let by_value = counts(records.iter().map(|record| record.0));
        let by_tag = counts(records.iter().map(|record| record.1));
        let by_both = counts(records.iter().copied());

        let guesses = guesses(&by_tag, per_value);
        let named = guesses.iter().filter_map(|(tag, guess)| by_both.get(&(*guess, *tag))).sum();
        let most: HashMap<Bits, (usize, usize)> =
            by_both.iter().fold(HashMap::new(), |mut most, ((value, tag), count)| {
                let entry = most.entry(*tag).or_default();
                *entry = (*entry).max((*count, *value));
                most
            });
        let top_ten = guesses[..10.min(guesses.len())].iter();
        let top_ten = top_ten.filter(|(tag, guess)| most[tag].1 == *guess).count();

        // A search asks for all tags of a value, and opens all records that have one of them.
        let mut listed: HashMap<usize, usize> = HashMap::new();
        for value in by_value.keys() {
            let mut tags: Vec<_> = (0..per_value).map(|n| tag_of(value, n)).collect();
            tags.sort_unstable();
            tags.dedup();
            let listed_under = tags.iter().filter_map(|tag| by_tag.get(tag));
            listed.insert(*value, listed_under.sum());
        }
        let once = by_value.iter().filter(|(_, count)| **count == 1);
        let (found, opened) = by_value.iter().fold((0, 0), |(found, opened), (value, count)| {
            (found + count * count, opened + count * listed[value])
        });
        Self {
            named: share(named, records.len()),
            top_ten: top_ten as f64,
            agreeing: share(pairs(by_both.values()), pairs(by_tag.values())),
            opened: share(opened, found),
            opened_once: share(
                once.clone().map(|(value, _)| listed[value]).sum(),
                once.count().max(1),
            ),
        }
    }
}

/// The tags from the most frequent one on, each with the value that is guessed.
fn guesses(by_tag: &HashMap<Bits, usize>, per_value: usize) -> Vec<(Bits, usize)> {
    let mut ranked: Vec<_> = by_tag.iter().map(|(tag, count)| (*count, *tag)).collect();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let guess = |(rank, (_, tag))| (tag, rank / per_value);
    ranked.into_iter().enumerate().map(guess).collect()
}

fn pairs<'c>(counts: impl Iterator<Item = &'c usize>) -> usize {
    counts.map(|count| count * count.saturating_sub(1)).sum()
}

/// The share of the records that is named on average by somebody who knows exactly how often each
/// value occurs in this table, and nothing else: of values that occur equally often, one. This is
/// the figure `named_at_best` of `envelope leakage`.
pub(crate) fn at_best(sample: &Sample) -> f64 {
    let by_value = counts(sample.values.iter().copied());
    let different: BTreeSet<_> = by_value.into_values().collect();
    share(different.into_iter().sum(), sample.values.len())
}

/// What `envelope leakage` prints of a table of these records.
pub(crate) fn leakage(attribute: &str, sample: &Sample) -> String {
    let mut by_value: Vec<_> = counts(sample.values.iter().copied()).into_values().collect();
    by_value.sort_unstable_by(|one, other| other.cmp(one));
    let once = by_value.iter().filter(|count| **count == 1).count();
    let ten: usize = by_value.iter().take(10).sum();
    format!(
        "{attribute}   records {}   values {}   once {once}   most frequent {most}   ten most \
         frequent {ten}   named at best {:.1} %\n   largest key of an index: {most}, written in 1 s \
         at least\nitems {}\n",
        sample.values.len(),
        by_value.len(),
        100.0 * at_best(sample),
        sample.values.len(),
        most = by_value[0],
    )
}

pub(crate) fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

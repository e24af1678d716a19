//! Records with a surname: the shares of the names are a power law between published figures.

use std::collections::HashMap;

/// Rank and share of 100,000 people.
///
/// The first six are the U.S. Census Bureau's of 2000 ("Frequently Occurring Surnames from the
/// Census 2000"), the last two of 2010. The figures are in the public domain. A power law connects
/// them.
const PUBLISHED: [(u32, f64); 8] = [
    (1, 880.85),
    (2, 688.44),
    (3, 568.66),
    (4, 511.62),
    (5, 505.17),
    (6, 418.07),
    (100, 76.99),
    (1020, 11.61),
];
/// The exponent beyond the last figure. With it, 100,000 people have some 40,000 names.
const TAIL: f64 = 1.05;

/// Names are numbers: 0 is the most frequent one.
pub(crate) struct Population {
    /// The share of each name and of all more frequent ones.
    cumulative: Vec<f64>,
}

impl Population {
    pub(crate) fn of_surnames() -> Self {
        let mut cumulative = Vec::new();
        let mut sum = 0.0;
        let mut add = |share: f64| {
            sum += share / 1e5;
            cumulative.push(sum);
            sum < 1.0
        };
        for pair in PUBLISHED.windows(2) {
            let [(from, share), (to, next)] = [pair[0], pair[1]];
            let exponent = (next / share).ln() / (f64::from(to) / f64::from(from)).ln();
            for rank in from..to {
                add(share * (f64::from(rank) / f64::from(from)).powf(exponent));
            }
        }
        let (last, share) = PUBLISHED[PUBLISHED.len() - 1];
        let mut rank = last;
        while add(share * (f64::from(rank) / f64::from(last)).powf(-TAIL)) {
            rank += 1;
        }
        Self { cumulative }
    }

    /// The names of `count` records.
    pub(crate) fn sample(&self, count: usize, random: &mut Random) -> Vec<usize> {
        let all = self.cumulative[self.cumulative.len() - 1];
        let mut name = || {
            let at = random.fraction() * all;
            self.cumulative.partition_point(|sum| *sum <= at)
        };
        (0..count).map(|_| name()).collect()
    }
}

/// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014):
/// the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// How often each value occurs.
pub(crate) fn counts<T: std::hash::Hash + Eq + Copy>(
    values: impl Iterator<Item = T>,
) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

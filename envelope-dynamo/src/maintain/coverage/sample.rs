//! A random sample of things that come one by one, and whose number is not known.

use std::hash::{BuildHasher, RandomState};

/// A sample in which each of the things seen so far is with the same probability (Vitter,
/// "Random Sampling with a Reservoir", algorithm R).
#[derive(Debug)]
pub(crate) struct Sample<T> {
    size: usize,
    chosen: Vec<T>,
    seen: u64,
    random: u64,
}

impl<T> Sample<T> {
    pub(crate) fn new(size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        // The standard library seeds its hashers from the operating system: who writes the table
        // cannot know which records are chosen.
        let random = RandomState::new().hash_one(0);
        Self { size, chosen: Vec::new(), seen: 0, random }
    }

    /// Offers a thing, which is made only if it is chosen.
    pub(crate) fn offer(&mut self, thing: impl FnOnce() -> T) {
        self.seen += 1;
        if self.chosen.len() < self.size {
            self.chosen.push(thing());
            return;
        }
        let position = self.next() % self.seen;
        if let Some(place) =
            usize::try_from(position).ok().and_then(|position| self.chosen.get_mut(position))
        {
            *place = thing();
        }
    }

    pub(crate) fn into_chosen(self) -> Vec<T> {
        self.chosen
    }

    /// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators").
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use crate::maintain::coverage::sample::Sample;

    #[test]
    fn a_sample_of_more_than_there_is_has_all() {
        let mut sample = Sample::new(10);
        (0..7).for_each(|i| sample.offer(|| i));
        assert_eq!(sample.into_chosen(), (0..7).collect::<Vec<_>>());
    }

    /// 2,000 samples of 50 from 1,000: each tenth of the things is chosen 10,000 times. The
    /// standard deviation is below 100, so a fair sample fails with a probability below 10^-20.
    #[test]
    fn each_part_of_a_table_is_sampled_alike() {
        let mut tenths = [0_u32; 10];
        for _ in 0..2_000 {
            let mut sample = Sample::new(50);
            (0..1_000_usize).for_each(|i| sample.offer(|| i));
            for i in sample.into_chosen() {
                tenths.iter_mut().skip(i / 100).take(1).for_each(|tenth| *tenth += 1);
            }
        }
        assert_eq!(tenths.iter().sum::<u32>(), 100_000);
        assert!(tenths.iter().all(|tenth| (9_000..11_000).contains(tenth)), "{tenths:?}");
    }
}

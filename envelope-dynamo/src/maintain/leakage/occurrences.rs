//! How often each value of a search tag occurs: counted exactly, in memory that can be said.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};

use envelope_core::search::Tag;

/// The maps, each of which grows alone: growing needs the memory of one of them twice, and not of
/// all values.
const SHARDS: usize = 64;
const SHARD_SHIFT: u32 = u64::BITS - SHARDS.trailing_zeros();

/// How often each value occurs.
///
/// A value is remembered by a hash of its tag under a random key, and not by its tag. Two of 100
/// million values have one hash with a probability of 1 to 3,700.
///
/// A value takes 19 to 39 bytes: a bucket of a `HashMap<u64, u32>` has 17, and 44 to 88 percent of
/// the buckets are used.
#[derive(Default)]
pub(crate) struct Occurrences {
    hasher: RandomState,
    /// The counts by hash, in the shard of the first bits of the hash.
    shards: Vec<HashMap<u64, u32>>,
}

impl Occurrences {
    /// Counts a tag. Returns whether it is the first of its value.
    pub(crate) fn add(&mut self, tag: &Tag) -> bool {
        let hash = self.hasher.hash_one(tag.as_bytes());
        let shard = usize::try_from(hash >> SHARD_SHIFT).unwrap_or_default();
        if self.shards.len() <= shard {
            self.shards.resize_with(SHARDS, HashMap::new);
        }
        let Some(shard) = self.shards.get_mut(shard) else { return false };
        match shard.entry(hash) {
            Entry::Vacant(entry) => {
                entry.insert(1);
                true
            }
            Entry::Occupied(mut entry) => {
                *entry.get_mut() = entry.get().saturating_add(1);
                false
            }
        }
    }

    /// How many records each value has.
    pub(crate) fn counts(&self) -> impl Iterator<Item = u64> {
        self.shards.iter().flat_map(HashMap::values).map(|count| u64::from(*count))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use envelope_core::search::Tag;

    use crate::maintain::leakage::occurrences::Occurrences;

    fn tag(number: u32) -> Tag {
        let mut bytes = [1; 21];
        bytes[17..].copy_from_slice(&number.to_be_bytes());
        Tag::parse(&bytes).unwrap()
    }

    #[test]
    fn every_value_is_counted_and_is_new_once() {
        let mut occurrences = Occurrences::default();
        let new = (0..3_000).filter(|number| occurrences.add(&tag(number % 1_000))).count();
        assert_eq!(new, 1_000);
        assert_eq!(occurrences.counts().count(), 1_000);
        assert!(occurrences.counts().all(|count| count == 3));
    }

    /// Tags that somebody chose to look alike are spread all the same.
    #[test]
    fn no_shard_has_much_more_than_its_share() {
        let mut occurrences = Occurrences::default();
        for number in 0..64_000 {
            occurrences.add(&tag(number));
        }
        assert_eq!(occurrences.shards.len(), 64);
        let largest = occurrences.shards.iter().map(|shard| shard.len()).max().unwrap();
        // 1,000 on average, with a standard deviation of 32.
        assert!(largest < 1_300, "{largest}");
    }
}

//! Parts of a table, and the segments that a part scans.

use std::fmt;
use std::str::FromStr;

/// The most parts: four segments each stay below DynamoDB's limit of 1,000,000 segments (Amazon
/// DynamoDB API Reference, "Scan", `TotalSegments`).
const MAX_PARTS: u32 = 131_072;

/// How many segments of a part are scanned at a time.
pub(crate) const SEGMENTS_AT_ONCE: u32 = 4;

/// A segment of a table that is scanned alone has about this many bytes.
const SEGMENT_BYTES: u64 = 1 << 30;

/// The most segments of a table that is scanned alone.
const MAX_SEGMENTS: u32 = 1 << 12;

/// One of several equal parts of a table, such as the part 17 of 256: the work of one process.
///
/// Parts are counted from 0, as Kubernetes and AWS Batch count the indexes of their jobs. Every
/// part of one run must have the same count.
///
/// ```
/// use envelope_dynamo::maintain::Part;
///
/// assert_eq!("17/256".parse(), Part::of(17, 256));
/// assert!(Part::of(256, 256).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    index: u32,
    count: u32,
}

impl Part {
    /// The whole table.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The part `index` of `count`.
    ///
    /// # Errors
    ///
    /// If `index` is not below `count`, or if `count` is above 131,072.
    pub const fn of(index: u32, count: u32) -> Result<Self, PartError> {
        if index < count && count <= MAX_PARTS {
            Ok(Self { index, count })
        } else {
            Err(PartError(()))
        }
    }

    /// The number of parts.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Whether this is the whole table.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// The number of segments into which the whole run divides the table.
    ///
    /// Every part must find the same number, so only a run of one part looks at the table's size.
    pub(crate) fn total_segments(self, table_bytes: u64) -> u32 {
        let least = (self.count * SEGMENTS_AT_ONCE).next_power_of_two();
        if !self.is_whole() {
            return least;
        }
        let by_size = u32::try_from(table_bytes / SEGMENT_BYTES).unwrap_or(u32::MAX);
        by_size.min(MAX_SEGMENTS).next_power_of_two().max(least)
    }

    /// The segments of this part, of `total`, a power of two.
    ///
    /// Engines start parts in the order of their indexes, and neighbouring segments are taken to
    /// be neighbouring ranges of keys. In the bit-reversed order, the parts that run at the same
    /// time are far from each other, on different partitions.
    pub(crate) fn segments(self, total: u32) -> impl Iterator<Item = u32> {
        let (index, count, of) = (u64::from(self.index), u64::from(self.count), u64::from(total));
        let position = move |index: u64| u32::try_from(index * of / count).unwrap_or(total);
        let bits = total.trailing_zeros();
        let reversed = move |position: u32| match bits {
            0 => position,
            bits => position.reverse_bits() >> (u32::BITS - bits),
        };
        (position(index)..position(index + 1)).map(reversed)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Part {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        let (index, count) = text.split_once('/').ok_or(PartError(()))?;
        let number = |text: &str| text.parse().map_err(|_| PartError(()));
        Self::of(number(index)?, number(count)?)
    }
}

/// There is no such part.
///
/// ```
/// use envelope_dynamo::maintain::{Part, PartError};
///
/// // From the environment of a job.
/// let error: PartError = "256/256".parse::<Part>().unwrap_err();
/// assert!(error.to_string().contains("0/256 to 255/256"), "the first part is 0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartError(());

impl fmt::Display for PartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a part is its index, counted from 0, and the number of parts, at most {MAX_PARTS}: \
             0/256 to 255/256"
        )
    }
}

impl std::error::Error for PartError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use crate::maintain::engine::part::{MAX_PARTS, Part};

    #[test]
    fn the_parts_of_a_run_have_each_segment_once() {
        for count in [1, 2, 3, 4, 7, 64, 100, 256] {
            let total = Part::of(0, count).unwrap().total_segments(0);
            let mut all: Vec<_> = (0..count)
                .flat_map(|index| Part::of(index, count).unwrap().segments(total))
                .collect();
            assert!(all.len() >= 4 * count as usize, "{count} parts have {} segments", all.len());
            all.sort_unstable();
            assert_eq!(all, (0..total).collect::<Vec<_>>(), "{count} parts");
        }
    }

    /// 16 parts of 256 that start together work on 64 segments, none beside another.
    #[test]
    fn parts_that_start_together_are_far_from_each_other() {
        let total = Part::of(0, 256).unwrap().total_segments(0);
        let first: BTreeSet<_> =
            (0..16).flat_map(|index| Part::of(index, 256).unwrap().segments(total)).collect();
        let gaps = first.iter().zip(first.iter().skip(1)).map(|(a, b)| b - a);
        assert_eq!((first.len(), gaps.min()), (64, Some(16)));
    }

    #[test]
    fn only_a_run_of_one_part_looks_at_the_size_of_the_table() {
        let gib = 1 << 30;
        assert_eq!(Part::WHOLE.total_segments(0), 4);
        assert_eq!(Part::WHOLE.total_segments(662 * gib), 1024);
        assert_eq!(Part::WHOLE.total_segments(u64::MAX), 4096);
        assert_eq!(Part::of(3, 64).unwrap().total_segments(662 * gib), 256);
    }

    #[test]
    fn a_part_that_does_not_exist_is_refused() {
        for text in ["", "1", "1/1", "9/8", "-1/4", "0/0", "a/b", "0/131073", "1/2/3"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
        assert_eq!("0/131072".parse(), Part::of(0, MAX_PARTS));
        assert_eq!(Part::of(17, 256).unwrap().to_string(), "17/256");
    }
}

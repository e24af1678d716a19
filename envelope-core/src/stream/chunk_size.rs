//! How many bytes of an object are sealed, and held in memory, at a time.

/// Bytes of plaintext in each chunk of a stream except the last: a power of two from 1 KiB to 1
/// MiB.
///
/// Every chunk adds a tag of 16 bytes. The writer and each reader hold one chunk in memory. The
/// default of 64 KiB adds 0.02 percent.
///
/// ```
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::ChunkSize;
///
/// assert_eq!(ChunkSize::default().bytes(), 65_536);
/// assert_eq!(ChunkSize::new(1 << 20), Some(ChunkSize::MAX));
/// assert_eq!(ChunkSize::new(1000), None, "not a power of two");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkSize(u8);

impl ChunkSize {
    /// 1 KiB.
    pub const MIN: Self = Self(10);
    /// 1 MiB.
    pub const MAX: Self = Self(20);

    /// Chunks of `bytes`, if `bytes` is a power of two from 1,024 to 1,048,576.
    #[must_use]
    pub const fn new(bytes: usize) -> Option<Self> {
        if !bytes.is_power_of_two() {
            return None;
        }
        let [exponent, ..] = bytes.trailing_zeros().to_le_bytes();
        Self::from_byte(exponent)
    }

    /// Bytes of plaintext in a chunk.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.0
    }

    /// The byte for the chunk size in the header of a stream: the exponent (FORMAT 12.2).
    pub(super) const fn to_byte(self) -> u8 {
        self.0
    }

    pub(super) const fn from_byte(exponent: u8) -> Option<Self> {
        if exponent >= Self::MIN.0 && exponent <= Self::MAX.0 { Some(Self(exponent)) } else { None }
    }
}

impl Default for ChunkSize {
    /// 64 KiB.
    fn default() -> Self {
        Self(16)
    }
}

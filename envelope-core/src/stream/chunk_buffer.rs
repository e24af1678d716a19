//! The buffer of a stream: a chunk is filled, sealed or opened in place, and then taken.

use std::ops::Range;

use crate::aead::TAG_BYTES;
use crate::secret::SecretBuffer;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::key::End;

/// One chunk, and the first byte of the next chunk.
///
/// Whether a chunk is the last one is part of its nonce, so a chunk is transformed only when it is
/// known whether a byte follows. The buffer is filled until it has one byte more than a chunk. The
/// chunk is then transformed in place and becomes the output. After that, the extra byte moves to
/// the front. Wiped on drop.
pub(super) struct ChunkBuffer {
    buffer: SecretBuffer,
    /// Bytes of a full chunk before it is transformed.
    whole: usize,
    /// Bytes that were filled in.
    filled: usize,
    /// The output to take. While there is any, nothing can be filled in.
    output: Range<usize>,
    /// Where the first byte of the next chunk is stored while this chunk is taken.
    next: usize,
    ended: bool,
}

impl ChunkBuffer {
    /// A buffer for chunks of `whole` bytes before the transformation. `first` is output before any
    /// chunk.
    pub(super) fn new(chunk_size: ChunkSize, whole: usize, first: &[u8]) -> Self {
        let next = chunk_size.bytes() + TAG_BYTES;
        let mut buffer = SecretBuffer::from(vec![0; first.len().max(next + 1)]);
        if let Some(room) = buffer.as_mut_slice().get_mut(..first.len()) {
            room.copy_from_slice(first);
        }
        Self { buffer, whole, filled: 0, output: 0..first.len(), next, ended: false }
    }

    /// The space to fill in; empty while there is output.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.ended || !self.output.is_empty() {
            return &mut [];
        }
        self.buffer.as_mut_slice().get_mut(self.filled..=self.whole).unwrap_or_default()
    }

    /// Copies as much of `bytes` as fits into the space. The caller calls [`filled`](Self::filled)
    /// next.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let n = space.len().min(bytes.len());
        if let (Some(to), Some(from)) = (space.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        n
    }

    /// Accepts `n` bytes of the space. Returns true if the chunk is full and a byte follows.
    ///
    /// # Panics
    ///
    /// If the space is shorter.
    pub(super) fn filled(&mut self, n: usize) -> bool {
        assert!(n <= self.space().len(), "more bytes were filled in than the space has");
        self.filled += n;
        self.filled > self.whole
    }

    /// The chunk to transform in place, and the room for a tag behind it.
    pub(super) fn chunk(&mut self) -> (&mut [u8], &mut [u8]) {
        let (whole, next, filled) = (self.whole, self.next, self.filled);
        let buffer = self.buffer.as_mut_slice();
        if filled > whole {
            buffer.copy_within(whole..=whole, next);
        }
        let (chunk, behind) = buffer.split_at_mut(filled.min(whole));
        let room = TAG_BYTES.min(behind.len());
        (chunk, behind.split_at_mut(room).0)
    }

    /// Makes the first `n` bytes of the transformed chunk the output.
    pub(super) const fn emit(&mut self, n: usize, end: End) {
        self.output = 0..n;
        match end {
            End::More => self.filled = 1,
            End::Last => (self.filled, self.ended) = (0, true),
        }
    }

    /// Whether the last chunk was transformed.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The output to take.
    pub(super) fn output(&self) -> &[u8] {
        self.buffer.as_slice().get(self.output.clone()).unwrap_or_default()
    }

    /// Takes `n` bytes of the output.
    ///
    /// # Panics
    ///
    /// If the output is shorter.
    pub(super) fn consume(&mut self, n: usize) {
        assert!(n <= self.output.len(), "more bytes were taken than the output has");
        self.output.start += n;
        if n > 0 && self.output.is_empty() && self.filled == 1 {
            self.buffer.as_mut_slice().copy_within(self.next..=self.next, 0);
        }
    }

    /// Wipes everything. Afterwards there is neither space nor output.
    pub(super) fn clear(&mut self) {
        self.buffer.truncate(0);
        (self.output, self.filled, self.whole) = (0..0, 0, 0);
    }
}

//! The one buffer of a stream: a chunk being filled, then the same chunk, sealed or opened in
//! place, being taken.

use std::ops::Range;

use crate::aead::TAG_BYTES;
use crate::secret::SecretBuffer;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::key::End;

/// A chunk, and the first byte of the next: only a chunk that is followed by something is not the
/// last.
///
/// Bytes come in until there is one too many for the chunk; the chunk is transformed in place and
/// goes out; the one byte moves to the front. Wiped on drop.
pub(super) struct ChunkBuffer {
    buffer: SecretBuffer,
    /// Bytes of a whole chunk as it comes in.
    whole: usize,
    /// Bytes that have come in.
    filled: usize,
    /// What goes out; while there is any of it, nothing comes in.
    output: Range<usize>,
    /// Where the first byte of the next chunk waits while this one goes out.
    next: usize,
    ended: bool,
}

impl ChunkBuffer {
    /// Room for chunks that come in `whole` bytes at a time; `first` goes out before any.
    pub(super) fn new(chunk_size: ChunkSize, whole: usize, first: &[u8]) -> Self {
        let next = chunk_size.bytes() + TAG_BYTES;
        let mut buffer = SecretBuffer::from(vec![0; first.len().max(next + 1)]);
        if let Some(room) = buffer.as_mut_slice().get_mut(..first.len()) {
            room.copy_from_slice(first);
        }
        Self { buffer, whole, filled: 0, output: 0..first.len(), next, ended: false }
    }

    /// Where bytes come in; empty while something waits to go out.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if self.ended || !self.output.is_empty() {
            return &mut [];
        }
        self.buffer.as_mut_slice().get_mut(self.filled..=self.whole).unwrap_or_default()
    }

    /// Copies in as much of `bytes` as there is space for; [`filled`](Self::filled) is still to be
    /// told.
    pub(super) fn push(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let n = space.len().min(bytes.len());
        if let (Some(to), Some(from)) = (space.get_mut(..n), bytes.get(..n)) {
            to.copy_from_slice(from);
        }
        n
    }

    /// Takes note of `n` bytes in the space; says whether the chunk is whole and followed by
    /// another.
    ///
    /// # Panics
    ///
    /// When the space is shorter.
    pub(super) fn filled(&mut self, n: usize) -> bool {
        assert!(n <= self.space().len(), "more bytes than there was space for");
        self.filled += n;
        self.filled > self.whole
    }

    /// The chunk as it came in, to be transformed in place, with room for a tag behind it.
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

    /// Lets the first `n` bytes of the transformed chunk go out.
    pub(super) const fn emit(&mut self, n: usize, end: End) {
        self.output = 0..n;
        match end {
            End::More => self.filled = 1,
            End::Last => (self.filled, self.ended) = (0, true),
        }
    }

    /// Whether the last chunk has been transformed.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// What waits to go out.
    pub(super) fn output(&self) -> &[u8] {
        self.buffer.as_slice().get(self.output.clone()).unwrap_or_default()
    }

    /// Takes `n` bytes of the output.
    ///
    /// # Panics
    ///
    /// When the output is shorter.
    pub(super) fn consume(&mut self, n: usize) {
        assert!(n <= self.output.len(), "more bytes than there were");
        self.output.start += n;
        if n > 0 && self.output.is_empty() && self.filled == 1 {
            self.buffer.as_mut_slice().copy_within(self.next..=self.next, 0);
        }
    }

    /// Forgets and wipes everything; nothing comes in or goes out any more.
    pub(super) fn clear(&mut self) {
        self.buffer.truncate(0);
        (self.output, self.filled, self.whole) = (0..0, 0, 0);
    }
}

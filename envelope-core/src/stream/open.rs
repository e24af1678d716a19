//! Opening a stream, without I/O.

use std::fmt;

use crate::aead::{TAG_BYTES, Unauthentic};
use crate::error::OpenError;
use crate::stream::chunk_buffer::ChunkBuffer;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind};
use crate::stream::key::{ChunkKey, End};

/// Opens an object of any size, chunk by chunk, and does no I/O: what follows the header is written
/// into [`space`](Self::space), and plaintext is taken from [`output`](Self::output).
///
/// It holds one chunk, whatever the size of the object, and comes from
/// [`UntrustedStreamHeader::open`](crate::UntrustedStreamHeader::open).
/// [`OpenReader`](crate::OpenReader) drives it for you.
///
/// # Security
///
/// What it puts out is authentic and in its place, but whether it is the *whole* is known only when
/// [`finish`](Self::finish) has succeeded. Do not act on plaintext before that: somebody may have
/// cut the object short.
pub struct StreamOpener {
    key: ChunkKey,
    buffer: ChunkBuffer,
    chunk_size: ChunkSize,
    failed: bool,
    released: u64,
}

impl StreamOpener {
    pub(super) fn new(key: ChunkKey, chunk_size: ChunkSize) -> Self {
        let buffer = ChunkBuffer::new(chunk_size, chunk_size.bytes() + TAG_BYTES, &[]);
        Self { key, buffer, chunk_size, failed: false, released: 0 }
    }

    /// Where sealed bytes may be written; empty while there is [`output`](Self::output) to take,
    /// after the end, and after an error.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Says that `n` sealed bytes have been written into the [`space`](Self::space).
    ///
    /// # Errors
    ///
    /// [`OpenError::Authentication`] when a chunk is not what was sealed in its place, now and from
    /// then on.
    ///
    /// # Panics
    ///
    /// When the space is shorter than `n`.
    pub fn filled(&mut self, n: usize) -> Result<(), OpenStreamError> {
        if self.failed {
            return Err(self.error());
        }
        if self.buffer.filled(n) { self.open(End::More) } else { Ok(()) }
    }

    /// Copies in as much of `sealed` as there is space for, and says how much: 0 while there is
    /// output to take.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    pub fn push(&mut self, sealed: &[u8]) -> Result<usize, OpenStreamError> {
        let n = self.buffer.push(sealed);
        self.filled(n)?;
        Ok(n)
    }

    /// Says that no sealed bytes follow, and opens the last chunk. Once more, it does nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError::Authentication`] when the stream does not end here: it was cut short, or
    /// changed.
    ///
    /// # Panics
    ///
    /// While there is [`output`](Self::output) to take.
    pub fn finish(&mut self) -> Result<(), OpenStreamError> {
        if self.failed {
            return Err(self.error());
        }
        if self.buffer.has_ended() {
            return Ok(());
        }
        assert!(self.output().is_empty(), "the output of a stream is taken before it is finished");
        self.open(End::Last)
    }

    /// Plaintext that is authentic; not the whole before [`is_finished`](Self::is_finished) says
    /// so.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.buffer.output()
    }

    /// Takes the first `n` bytes of the [`output`](Self::output).
    ///
    /// # Panics
    ///
    /// When the output is shorter.
    pub fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
        self.released += n as u64;
    }

    /// Whether the end was [found](Self::finish), authentic, and all of the output taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.buffer.has_ended() && self.output().is_empty()
    }

    /// Bytes of plaintext that were taken so far.
    #[must_use]
    pub const fn released_bytes(&self) -> u64 {
        self.released
    }

    fn open(&mut self, end: End) -> Result<(), OpenStreamError> {
        match self.open_chunk(end) {
            Ok(bytes) => {
                self.buffer.emit(bytes, end);
                Ok(())
            }
            Err(Unauthentic) => {
                self.failed = true;
                self.buffer.clear();
                Err(self.error())
            }
        }
    }

    fn open_chunk(&mut self, end: End) -> Result<usize, Unauthentic> {
        let first = self.key.next() == 0;
        let (chunk, _) = self.buffer.chunk();
        let (message, tag) = chunk.split_last_chunk_mut().ok_or(Unauthentic)?;
        // Only an empty object has an empty chunk, so that an object has one encoding (FORMAT
        // 12.3).
        if message.is_empty() && !first {
            return Err(Unauthentic);
        }
        self.key.open(end, message, tag)?;
        Ok(message.len())
    }

    /// The one answer after a key has been used: what failed would help only an attacker.
    const fn error(&self) -> OpenStreamError {
        OpenStreamError::after(OpenStreamErrorKind::Open(OpenError::Authentication), self.released)
    }

    #[cfg(test)]
    pub(super) const fn skip_to(&mut self, chunk: u64) {
        self.key.skip_to(chunk);
    }
}

impl fmt::Debug for StreamOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamOpener({} chunks of {} bytes)", self.key.next(), self.chunk_size.bytes())
    }
}

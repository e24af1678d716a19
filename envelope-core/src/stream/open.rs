//! Opening a stream, without I/O.

use std::fmt;

use crate::aead::{TAG_BYTES, Unauthentic};
use crate::error::OpenError;
use crate::stream::chunk_buffer::ChunkBuffer;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind};
use crate::stream::key::{ChunkKey, End};

/// Opens an object of any size, chunk by chunk, without doing I/O.
///
/// The caller writes the bytes behind the header into [`space`](Self::space), and takes plaintext
/// from [`output`](Self::output). The opener holds one chunk in memory.
/// [`UntrustedStreamHeader::open`](crate::UntrustedStreamHeader::open) returns it, and
/// [`OpenReader`](crate::OpenReader) uses it for `std::io` and tokio.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::io::Read;
/// # use envelope_core::{Context, SealReader, StreamSealer};
/// # use envelope_core::testing::TestKeyProvider;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::UntrustedStreamHeader;
///
/// # let provider = TestKeyProvider::default();
/// # let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
/// # let sealer = StreamSealer::new(&context, &provider).await?;
/// # let mut sealed = Vec::new();
/// # SealReader::new(sealer, &[7; 200_000][..]).read_to_end(&mut sealed)?;
/// let (mut sealed, mut plaintext) = (&sealed[..], Vec::new());
/// let header = UntrustedStreamHeader::read(&mut sealed)?;
/// let mut opener = header.open(&context, &provider).await?;
/// while !opener.is_finished() {
///     plaintext.extend_from_slice(opener.output());
///     opener.consume(opener.output().len());
///     match opener.push(sealed)? {
///         0 => opener.finish()?,
///         taken => sealed = &sealed[taken..],
///     }
/// }
/// assert_eq!(plaintext, [7; 200_000]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// The output is authentic and in the right order, but whether it is *complete* is known only when
/// [`finish`](Self::finish) has succeeded. Do not act on plaintext before that: somebody may have
/// truncated the stream.
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

    /// The buffer to write sealed bytes into. It is empty while there is [`output`](Self::output)
    /// to take, after the end, and after an error.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Accepts the first `n` bytes of the [`space`](Self::space), which the caller has written.
    ///
    /// # Errors
    ///
    /// [`OpenError::Authentication`] if a chunk is not the one that was sealed at this position.
    /// The opener then returns this error for ever.
    ///
    /// # Panics
    ///
    /// If the space is shorter than `n`.
    pub fn filled(&mut self, n: usize) -> Result<(), OpenStreamError> {
        if self.failed {
            return Err(self.error());
        }
        if self.buffer.filled(n) { self.open(End::More) } else { Ok(()) }
    }

    /// Copies as much of `sealed` as fits into the space, and returns how many bytes: 0 while there
    /// is output to take.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    pub fn push(&mut self, sealed: &[u8]) -> Result<usize, OpenStreamError> {
        let n = self.buffer.push(sealed);
        self.filled(n)?;
        Ok(n)
    }

    /// Opens the last chunk. Call it when no sealed bytes follow; a second call does nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError::Authentication`] if the stream does not end here: it was truncated or changed.
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
        assert!(self.output().is_empty(), "take the output of the stream before finishing it");
        self.open(End::Last)
    }

    /// Authentic plaintext to take. It is incomplete until [`is_finished`](Self::is_finished).
    #[must_use]
    pub fn output(&self) -> &[u8] {
        self.buffer.output()
    }

    /// Takes the first `n` bytes of the [`output`](Self::output).
    ///
    /// # Panics
    ///
    /// If the output is shorter.
    pub fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
        self.released += n as u64;
    }

    /// Whether the end was [reached](Self::finish) and is authentic, and all output was taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.buffer.has_ended() && self.output().is_empty()
    }

    /// How many bytes of plaintext were taken so far.
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
        // Only an empty object has an empty chunk. So every object has one encoding (FORMAT 12.3).
        if message.is_empty() && !first {
            return Err(Unauthentic);
        }
        self.key.open(end, message, tag)?;
        Ok(message.len())
    }

    /// The one error after a key was used: which check failed would help only an attacker.
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

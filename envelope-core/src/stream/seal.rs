//! Sealing a stream, without I/O.

use std::fmt;

use crate::aead::TAG_BYTES;
use crate::context::Context;
use crate::dek::EncryptedDek;
use crate::error::SealError;
use crate::payload::SALT_BYTES;
use crate::provider::WrapKey;
use crate::random;
use crate::sealed::generate;
use crate::secret::DataKey;
use crate::stream::chunk_buffer::ChunkBuffer;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::header::{self, SUITE, VERSION};
use crate::stream::key::{ChunkKey, End};

/// Seals an object of any size, chunk by chunk, without doing I/O.
///
/// The caller writes plaintext into [`space`](Self::space), and takes sealed bytes from
/// [`output`](Self::output). The sealer holds one chunk in memory.
/// [`SealWriter`](crate::SealWriter) and [`SealReader`](crate::SealReader) use it for `std::io` and
/// tokio.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{Context, LocalKeyProvider, RootKey};
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::StreamSealer;
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
/// let mut sealer = StreamSealer::new(&context, &provider).await?;
/// let (mut plaintext, mut sealed) = (&[7; 200_000][..], Vec::new());
/// let expected = sealer.sealed_len(plaintext.len() as u64);
/// while !sealer.is_finished() {
///     sealed.extend_from_slice(sealer.output());
///     sealer.consume(sealer.output().len());
///     match sealer.push(plaintext)? {
///         0 => sealer.finish()?,
///         taken => plaintext = &plaintext[taken..],
///     }
/// }
/// assert_eq!(Some(sealed.len() as u64), expected, "a header, 200,000 bytes, 4 tags");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// A stream that was not [finished](Self::finish) does not open: to readers it is truncated.
/// Nothing finishes it implicitly, such as a drop, because then half an object could pass for a
/// complete one.
pub struct StreamSealer {
    key: ChunkKey,
    buffer: ChunkBuffer,
    /// Shared with the provider, which may limit how many bytes are sealed under the key.
    data_key: DataKey,
    chunk_size: ChunkSize,
    header_bytes: usize,
}

impl StreamSealer {
    /// A stream bound to `context`, under a new data key of `provider`, in chunks of 64 KiB. The
    /// header is its first output.
    ///
    /// # Errors
    ///
    /// If the provider returns no data key, or the operating system no random bytes.
    pub async fn new(
        context: &Context<'_>,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Self, SealError> {
        Self::with_chunk_size(ChunkSize::default(), context, provider).await
    }

    /// As [`new`](Self::new), with chunks of another size.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub async fn with_chunk_size(
        chunk_size: ChunkSize,
        context: &Context<'_>,
        provider: &(impl WrapKey + ?Sized),
    ) -> Result<Self, SealError> {
        let (data_key, dek) = generate(context, provider).await?;
        let mut salt = [0; SALT_BYTES];
        random::fill(&mut salt)?;
        Ok(Self::with_salt(chunk_size, context, data_key, &dek, &salt))
    }

    /// FORMAT 12.4. A salt is used once: it is random, or comes from a test vector.
    pub(crate) fn with_salt(
        chunk_size: ChunkSize,
        context: &Context<'_>,
        data_key: DataKey,
        dek: &EncryptedDek,
        salt: &[u8; SALT_BYTES],
    ) -> Self {
        let key = ChunkKey::new(
            &data_key,
            salt,
            chunk_size,
            context.stream_associated_data(VERSION, SUITE),
        );
        let header = header::encode(chunk_size, salt, key.commitment(), dek);
        let buffer = ChunkBuffer::new(chunk_size, chunk_size.bytes(), &header);
        Self { key, buffer, data_key, chunk_size, header_bytes: header.len() }
    }

    /// The buffer to write plaintext into. It is empty while there is [`output`](Self::output) to
    /// take, and after the end.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Accepts the first `n` bytes of the [`space`](Self::space), which the caller has written.
    ///
    /// # Errors
    ///
    /// [`SealError::TooManyChunks`] if the stream is too long.
    ///
    /// # Panics
    ///
    /// If the space is shorter than `n`.
    pub fn filled(&mut self, n: usize) -> Result<(), SealError> {
        if self.buffer.filled(n) { self.seal(End::More) } else { Ok(()) }
    }

    /// Copies as much of `plaintext` as fits into the space, and returns how many bytes: 0 while
    /// there is output to take.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    pub fn push(&mut self, plaintext: &[u8]) -> Result<usize, SealError> {
        let n = self.buffer.push(plaintext);
        self.filled(n)?;
        Ok(n)
    }

    /// Seals the last chunk. Call it when the plaintext is complete; a second call does nothing.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    ///
    /// # Panics
    ///
    /// While there is [`output`](Self::output) to take.
    pub fn finish(&mut self) -> Result<(), SealError> {
        if self.buffer.has_ended() {
            return Ok(());
        }
        assert!(self.output().is_empty(), "take the output of the stream before finishing it");
        self.seal(End::Last)
    }

    /// Sealed bytes to take, the header first.
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
    }

    /// Whether the stream was [finished](Self::finish) and all output was taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.buffer.has_ended() && self.output().is_empty()
    }

    /// The length of the sealed stream of an object of `plaintext_bytes`, header and tags included:
    /// for the `Content-Length` of an upload. `None` if the object is too long for the chunk size.
    #[must_use]
    pub fn sealed_len(&self, plaintext_bytes: u64) -> Option<u64> {
        let chunks = plaintext_bytes.div_ceil(self.chunk_size.bytes() as u64).max(1);
        (chunks <= 1 << 32)
            .then(|| self.header_bytes as u64 + plaintext_bytes + chunks * TAG_BYTES as u64)
    }

    fn seal(&mut self, end: End) -> Result<(), SealError> {
        let (chunk, room) = self.buffer.chunk();
        let Ok(tag) = self.key.seal(end, chunk) else {
            self.buffer.clear();
            return Err(SealError::TooManyChunks);
        };
        room.copy_from_slice(&tag);
        let bytes = chunk.len();
        self.data_key.count_sealed(bytes);
        self.buffer.emit(bytes + TAG_BYTES, end);
        Ok(())
    }

    #[cfg(test)]
    pub(super) const fn skip_to(&mut self, chunk: u64) {
        self.key.skip_to(chunk);
    }
}

impl fmt::Debug for StreamSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamSealer({} chunks of {} bytes)", self.key.next(), self.chunk_size.bytes())
    }
}

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

/// Seals an object of any size, chunk by chunk, and does no I/O: bytes are written into
/// [`space`](Self::space), and sealed bytes are taken from [`output`](Self::output).
///
/// It holds one chunk, whatever the size of the object. [`SealWriter`](crate::SealWriter) and
/// [`SealReader`](crate::SealReader) drive it for you.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{Context, LocalKeyProvider, RootKey};
/// use envelope_core::StreamSealer;
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
/// assert_eq!(Some(sealed.len() as u64), expected, "200,000 bytes, a header, and a tag for each of 4 chunks");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Security
///
/// A stream that was not [finished](Self::finish) does not open: readers find it cut short. It is
/// never finished by itself, on drop for example, since then half an object could pass for a whole
/// one.
pub struct StreamSealer {
    key: ChunkKey,
    buffer: ChunkBuffer,
    /// Shared with the provider, which may bound the bytes that are sealed under it.
    data_key: DataKey,
    chunk_size: ChunkSize,
    header_bytes: usize,
}

impl StreamSealer {
    /// A stream bound to `context` under a new data key of `provider`, in chunks of 64 KiB; its
    /// header is ready to be taken.
    ///
    /// # Errors
    ///
    /// When no data key is to be had, or the operating system gives no random bytes.
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

    /// FORMAT 12.4. A salt is used once: the random one above, or one that a test vector gives.
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

    /// Where plaintext may be written; empty while there is [`output`](Self::output) to take, and
    /// after the end.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// Says that `n` bytes of plaintext have been written into the [`space`](Self::space).
    ///
    /// # Errors
    ///
    /// [`SealError::TooManyChunks`] when the stream is too long.
    ///
    /// # Panics
    ///
    /// When the space is shorter than `n`.
    pub fn filled(&mut self, n: usize) -> Result<(), SealError> {
        if self.buffer.filled(n) { self.seal(End::More) } else { Ok(()) }
    }

    /// Copies in as much of `plaintext` as there is space for, and says how much: 0 while there is
    /// output to take.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    pub fn push(&mut self, plaintext: &[u8]) -> Result<usize, SealError> {
        let n = self.buffer.push(plaintext);
        self.filled(n)?;
        Ok(n)
    }

    /// Seals the last chunk: what has been written so far is the whole object. Once more, it does
    /// nothing.
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
        assert!(self.output().is_empty(), "the output of a stream is taken before it is finished");
        self.seal(End::Last)
    }

    /// Sealed bytes that are ready, the header first.
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
    }

    /// Whether the stream was [finished](Self::finish) and all of its output taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.buffer.has_ended() && self.output().is_empty()
    }

    /// How long the sealed stream of an object of `plaintext_bytes` is, header and tags included:
    /// an upload may need to say so beforehand. `None` when the object is too long for the
    /// chunk size.
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

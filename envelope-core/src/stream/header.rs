//! The header of a stream, before its chunks (FORMAT 12.2).

use std::fmt;
use std::io::Read;

use ctutils::CtEq;

use crate::cbor::{ReadError, Reader};
use crate::context::Context;
use crate::dek::{EncryptedDek, MAX_KEY_ID_BYTES, MAX_WRAPPED_KEY_BYTES, MAX_WRAPPED_KEYS};
use crate::error::{FormatError, OpenError};
use crate::payload::{COMMITMENT_BYTES, SALT_BYTES};
use crate::provider::UnwrapKey;
use crate::sealed::unwrap;
use crate::stream::chunk_size::ChunkSize;
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind};
use crate::stream::key::ChunkKey;
use crate::stream::open::StreamOpener;

const PART: &str = "the header of the stream";
/// The first bytes of every stream.
const MAGIC: [u8; 4] = *b"envs";
pub(super) const VERSION: u8 = 1;
pub(super) const SUITE: u8 = 1;
/// Bytes before the wrapped key. The last four of them are the length of the wrapped key.
const FIXED_BYTES: usize = MAGIC.len() + 3 + SALT_BYTES + COMMITMENT_BYTES + 4;
/// The longest `encrypted_dek` (FORMAT 3.2): 16 entries, each with the longest id and the longest
/// wrapped key.
const MAX_DEK_BYTES: usize = 3 + MAX_WRAPPED_KEYS * (4 + MAX_KEY_ID_BYTES + MAX_WRAPPED_KEY_BYTES);

/// Encodes the header.
pub(super) fn encode(
    chunk_size: ChunkSize,
    salt: &[u8; SALT_BYTES],
    commitment: &[u8; COMMITMENT_BYTES],
    dek: &EncryptedDek,
) -> Vec<u8> {
    let dek = dek.to_bytes();
    let mut out = Vec::with_capacity(FIXED_BYTES + dek.len());
    out.extend(MAGIC);
    out.extend([VERSION, SUITE, chunk_size.to_byte()]);
    out.extend(salt);
    out.extend(commitment);
    let [.., a, b, c, d] = (dek.len() as u64).to_be_bytes();
    out.extend([a, b, c, d]);
    out.extend(dek);
    out
}

/// A parsed header that is not authenticated yet.
///
/// Everything in it comes from storage. [`open`](Self::open) authenticates it: the key provider
/// proves the wrapped key, and the commitment proves the chunk size and the data key.
#[derive(Clone, PartialEq, Eq)]
pub struct UntrustedStreamHeader {
    chunk_size: ChunkSize,
    salt: [u8; SALT_BYTES],
    commitment: [u8; COMMITMENT_BYTES],
    dek: EncryptedDek,
}

impl UntrustedStreamHeader {
    /// How many bytes must follow `start` before more can be said about the header: 0 if the header
    /// is complete.
    ///
    /// # Errors
    ///
    /// If no stream of a known version starts with these bytes.
    ///
    /// ```
    /// # use envelope_core::UntrustedStreamHeader;
    /// assert_eq!(UntrustedStreamHeader::missing(&[]), Ok(67), "every header has these");
    /// assert!(UntrustedStreamHeader::missing(b"%PDF-2.0").is_err());
    /// ```
    pub fn missing(start: &[u8]) -> Result<usize, FormatError> {
        let mut reader = Reader::new(start);
        match parse_fixed_part(&mut reader) {
            Ok(fixed) => Ok(fixed.dek_bytes.saturating_sub(reader.remaining())),
            Err(FormatError::Truncated(_)) => Ok(FIXED_BYTES - start.len()),
            Err(error) => Err(error),
        }
    }

    /// Parses bytes that are exactly one header.
    ///
    /// # Errors
    ///
    /// If the bytes are not exactly one header of a known version and suite.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut reader = Reader::new(bytes);
        let FixedPart { chunk_size, salt, commitment, dek_bytes } = parse_fixed_part(&mut reader)?;
        let dek = EncryptedDek::parse(reader.take(dek_bytes).map_err(truncated)?)?;
        if reader.remaining() > 0 {
            return Err(FormatError::TrailingBytes(PART));
        }
        Ok(Self { chunk_size, salt, commitment, dek })
    }

    /// Reads the header from `reader`, and no byte behind it.
    ///
    /// # Errors
    ///
    /// If reading fails, or if the bytes are not a header.
    pub fn read(mut reader: impl Read) -> Result<Self, OpenStreamError> {
        let mut bytes = Vec::new();
        loop {
            let missing = Self::missing(&bytes)?;
            if missing == 0 {
                return Ok(Self::parse(&bytes)?);
            }
            let read = reader.by_ref().take(missing as u64).read_to_end(&mut bytes);
            if read.map_err(OpenStreamErrorKind::Read)? == 0 {
                return Err(FormatError::Truncated(PART).into());
            }
        }
    }

    /// As [`read`](Self::read), from an asynchronous reader.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[cfg(feature = "tokio")]
    pub async fn read_async(
        mut reader: impl tokio::io::AsyncRead + Unpin,
    ) -> Result<Self, OpenStreamError> {
        let mut bytes = Vec::new();
        loop {
            let missing = Self::missing(&bytes)?;
            if missing == 0 {
                return Ok(Self::parse(&bytes)?);
            }
            let known = bytes.len();
            bytes.resize(known + missing, 0);
            let (_, room) = bytes.split_at_mut(known);
            match super::poll::read(&mut reader, room).await.map_err(OpenStreamErrorKind::Read)? {
                0 => return Err(FormatError::Truncated(PART).into()),
                n => bytes.truncate(known + n),
            }
        }
    }

    /// Bytes of plaintext in each chunk. Not authenticated yet.
    #[must_use]
    pub const fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// The wrapped data key. Not authenticated yet.
    #[must_use]
    pub const fn encrypted_dek(&self) -> &EncryptedDek {
        &self.dek
    }

    /// Unwraps the data key, and returns an opener for the chunks.
    ///
    /// # Errors
    ///
    /// If the stream was sealed under another context form, if the provider does not unwrap the
    /// data key, or if the header does not commit to that data key.
    pub async fn open(
        self,
        context: &Context<'_>,
        provider: &(impl UnwrapKey + ?Sized),
    ) -> Result<StreamOpener, OpenStreamError> {
        let data_key = unwrap(&self.dek, context, provider).await?;
        let associated_data = context.stream_associated_data(VERSION, SUITE);
        let key = ChunkKey::new(&data_key, &self.salt, self.chunk_size, associated_data);
        if !key.commitment().ct_eq(&self.commitment).to_bool() {
            return Err(OpenError::Authentication.into());
        }
        Ok(StreamOpener::new(key, self.chunk_size))
    }
}

impl fmt::Debug for UntrustedStreamHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UntrustedStreamHeader")
            .field("chunk_bytes", &self.chunk_size.bytes())
            .field("encrypted_dek", &self.dek)
            .finish_non_exhaustive()
    }
}

/// The part of the header before the wrapped key.
struct FixedPart {
    chunk_size: ChunkSize,
    salt: [u8; SALT_BYTES],
    commitment: [u8; COMMITMENT_BYTES],
    dek_bytes: usize,
}

fn parse_fixed_part(reader: &mut Reader<'_>) -> Result<FixedPart, FormatError> {
    for expected in MAGIC {
        let [byte] = reader.take_array().map_err(truncated)?;
        if byte != expected {
            return Err(FormatError::Malformed("the mark at the start of the stream"));
        }
    }
    let [version] = reader.take_array().map_err(truncated)?;
    if version != VERSION {
        return Err(FormatError::UnknownVersion("the stream", version));
    }
    let [suite] = reader.take_array().map_err(truncated)?;
    if suite != SUITE {
        return Err(FormatError::UnknownSuite(suite));
    }
    let [exponent] = reader.take_array().map_err(truncated)?;
    let chunk_size = ChunkSize::from_byte(exponent)
        .ok_or(FormatError::Malformed("the chunk size of the stream"))?;
    let (salt, commitment) =
        (reader.take_array().map_err(truncated)?, reader.take_array().map_err(truncated)?);
    let dek_bytes = u32::from_be_bytes(reader.take_array().map_err(truncated)?);
    match usize::try_from(dek_bytes) {
        Ok(dek_bytes @ 1..=MAX_DEK_BYTES) => {
            Ok(FixedPart { chunk_size, salt, commitment, dek_bytes })
        }
        _ => Err(FormatError::Malformed("the length of the wrapped key in the stream")),
    }
}

fn truncated(_: ReadError) -> FormatError {
    FormatError::Truncated(PART)
}

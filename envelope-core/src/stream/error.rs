//! Why a stream could not be sealed or opened, and how much plaintext had gone out by then.

use std::error::Error as StdError;
use std::{fmt, io};

use crate::error::{Fault, FormatError, KeyError, OpenError, SealError};

/// Why a stream could not be sealed; what was written of it does not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum SealStreamError {
    /// No data key was to be had, or the stream is too long.
    Seal(SealError),
    /// The plaintext could not be read.
    Read(io::Error),
    /// What was sealed could not be written.
    Write(io::Error),
}

impl SealStreamError {
    /// Who can put it right.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Seal(error) => error.fault(),
            Self::Read(_) | Self::Write(_) => Fault::Operator,
        }
    }
}

impl fmt::Display for SealStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seal(_) => "the stream could not be sealed",
            Self::Read(_) => {
                "the plaintext to seal could not be read: what was written so far does not open"
            }
            Self::Write(_) => {
                "the sealed stream could not be written: what was written so far does not open"
            }
        })
    }
}

impl StdError for SealStreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Seal(error) => Some(error),
            Self::Read(error) | Self::Write(error) => Some(error),
        }
    }
}

impl From<SealError> for SealStreamError {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}

impl From<KeyError> for SealStreamError {
    fn from(error: KeyError) -> Self {
        Self::Seal(error.into())
    }
}

/// Why a stream could not be opened, and how much of its plaintext was released before that was
/// known.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{ChunkSize, Context, LocalKeyProvider, RootKey, SealWriter, StreamSealer};
/// use std::io::{Read, Write};
/// use envelope_core::{Fault, OpenReader, OpenStreamError, UntrustedStreamHeader};
/// # let (context, provider) = (Context::new("invoices"), LocalKeyProvider::new(RootKey::generate()?));
/// # let sealer = StreamSealer::with_chunk_size(ChunkSize::MIN, &context, &provider).await?;
/// # let mut writer = SealWriter::new(sealer, Vec::new());
/// # writer.write_all(&[7; 3000])?;
/// # let mut stream = writer.finish()?;
///
/// stream.pop(); // somebody cut the last byte off
/// let mut bytes = &stream[..];
/// let header = UntrustedStreamHeader::read(&mut bytes)?;
/// let mut reader = OpenReader::new(header.open(&context, &provider).await?, bytes);
/// let mut plaintext = Vec::new();
/// let error = reader.read_to_end(&mut plaintext).unwrap_err();
/// let error = error.get_ref().and_then(|error| error.downcast_ref::<OpenStreamError>()).unwrap();
/// assert_eq!((error.released_bytes(), error.fault()), (2048, Fault::Data), "two chunks were whole");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct OpenStreamError {
    kind: OpenStreamErrorKind,
    released: u64,
}

/// What kept a stream from being opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenStreamErrorKind {
    /// What is stored is no stream, not sealed for this context, changed or cut short, or its data
    /// key is not to be had.
    Open(OpenError),
    /// The sealed stream could not be read.
    Read(io::Error),
    /// What was opened could not be written.
    Write(io::Error),
}

impl OpenStreamError {
    pub(super) const fn after(kind: OpenStreamErrorKind, released: u64) -> Self {
        Self { kind, released }
    }

    /// Nothing was left where somebody could take it for the whole.
    pub(super) fn nothing_released(self) -> Self {
        Self { released: 0, ..self }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &OpenStreamErrorKind {
        &self.kind
    }

    /// Bytes of plaintext that had been released: authentic each, but not the whole. Discard them.
    #[must_use]
    pub const fn released_bytes(&self) -> u64 {
        self.released
    }

    /// Who can put it right.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match &self.kind {
            OpenStreamErrorKind::Open(error) => error.fault(),
            OpenStreamErrorKind::Read(_) | OpenStreamErrorKind::Write(_) => Fault::Operator,
        }
    }
}

impl fmt::Display for OpenStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OpenStreamErrorKind::Open(OpenError::Authentication) => f.write_str(
                "not authentic: the stream was changed, cut short, moved from another place, or sealed under another key",
            ),
            OpenStreamErrorKind::Open(OpenError::Format(_)) => f.write_str("the bytes are not a sealed stream"),
            OpenStreamErrorKind::Open(_) => f.write_str("the stream could not be opened"),
            OpenStreamErrorKind::Read(_) => f.write_str("the sealed stream could not be read"),
            OpenStreamErrorKind::Write(_) => f.write_str("the opened stream could not be written"),
        }?;
        match self.released {
            0 => Ok(()),
            bytes => write!(
                f,
                " ({bytes} bytes of plaintext had been released and are not the whole: discard them)"
            ),
        }
    }
}

impl StdError for OpenStreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            OpenStreamErrorKind::Open(OpenError::Authentication) => None,
            OpenStreamErrorKind::Open(OpenError::Format(error)) => Some(error),
            OpenStreamErrorKind::Open(error) => Some(error),
            OpenStreamErrorKind::Read(error) | OpenStreamErrorKind::Write(error) => Some(error),
        }
    }
}

impl From<OpenStreamErrorKind> for OpenStreamError {
    fn from(kind: OpenStreamErrorKind) -> Self {
        Self::after(kind, 0)
    }
}

impl From<OpenError> for OpenStreamError {
    fn from(error: OpenError) -> Self {
        OpenStreamErrorKind::Open(error).into()
    }
}

impl From<FormatError> for OpenStreamError {
    fn from(error: FormatError) -> Self {
        OpenError::Format(error).into()
    }
}

/// For [`Read`](std::io::Read) and its asynchronous counterpart, which know no other error.
impl From<OpenStreamError> for io::Error {
    fn from(error: OpenStreamError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

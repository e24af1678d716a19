//! Why a stream could not be sealed or opened, and how much plaintext was released before.

use std::error::Error as StdError;
use std::{fmt, io};

use crate::error::{Fault, FormatError, KeyError, OpenError, SealError};

/// Why a stream could not be sealed. The part that was written does not open.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{LocalKeyProvider, RootKey};
/// # use envelope_core as envelope_dynamo;
/// use std::io::Cursor;
/// use envelope_dynamo::message::Context;
/// use envelope_dynamo::stream::{SealStreamError, seal_stream};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let mut disk = [0; 1000]; // is too small
/// let (object, context) = (&[7; 5000][..], Context::new("invoices"));
/// let error = seal_stream(object, Cursor::new(&mut disk[..]), &context, &provider).await;
/// assert!(matches!(error, Err(SealStreamError::Write(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SealStreamError {
    /// The key provider returned no data key, or the stream is too long.
    Seal(SealError),
    /// The plaintext could not be read.
    Read(io::Error),
    /// The sealed stream could not be written.
    Write(io::Error),
}

impl SealStreamError {
    /// Who must act.
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
        match self {
            Self::Seal(error) => write!(f, "could not seal the stream: {error}"),
            Self::Read(error) => write!(
                f,
                "could not read the plaintext of the stream (the part sealed so far does not \
                 open): {error}"
            ),
            Self::Write(error) => write!(
                f,
                "could not write the sealed stream (the part written so far does not open): {error}"
            ),
        }
    }
}

impl StdError for SealStreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The message names the error itself.
            Self::Seal(error) => error.source(),
            Self::Read(error) | Self::Write(error) => error.source(),
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

/// Why a stream could not be opened, and how much of its plaintext was released before the failure.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{ChunkSize, Context, LocalKeyProvider, RootKey, SealWriter, StreamSealer};
/// use std::io::{Read, Write};
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::Fault;
/// use envelope_dynamo::stream::{OpenReader, OpenStreamError, UntrustedStreamHeader};
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let context = Context::new("invoices");
/// # let sealer = StreamSealer::with_chunk_size(ChunkSize::MIN, &context, &provider).await?;
/// # let mut writer = SealWriter::new(sealer, Vec::new());
/// # writer.write_all(&[7; 3000])?;
/// # let mut stream = writer.finish()?;
///
/// stream.pop(); // the last byte is lost
/// let mut bytes = &stream[..];
/// let header = UntrustedStreamHeader::read(&mut bytes)?;
/// let mut reader = OpenReader::new(header.open(&context, &provider).await?, bytes);
/// let mut plaintext = Vec::new();
/// let error = reader.read_to_end(&mut plaintext).unwrap_err();
/// let error = error.get_ref().and_then(|error| error.downcast_ref::<OpenStreamError>()).unwrap();
/// assert_eq!((error.released_bytes(), error.fault()), (2048, Fault::Data), "two chunks opened");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct OpenStreamError {
    kind: OpenStreamErrorKind,
    released: u64,
}

/// Why a stream could not be opened.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{LocalKeyProvider, RootKey};
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::error::OpenError;
/// use envelope_dynamo::message::Context;
/// use envelope_dynamo::stream::{OpenStreamErrorKind, open_stream, seal_stream};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("invoices");
/// let mut sealed = Vec::new();
/// seal_stream(&b"%PDF-2.0"[..], &mut sealed, &context, &provider).await?;
/// sealed.pop(); // the last byte is lost
///
/// let mut opened = Vec::new();
/// let error = open_stream(&sealed[..], &mut opened, &context, &provider).await.unwrap_err();
/// assert!(matches!(error.kind(), OpenStreamErrorKind::Open(OpenError::Authentication)));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenStreamErrorKind {
    /// The bytes are not a stream, were not sealed for this context, were changed or truncated, or
    /// the key provider did not unwrap the data key.
    Open(OpenError),
    /// The sealed stream could not be read.
    Read(io::Error),
    /// The plaintext could not be written.
    Write(io::Error),
}

impl OpenStreamError {
    pub(super) const fn after(kind: OpenStreamErrorKind, released: u64) -> Self {
        Self { kind, released }
    }

    /// The same error for a caller who has discarded the released plaintext.
    pub(super) fn nothing_released(self) -> Self {
        Self { released: 0, ..self }
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> &OpenStreamErrorKind {
        &self.kind
    }

    /// How many bytes of plaintext were released before the failure. They are authentic but
    /// incomplete: discard them.
    #[must_use]
    pub const fn released_bytes(&self) -> u64 {
        self.released
    }

    /// Who must act.
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
                "not authentic: the stream was changed, truncated, moved from another place, or \
                 sealed under another key",
            ),
            OpenStreamErrorKind::Open(OpenError::Format(error)) => {
                write!(f, "the bytes are not a sealed stream: {error}")
            }
            OpenStreamErrorKind::Open(error) => write!(f, "could not open the stream: {error}"),
            OpenStreamErrorKind::Read(error) => {
                write!(f, "could not read the sealed stream: {error}")
            }
            OpenStreamErrorKind::Write(error) => {
                write!(f, "could not write the plaintext of the stream: {error}")
            }
        }?;
        match self.released {
            0 => Ok(()),
            bytes => write!(
                f,
                " ({bytes} bytes of plaintext were released and are incomplete: discard them)"
            ),
        }
    }
}

impl StdError for OpenStreamError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            // The message names the error itself.
            OpenStreamErrorKind::Open(error) => error.source(),
            OpenStreamErrorKind::Read(error) | OpenStreamErrorKind::Write(error) => error.source(),
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

/// For [`Read`](std::io::Read) and its asynchronous counterpart, which return no other error.
impl From<OpenStreamError> for io::Error {
    fn from(error: OpenStreamError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

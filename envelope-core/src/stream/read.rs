//! Readers that seal or open what they read, for `std::io` and, with the feature `tokio`, for
//! tokio.

use std::fmt;
use std::io::{self, Read};
use std::task::{Poll, ready};

use crate::stream::error::OpenStreamError;
use crate::stream::open::StreamOpener;
use crate::stream::seal::StreamSealer;

/// The methods that [`StreamSealer`] and [`StreamOpener`] have in common.
trait Transform {
    fn space(&mut self) -> &mut [u8];
    fn filled(&mut self, n: usize) -> io::Result<()>;
    fn finish(&mut self) -> io::Result<()>;
    fn output(&self) -> &[u8];
    fn consume(&mut self, n: usize);
    fn is_finished(&self) -> bool;
}

macro_rules! transform {
    ($of:ty, $to_io:expr) => {
        impl Transform for $of {
            fn space(&mut self) -> &mut [u8] {
                self.space()
            }

            fn filled(&mut self, n: usize) -> io::Result<()> {
                self.filled(n).map_err($to_io)
            }

            fn finish(&mut self) -> io::Result<()> {
                self.finish().map_err($to_io)
            }

            fn output(&self) -> &[u8] {
                self.output()
            }

            fn consume(&mut self, n: usize) {
                self.consume(n);
            }

            fn is_finished(&self) -> bool {
                self.is_finished()
            }
        }
    };
}

transform!(StreamSealer, io::Error::other);
transform!(StreamOpener, <io::Error as From<OpenStreamError>>::from);

/// Reads until there is output. Empty output means the end.
fn output<T: Transform>(
    transform: &mut T,
    mut read: impl FnMut(&mut [u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<&[u8]>> {
    while transform.output().is_empty() && !transform.is_finished() {
        match ready!(read(transform.space()))? {
            0 => transform.finish()?,
            n => transform.filled(n)?,
        }
    }
    Poll::Ready(Ok(transform.output()))
}

fn read_blocking(
    transform: &mut impl Transform,
    reader: &mut impl Read,
    to: &mut [u8],
) -> io::Result<usize> {
    if to.is_empty() {
        return Ok(0);
    }
    let Poll::Ready(ready) = output(transform, |space| Poll::Ready(reader.read(space))) else {
        unreachable!("a blocking reader is always ready")
    };
    let from = ready?;
    let n = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) {
        to.copy_from_slice(from);
    }
    transform.consume(n);
    Ok(n)
}

/// Reads plaintext from `R`, and returns the sealed stream: for the body of an upload, for example.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{Context, LocalKeyProvider, RootKey};
/// use std::io::Read;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::{SealReader, StreamSealer};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let context = Context::new("invoices");
/// let sealer = StreamSealer::new(&context, &provider).await?;
/// let content_length = sealer.sealed_len(8).unwrap();
/// let mut body = Vec::new();
/// SealReader::new(sealer, &b"%PDF-2.0"[..]).read_to_end(&mut body)?;
/// assert_eq!(body.len() as u64, content_length);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct SealReader<R> {
    sealer: StreamSealer,
    reader: R,
}

impl<R> SealReader<R> {
    /// Seals the plaintext that `reader` returns.
    pub const fn new(sealer: StreamSealer, reader: R) -> Self {
        Self { sealer, reader }
    }
}

/// Omits the reader: a reader of memory would print the plaintext.
impl<R> fmt::Debug for SealReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealReader").field("sealer", &self.sealer).finish_non_exhaustive()
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        read_blocking(&mut self.sealer, &mut self.reader, to)
    }
}

/// Reads a sealed stream behind its header from `R`, and returns the plaintext: for a download, for
/// example.
///
/// # Security
///
/// Read to the end. The plaintext is known to be complete only when the end was read (`Ok(0)`)
/// without an error. Plaintext before that is authentic, but somebody may have truncated the
/// stream. A consumer that acts on the beginning (unpacks it, shows it, stores it under its final
/// name) must be able to undo that. After an error, every further read returns the same error, and
/// never an end.
///
/// The error is an [`io::Error`] of the kind `InvalidData` around an [`OpenStreamError`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{Context, LocalKeyProvider, RootKey, SealReader, StreamSealer};
/// use std::io::Read;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::{OpenReader, UntrustedStreamHeader};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let context = Context::new("invoices");
/// # let mut sealed = Vec::new();
/// # let sealer = StreamSealer::new(&context, &provider).await?;
/// # SealReader::new(sealer, &b"%PDF-2.0"[..]).read_to_end(&mut sealed)?;
/// let mut sealed = &sealed[..];
/// let header = UntrustedStreamHeader::read(&mut sealed)?;
/// let mut reader = OpenReader::new(header.open(&context, &provider).await?, sealed);
/// let mut plaintext = String::new();
/// reader.read_to_string(&mut plaintext)?;
/// assert_eq!(plaintext, "%PDF-2.0");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct OpenReader<R> {
    opener: StreamOpener,
    reader: R,
}

impl<R> OpenReader<R> {
    /// Opens the chunks that `reader` returns. The header was read from it before.
    pub const fn new(opener: StreamOpener, reader: R) -> Self {
        Self { opener, reader }
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        read_blocking(&mut self.opener, &mut self.reader, to)
    }
}

#[cfg(feature = "tokio")]
mod asynchronous {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use tokio::io::{AsyncRead, ReadBuf};

    use super::{OpenReader, SealReader, Transform, output};
    use crate::stream::poll::poll_read;

    fn poll_transformed(
        transform: &mut impl Transform,
        reader: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if to.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let from = ready!(output(transform, |space| poll_read(reader, cx, space)))?;
        let n = from.len().min(to.remaining());
        to.put_slice(from.get(..n).unwrap_or_default());
        transform.consume(n);
        Poll::Ready(Ok(()))
    }

    impl<R: AsyncRead + Unpin> AsyncRead for SealReader<R> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            to: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Self { sealer, reader } = self.get_mut();
            poll_transformed(sealer, reader, cx, to)
        }
    }

    impl<R: AsyncRead + Unpin> AsyncRead for OpenReader<R> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            to: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let Self { opener, reader } = self.get_mut();
            poll_transformed(opener, reader, cx, to)
        }
    }
}

//! A writer that seals what is written, for `std::io` and, with the feature `tokio`, for tokio.

use std::io::{self, Write};
use std::task::{Poll, ready};

use crate::stream::seal::StreamSealer;

/// Seals the plaintext that is written to it, and writes the stream to `W`.
///
/// End it with [`finish`](Self::finish) or, as an asynchronous writer, with `shutdown`. Flushing
/// writes the sealed chunks, but not the chunk that is not full yet.
///
/// # Security
///
/// A stream that was not ended does not open, because an error, a panic or a cancelled task dropped
/// its writer, for example. Dropping the writer does not end the stream, because then half an
/// object could pass for a complete one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{Context, LocalKeyProvider, RootKey};
/// use std::io::Write;
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::{SealWriter, StreamSealer};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let context = Context::new("invoices");
/// let mut writer = SealWriter::new(StreamSealer::new(&context, &provider).await?, Vec::new());
/// writer.write_all(b"%PDF-2.0")?;
/// let sealed: Vec<u8> = writer.finish()?;
/// assert!(sealed.starts_with(b"envs"));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a stream that is not finished does not open"]
pub struct SealWriter<W> {
    sealer: StreamSealer,
    writer: W,
}

impl<W> SealWriter<W> {
    /// Seals into `writer`.
    pub const fn new(sealer: StreamSealer, writer: W) -> Self {
        Self { sealer, writer }
    }
}

impl<W: Write> SealWriter<W> {
    /// Ends the stream: seals the last chunk, writes it, flushes the inner writer and returns it.
    ///
    /// # Errors
    ///
    /// If writing fails. The stream then does not open.
    pub fn finish(mut self) -> io::Result<W> {
        self.drain_blocking()?;
        self.sealer.finish().map_err(io::Error::other)?;
        self.drain_blocking()?;
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn drain_blocking(&mut self) -> io::Result<()> {
        let Self { sealer, writer } = self;
        loop {
            match drain(sealer, |output| Poll::Ready(writer.write(output))) {
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(outcome) => return outcome,
                Poll::Pending => unreachable!("a blocking writer is always ready"),
            }
        }
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, plaintext: &[u8]) -> io::Result<usize> {
        self.drain_blocking()?;
        push(&mut self.sealer, plaintext)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain_blocking()?;
        self.writer.flush()
    }
}

/// Writes all output of `sealer`.
pub(super) fn drain(
    sealer: &mut StreamSealer,
    mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<()>> {
    while !sealer.output().is_empty() {
        match ready!(write(sealer.output()))? {
            0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            n => sealer.consume(n),
        }
    }
    Poll::Ready(Ok(()))
}

fn push(sealer: &mut StreamSealer, plaintext: &[u8]) -> io::Result<usize> {
    match sealer.push(plaintext).map_err(io::Error::other)? {
        0 if !plaintext.is_empty() => {
            Err(io::Error::other("the sealed stream was ended already: no plaintext can follow"))
        }
        n => Ok(n),
    }
}

#[cfg(feature = "tokio")]
mod asynchronous {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use tokio::io::AsyncWrite;

    use super::{SealWriter, drain, push};

    impl<W: AsyncWrite + Unpin> SealWriter<W> {
        fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let Self { sealer, writer } = self;
            drain(sealer, |output| Pin::new(&mut *writer).poll_write(cx, output))
        }
    }

    impl<W: AsyncWrite + Unpin> AsyncWrite for SealWriter<W> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            plaintext: &[u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            ready!(this.poll_drain(cx))?;
            Poll::Ready(push(&mut this.sealer, plaintext))
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            ready!(this.poll_drain(cx))?;
            Pin::new(&mut this.writer).poll_flush(cx)
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            let this = self.get_mut();
            ready!(this.poll_drain(cx))?;
            this.sealer.finish().map_err(io::Error::other)?;
            ready!(this.poll_drain(cx))?;
            Pin::new(&mut this.writer).poll_shutdown(cx)
        }
    }
}

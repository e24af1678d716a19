//! A reader and writer that is seldom ready, and then only for a few bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads and writes as many bytes at a time as `sizes` says in turn. 0 is a poll that is not ready.
pub(crate) struct Choppy<T> {
    pub(crate) inner: T,
    sizes: Vec<usize>,
    calls: usize,
}

impl<T> Choppy<T> {
    pub(crate) fn new(inner: T, sizes: &[usize]) -> Self {
        Self { inner, sizes: sizes.to_vec(), calls: 0 }
    }

    fn next(&mut self, cx: &Context<'_>, most: usize) -> Poll<usize> {
        self.calls += 1;
        match self.sizes[self.calls % self.sizes.len()] {
            0 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            n => Poll::Ready(n.min(most)),
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Choppy<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n = std::task::ready!(self.next(cx, to.remaining()));
        let mut part = vec![0; n];
        let mut read = ReadBuf::new(&mut part);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut read))?;
        to.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Choppy<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = std::task::ready!(self.next(cx, from.len()));
        Pin::new(&mut self.inner).poll_write(cx, &from[..n])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.next(cx, 1));
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.next(cx, 1));
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

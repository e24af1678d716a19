//! Reading and writing through tokio's traits.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Polls `reader` for bytes, and returns how many it put into `space`.
pub(super) fn poll_read(
    reader: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    space: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut space = ReadBuf::new(space);
    ready!(Pin::new(reader).poll_read(cx, &mut space))?;
    Poll::Ready(Ok(space.filled().len()))
}

/// Reads into `space`, and returns how many bytes: 0 at the end.
pub(super) async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    space: &mut [u8],
) -> io::Result<usize> {
    poll_fn(|cx| poll_read(reader, cx, space)).await
}

/// Writes some of `bytes`, and returns how many: at least one.
pub(super) async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
) -> io::Result<usize> {
    match poll_fn(|cx| Pin::new(&mut *writer).poll_write(cx, bytes)).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        n => Ok(n),
    }
}

/// Flushes `writer`.
pub(super) async fn flush(writer: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    poll_fn(|cx| Pin::new(&mut *writer).poll_flush(cx)).await
}

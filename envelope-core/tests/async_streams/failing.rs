//! The messages of errors, and how much plaintext was released before them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use envelope_core::{
    Fault, OpenReader, OpenStreamError, OpenStreamErrorKind, SealStreamError,
    UntrustedStreamHeader, open_stream, seal_stream,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::{CHUNK, context, is_authentication, open, plaintext, provider, sealed};

/// Reads or writes a number of bytes, then fails.
struct Breaks<'b> {
    bytes: &'b [u8],
    left: usize,
}

impl Breaks<'_> {
    fn next(&mut self, most: usize) -> io::Result<usize> {
        let n = most.min(self.left);
        self.left -= n;
        if n == 0 { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(n) }
    }
}

impl AsyncRead for Breaks<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n = self.next(to.remaining())?;
        let (part, rest) = self.bytes.split_at(n);
        to.put_slice(part);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Breaks<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.next(from.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_truncated_stream_fails_with_the_released_bytes() {
    let plaintext = plaintext(2 * CHUNK + 100);
    let stream = sealed(&plaintext).await;
    let (opened, outcome) = open(&stream[..stream.len() - 1]).await;
    let error = outcome.unwrap_err();
    assert!(is_authentication(&error));
    assert_eq!((error.released_bytes(), error.fault()), (2 * CHUNK as u64, Fault::Data));
    assert_eq!(opened, plaintext[..2 * CHUNK]);
    assert_eq!(
        error.to_string(),
        "not authentic: the stream was changed, truncated, moved from another place, or sealed \
         under another key (131072 bytes of plaintext were released and are incomplete: discard \
         them)"
    );
}

#[tokio::test]
async fn an_asynchronous_reader_repeats_its_error_and_never_ends() {
    let mut stream = sealed(&plaintext(CHUNK + 1)).await;
    *stream.last_mut().unwrap() ^= 1;
    let mut bytes = &stream[..];
    let header = UntrustedStreamHeader::read_async(&mut bytes).await.unwrap();
    let mut reader = OpenReader::new(header.open(&context(), &provider()).await.unwrap(), bytes);
    let mut opened = Vec::new();
    for _ in 0..3 {
        let error = reader.read_to_end(&mut opened).await.unwrap_err();
        let error = error.get_ref().unwrap().downcast_ref::<OpenStreamError>().unwrap();
        assert!(is_authentication(error));
    }
    assert_eq!(opened.len(), CHUNK);
}

#[tokio::test]
async fn io_failures_are_not_reported_as_unauthentic() {
    let plaintext = plaintext(2 * CHUNK + 100);
    let stream = sealed(&plaintext).await;

    let mut opened = Vec::new();
    let reader = Breaks { bytes: &stream, left: stream.len() - 1 };
    let error = open_stream(reader, &mut opened, &context(), &provider()).await.unwrap_err();
    assert!(matches!(error.kind(), OpenStreamErrorKind::Read(_)), "{error:?}");
    assert_eq!((error.released_bytes(), opened.len()), (2 * CHUNK as u64, 2 * CHUNK));
    assert_eq!(error.fault(), Fault::Operator);
    assert!(error.to_string().starts_with("could not read the sealed stream: "), "{error}");

    let writer = Breaks { bytes: &[], left: CHUNK + 7 };
    let error = open_stream(&stream[..], writer, &context(), &provider()).await.unwrap_err();
    assert!(matches!(error.kind(), OpenStreamErrorKind::Write(_)), "{error:?}");
    assert_eq!(error.released_bytes(), CHUNK as u64 + 7);

    let reader = Breaks { bytes: &stream, left: 20 };
    let error = open_stream(reader, &mut opened, &context(), &provider()).await.unwrap_err();
    assert!(matches!(error.kind(), OpenStreamErrorKind::Read(_)), "in the header: {error:?}");

    let reader = Breaks { bytes: &plaintext, left: CHUNK };
    let error = seal_stream(reader, &mut Vec::new(), &context(), &provider()).await.unwrap_err();
    assert!(matches!(error, SealStreamError::Read(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "could not read the plaintext of the stream (the part sealed so far does not open): \
         connection reset"
    );

    let writer = Breaks { bytes: &[], left: 10 };
    let error = seal_stream(&plaintext[..], writer, &context(), &provider()).await.unwrap_err();
    assert!(matches!(error, SealStreamError::Write(_)), "{error:?}");
    assert_eq!(error.fault(), Fault::Operator);
}

#[tokio::test]
async fn bytes_that_are_not_a_stream_are_named_so() {
    for (bytes, cause) in [
        (&b""[..], "the header of the stream is truncated"),
        (b"envs", "the header of the stream is truncated"),
        (b"%PDF-2.0", "the mark at the start of the stream is malformed"),
        (
            b"envs\x02",
            "the stream has format version 2, which this program does not know: upgrade the \
             program, unless these bytes are not sealed data",
        ),
    ] {
        let error = open(bytes).await.1.unwrap_err();
        assert_eq!(error.to_string(), format!("the bytes are not a sealed stream: {cause}"));
        assert_eq!((error.fault(), error.released_bytes()), (Fault::Data, 0));
    }
}

//! Futures and writers that are dropped before the end.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use envelope_core::{ChunkSize, SealWriter, StreamSealer, open_stream, seal_stream};
use tokio::io::AsyncWriteExt;

use crate::choppy::Choppy;
use crate::{CHUNK, context, is_authentication, open, plaintext, provider, sealed};

/// Polls a number of times, then drops the future. Returns whether it was ready.
fn poll_then_drop<F: Future>(future: F, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..polls).any(|_| matches!(future.as_mut().poll(&mut cx), Poll::Ready(_)))
}

#[tokio::test]
async fn a_cancelled_sealing_leaves_nothing_that_opens() {
    let plaintext = plaintext(2 * CHUNK + 100);
    let mut cancelled = 0;
    for polls in 0.. {
        let mut written = Vec::new();
        // Not ready before every read and before every write.
        let (reader, writer) =
            (Choppy::new(&plaintext[..], &[0, 40_000]), Choppy::new(&mut written, &[0, 30_000]));
        if poll_then_drop(seal_stream(reader, writer, &context(), &provider()), polls) {
            assert_eq!(open(&written).await.0, plaintext);
            break;
        }
        let (opened, outcome) = open(&written).await;
        // Everything may be written, so that only the flush is missing.
        if let Err(error) = outcome {
            assert!(
                written.is_empty() || is_authentication(&error) || written.len() < 200,
                "{polls}: {error}"
            );
            assert!(plaintext.starts_with(&opened));
            cancelled += 1;
        } else {
            assert_eq!(opened, plaintext);
        }
    }
    assert!(cancelled > 8, "only {cancelled} points");
}

#[tokio::test]
async fn a_cancelled_opening_has_written_only_complete_chunks() {
    let plaintext = plaintext(2 * CHUNK + 100);
    let stream = sealed(&plaintext).await;
    for polls in 0.. {
        let mut written = Vec::new();
        let (reader, writer) =
            (Choppy::new(&stream[..], &[0, 40_000]), Choppy::new(&mut written, &[0, CHUNK]));
        let ready = poll_then_drop(open_stream(reader, writer, &context(), &provider()), polls);
        assert!(plaintext.starts_with(&written), "{polls}");
        assert!(written.len() % CHUNK == 0 || written == plaintext, "{polls}");
        if ready {
            break;
        }
    }
}

#[tokio::test]
async fn a_writer_without_shutdown_leaves_nothing_that_opens() {
    for length in [0, 1, 1023, 1024, 1025, 5000] {
        let mut written = Vec::new();
        let sealer =
            StreamSealer::with_chunk_size(ChunkSize::MIN, &context(), &provider()).await.unwrap();
        let mut writer = SealWriter::new(sealer, &mut written);
        writer.write_all(&plaintext(length)).await.unwrap();
        writer.flush().await.unwrap();
        drop(writer);
        assert!(is_authentication(&open(&written).await.1.unwrap_err()), "{length}");
    }
}

#[tokio::test]
async fn no_plaintext_can_follow_the_end() {
    let sealer = StreamSealer::new(&context(), &provider()).await.unwrap();
    let mut stream = Vec::new();
    let mut writer = SealWriter::new(sealer, &mut stream);
    writer.write_all(b"all of it").await.unwrap();
    writer.shutdown().await.unwrap();
    writer.shutdown().await.unwrap();
    assert_eq!(writer.write(b"").await.unwrap(), 0, "nothing is no more than nothing");
    let error = writer.write_all(b"more").await.unwrap_err();
    assert_eq!(error.to_string(), "the sealed stream was ended already: no plaintext can follow");
    assert_eq!(open(&stream).await.0, b"all of it");
}

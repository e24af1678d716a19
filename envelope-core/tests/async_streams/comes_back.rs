//! The same plaintext comes out, however the bytes are split.

use envelope_core::{
    ChunkSize, OpenReader, SealReader, SealWriter, StreamSealer, UntrustedStreamHeader,
    open_stream, seal_stream,
};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::choppy::Choppy;
use crate::{CHUNK, context, open, plaintext, provider, sealed};

const SMALL: usize = 1024;

/// Sizes of reads and writes, and polls that are not ready.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![Just(0), 1..20usize, SMALL - 2..SMALL + 20, Just(5000)];
    (proptest::collection::vec(size, 0..6), 1..2000usize).prop_map(|(mut sizes, some)| {
        sizes.push(some);
        sizes
    })
}

/// Lengths at and around the boundaries of chunks.
fn length() -> impl Strategy<Value = usize> {
    (0..4usize, 0..5usize).prop_map(|(chunks, more)| (chunks * SMALL + more).saturating_sub(2))
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

async fn sealer() -> StreamSealer {
    StreamSealer::with_chunk_size(ChunkSize::MIN, &context(), &provider()).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn seldom_ready_readers_and_writers_change_nothing(length in length(), inner in sizes(), outer in sizes()) {
        run(async {
            let plaintext = plaintext(length);
            let mut stream = Vec::new();
            let reader = SealReader::new(sealer().await, Choppy::new(&plaintext[..], &inner));
            Choppy::new(reader, &outer).read_to_end(&mut stream).await.unwrap();

            let mut opened = Choppy::new(Vec::new(), &inner);
            let reader = Choppy::new(&stream[..], &outer);
            let bytes = open_stream(reader, &mut opened, &context(), &provider()).await.unwrap();
            assert_eq!((bytes, &opened.inner), (length as u64, &plaintext));

            let mut bytes = Choppy::new(&stream[..], &inner);
            let header = UntrustedStreamHeader::read_async(&mut bytes).await.unwrap();
            let reader = OpenReader::new(header.open(&context(), &provider()).await.unwrap(), bytes);
            let mut opened = Vec::new();
            Choppy::new(reader, &outer).read_to_end(&mut opened).await.unwrap();
            assert_eq!(opened, plaintext);
        });
    }

    #[test]
    fn a_seldom_ready_writer_gets_the_whole_stream_by_its_shutdown(length in length(), inner in sizes(), outer in sizes()) {
        run(async {
            let plaintext = plaintext(length);
            let mut stream = Choppy::new(Vec::new(), &inner);
            let mut writer = SealWriter::new(sealer().await, &mut stream);
            for part in plaintext.chunks(outer.iter().sum::<usize>()) {
                writer.write_all(part).await.unwrap();
                writer.flush().await.unwrap();
            }
            writer.shutdown().await.unwrap();
            let (opened, outcome) = open(&stream.inner).await;
            assert_eq!((outcome.unwrap(), opened), (length as u64, plaintext));
        });
    }
}

#[tokio::test]
async fn objects_at_chunk_boundaries_open_again() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
        let plaintext = plaintext(length);
        let mut stream = Vec::new();
        let written =
            seal_stream(&plaintext[..], &mut stream, &context(), &provider()).await.unwrap();
        assert_eq!(written, stream.len() as u64);
        let (opened, outcome) = open(&stream).await;
        assert_eq!((outcome.unwrap(), opened), (length as u64, plaintext));
    }
}

#[tokio::test]
async fn asynchronous_and_blocking_streams_are_the_same() {
    let stream = sealed(&plaintext(3000)).await;
    let mut bytes = &stream[..];
    let header = UntrustedStreamHeader::read(&mut bytes).unwrap();
    let mut opened = Vec::new();
    let mut reader = OpenReader::new(header.open(&context(), &provider()).await.unwrap(), bytes);
    std::io::copy(&mut reader, &mut opened).unwrap();
    assert_eq!(opened, plaintext(3000));

    let mut stream = Vec::new();
    std::io::copy(&mut SealReader::new(sealer().await, &plaintext(3000)[..]), &mut stream).unwrap();
    assert_eq!(open(&stream).await.0, plaintext(3000));
}

//! The end of the longest stream, after 2^32 chunks.
#![allow(clippy::unwrap_used)]

use crate::provider::{LocalKeyProvider, RootKey};
use crate::stream::chunk_size::ChunkSize;
use crate::stream::header::UntrustedStreamHeader;
use crate::stream::seal::StreamSealer;
use crate::{Context, SealError};

const LAST: u64 = u32::MAX as u64;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A sealer that continues with chunk number `chunk`, and its header.
fn far(provider: &LocalKeyProvider, chunk: u64) -> (StreamSealer, Vec<u8>) {
    let mut sealer =
        block_on(StreamSealer::with_chunk_size(ChunkSize::MIN, &Context::new("far"), provider))
            .unwrap();
    let header = sealer.output().to_vec();
    sealer.consume(header.len());
    sealer.skip_to(chunk);
    (sealer, header)
}

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

#[test]
fn the_last_chunk_of_the_longest_stream_opens() {
    let provider = provider();
    let (mut sealer, header) = far(&provider, LAST);
    assert_eq!(sealer.push(b"the end").unwrap(), 7);
    sealer.finish().unwrap();

    let header = UntrustedStreamHeader::parse(&header).unwrap();
    let mut opener = block_on(header.open(&Context::new("far"), &provider)).unwrap();
    opener.skip_to(LAST);
    opener.push(sealer.output()).unwrap();
    opener.finish().unwrap();
    assert_eq!(opener.output(), b"the end");
}

#[test]
fn no_chunk_number_is_used_twice() {
    let (mut sealer, _) = far(&provider(), LAST);
    sealer.push(&[0; 1025]).unwrap();
    assert!(!sealer.output().is_empty(), "chunk 2^32 - 1 is one of 2^32");
    sealer.consume(sealer.output().len());
    for _ in 0..2 {
        assert!(matches!(sealer.finish(), Err(SealError::TooManyChunks)));
        assert!(sealer.output().is_empty() && !sealer.is_finished());
    }

    let (mut sealer, _) = far(&provider(), LAST + 1);
    assert!(matches!(sealer.push(&[0; 1025]), Err(SealError::TooManyChunks)));
    assert!(sealer.finish().is_err() && sealer.space().is_empty());
}

#[test]
fn an_object_that_is_too_long_has_no_sealed_length() {
    let (sealer, header) = far(&provider(), 0);
    let most = 1024 << 32;
    assert_eq!(sealer.sealed_len(most), Some(header.len() as u64 + most + (16 << 32)));
    assert_eq!((sealer.sealed_len(most + 1), sealer.sealed_len(u64::MAX)), (None, None));
}

#[test]
fn debug_shows_no_key_and_no_plaintext() {
    let provider = provider();
    let (mut sealer, header) = far(&provider, 0);
    sealer.push(b"4111 1111 1111 1111").unwrap();
    assert_eq!(format!("{sealer:?}"), "StreamSealer(0 chunks of 1024 bytes)");
    let header = UntrustedStreamHeader::parse(&header).unwrap();
    assert_eq!(
        format!("{header:?}"),
        "UntrustedStreamHeader { chunk_bytes: 1024, encrypted_dek: EncryptedDek { form: Raw, keys: \
         [WrappedKey(local, 72 bytes)] }, .. }"
    );
    let opener = block_on(header.open(&Context::new("far"), &provider)).unwrap();
    assert_eq!(format!("{opener:?}"), "StreamOpener(0 chunks of 1024 bytes)");
}

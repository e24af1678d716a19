//! Streams with `std::io` and without I/O: lengths, attacks and interruptions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod attacks;
mod headers;
mod interrupted;
mod lengths;
mod whole_files;

use std::io::{self, Read};

use envelope_core::{
    ChunkSize, Context, LocalKeyProvider, OpenError, OpenReader, OpenStreamError,
    OpenStreamErrorKind, RootKey, SealReader, StreamOpener, StreamSealer, UntrustedStreamHeader,
};

const CHUNK: usize = 1024;
const TAG: usize = 16;

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[7; 32]).unwrap())
}

fn context() -> Context<'static> {
    Context::new("invoices").pair("object", "2026/11/invoice-7.pdf").unwrap()
}

/// The local provider never waits.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the local provider never waits"),
    }
}

fn sealer(context: &Context<'_>) -> StreamSealer {
    block_on(StreamSealer::with_chunk_size(ChunkSize::MIN, context, &provider())).unwrap()
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    SealReader::new(sealer(&context()), plaintext).read_to_end(&mut sealed).unwrap();
    sealed
}

fn opener(stream: &mut impl Read, context: &Context<'_>) -> Result<StreamOpener, OpenStreamError> {
    block_on(UntrustedStreamHeader::read(stream)?.open(context, &provider()))
}

/// The released plaintext, and whether it is complete.
fn open_for(mut stream: &[u8], context: &Context<'_>) -> (Vec<u8>, Result<(), OpenStreamError>) {
    let mut released = Vec::new();
    let outcome = opener(&mut stream, context).and_then(|opener| {
        let read = OpenReader::new(opener, stream).read_to_end(&mut released);
        read.map(|_| ()).map_err(open_error)
    });
    (released, outcome)
}

fn open(stream: &[u8]) -> (Vec<u8>, Result<(), OpenStreamError>) {
    open_for(stream, &context())
}

fn open_error(error: io::Error) -> OpenStreamError {
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    *error.into_inner().unwrap().downcast().unwrap()
}

fn is_authentication(error: &OpenStreamError) -> bool {
    matches!(error.kind(), OpenStreamErrorKind::Open(OpenError::Authentication))
}

fn header_bytes(stream: &[u8]) -> usize {
    67 + u32::from_be_bytes(stream[63..67].try_into().unwrap()) as usize
}

/// Header and chunks.
fn parts(stream: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (header, chunks) = stream.split_at(header_bytes(stream));
    (header, chunks.chunks(CHUNK + TAG).collect())
}

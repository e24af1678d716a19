//! Streams with asynchronous readers and writers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod choppy;
mod comes_back;
mod dropped;
mod failing;

use envelope_core::{
    Context, LocalKeyProvider, OpenError, OpenStreamError, OpenStreamErrorKind, RootKey,
    open_stream, seal_stream,
};

const CHUNK: usize = 65_536;

fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[7; 32]).unwrap())
}

fn context() -> Context<'static> {
    Context::new("invoices").pair("object", "2026/11/invoice-7.pdf").unwrap()
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

async fn sealed(plaintext: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    seal_stream(plaintext, &mut sealed, &context(), &provider()).await.unwrap();
    sealed
}

/// The written plaintext, and whether it is complete.
async fn open(stream: &[u8]) -> (Vec<u8>, Result<u64, OpenStreamError>) {
    let mut opened = Vec::new();
    let outcome = open_stream(stream, &mut opened, &context(), &provider()).await;
    (opened, outcome)
}

fn is_authentication(error: &OpenStreamError) -> bool {
    matches!(error.kind(), OpenStreamErrorKind::Open(OpenError::Authentication))
}

//! Seals and opens data of any size in constant memory: files, uploads, downloads.
//!
//! | to | use |
//! |---|---|
//! | copy from a reader to a writer of tokio | [`seal_stream`], [`open_stream`] |
//! | open into a file that appears only when the stream is complete | [`open_to_file`] |
//! | seal what you write | [`SealWriter`] |
//! | seal what you read, such as the body of an upload | [`SealReader`] |
//! | open what you read | [`OpenReader`] |
//! | do the I/O yourself | [`StreamSealer`], [`StreamOpener`] |
//!
//! Readers and writers implement the traits of `std::io` and of `tokio::io`. Each holds one chunk
//! in memory, of 64 KiB by default ([`ChunkSize`]).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use envelope_dynamo::message::Context;
//! use envelope_dynamo::stream::{open_stream, seal_stream};
//! use envelope_dynamo::{LocalKeyProvider, RootKey};
//!
//! let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
//! let (mut sealed, mut opened) = (Vec::new(), Vec::new());
//! seal_stream(&[7; 200_000][..], &mut sealed, &context, &provider).await?;
//! open_stream(&sealed[..], &mut opened, &context, &provider).await?;
//! assert_eq!(opened, [7; 200_000]);
//!
//! // A truncated stream is an error, although its first chunks were authentic.
//! let truncated = &sealed[..150_000];
//! assert!(open_stream(truncated, &mut Vec::new(), &context, &provider).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Security
//!
//! Plaintext that was read is authentic, but complete only when the stream has ended without an
//! error. Do not act on a part of it that would be wrong without the rest.

#[doc(inline)]
pub use envelope_core::{
    ChunkSize, OpenReader, OpenStreamError, OpenStreamErrorKind, SealReader, SealStreamError,
    SealWriter, StreamOpener, StreamSealer, UntrustedStreamHeader, open_stream, open_to_file,
    seal_stream,
};

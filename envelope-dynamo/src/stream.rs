//! Seals and opens data of any size in constant memory: files, uploads, downloads.
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
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

#[doc(inline)]
pub use envelope_core::{
    ChunkSize, OpenReader, OpenStreamError, OpenStreamErrorKind, SealReader, SealStreamError,
    SealWriter, StreamOpener, StreamSealer, UntrustedStreamHeader, open_stream, open_to_file,
    seal_stream,
};

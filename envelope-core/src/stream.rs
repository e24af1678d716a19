//! Objects of any size: sealed and opened chunk by chunk, in bounded memory (FORMAT 12).
//!
//! | to | use |
//! |---|---|
//! | seal what you write | [`SealWriter`] |
//! | seal what you read, such as the body of an upload | [`SealReader`] |
//! | open what you read | [`OpenReader`] |
//! | open into a file that appears only when the stream is complete | [`open_to_file`] |
//! | copy from a reader to a writer of tokio (feature `tokio`) | `seal_stream`, `open_stream` |
//! | do the I/O yourself | [`StreamSealer`], [`StreamOpener`] |
//!
//! Readers and writers implement the traits of `std::io` and, with the feature `tokio`, those of
//! `tokio::io`. Each holds one chunk in memory, of 64 KiB by default ([`ChunkSize`]).
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # use envelope_core::{Context, LocalKeyProvider, RootKey};
//! use std::io::{Read, Write};
//! use envelope_core::stream::{OpenReader, SealWriter, StreamSealer, UntrustedStreamHeader};
//!
//! # let provider = LocalKeyProvider::new(RootKey::generate()?);
//! let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
//! let mut writer = SealWriter::new(StreamSealer::new(&context, &provider).await?, Vec::new());
//! writer.write_all(b"%PDF-2.0")?;
//! let sealed = writer.finish()?;
//!
//! let mut sealed = &sealed[..];
//! let header = UntrustedStreamHeader::read(&mut sealed)?;
//! let mut reader = OpenReader::new(header.open(&context, &provider).await?, sealed);
//! let mut plaintext = Vec::new();
//! reader.read_to_end(&mut plaintext)?; // complete, since it ended without an error
//! assert_eq!(plaintext, b"%PDF-2.0");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

mod chunk_buffer;
mod chunk_size;
mod error;
mod file;
mod header;
mod key;
mod open;
#[cfg(feature = "tokio")]
mod poll;
mod read;
mod seal;
#[cfg(feature = "tokio")]
mod transfer;
mod write;

#[cfg(test)]
mod tests;

pub use chunk_size::ChunkSize;
pub use error::{OpenStreamError, OpenStreamErrorKind, SealStreamError};
pub use file::open_to_file;
pub use header::UntrustedStreamHeader;
pub use open::StreamOpener;
pub use read::{OpenReader, SealReader};
pub use seal::StreamSealer;
#[cfg(feature = "tokio")]
pub use transfer::{open_stream, seal_stream};
pub use write::SealWriter;

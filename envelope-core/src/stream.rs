//! Objects of any size: sealed and opened chunk by chunk, in memory that does not grow with them
//! (FORMAT 12).
//!
//! [`StreamSealer`] and [`StreamOpener`] hold one chunk and do no I/O; around them stand readers
//! and writers.

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
mod chunk_buffer;
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

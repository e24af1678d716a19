//! Copying whole objects from an asynchronous reader to an asynchronous writer.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::context::Context;
use crate::provider::{UnwrapKey, WrapKey};
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind, SealStreamError};
use crate::stream::header::UntrustedStreamHeader;
use crate::stream::poll::{flush, read, write};
use crate::stream::seal::StreamSealer;

/// Seals everything that `reader` returns, and writes the stream to `writer`. Returns how many
/// bytes were written.
///
/// The stream is bound to `context`, under a new data key of `provider`. `writer` is flushed but
/// not shut down. One chunk of 64 KiB is held in memory, whatever the size of the object.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{LocalKeyProvider, RootKey};
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::message::Context;
/// use envelope_dynamo::stream::{open_stream, seal_stream};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// let context = Context::new("invoices").pair("object", "2026/11/invoice-7.pdf")?;
/// let mut sealed = Vec::new();
/// let written = seal_stream(&b"%PDF-2.0"[..], &mut sealed, &context, &provider).await?;
/// assert_eq!(written, sealed.len() as u64);
///
/// let mut opened = Vec::new();
/// assert_eq!(open_stream(&sealed[..], &mut opened, &context, &provider).await?, 8);
/// assert_eq!(opened, b"%PDF-2.0");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If the provider returns no data key, or if reading or writing fails. The part that was written
/// does not open. The same holds if the future is dropped.
pub async fn seal_stream(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    context: &Context<'_>,
    provider: &(impl WrapKey + ?Sized),
) -> Result<u64, SealStreamError> {
    let mut sealer = StreamSealer::new(context, provider).await?;
    let mut written = 0;
    loop {
        while !sealer.output().is_empty() {
            let n = write(&mut writer, sealer.output()).await.map_err(SealStreamError::Write)?;
            sealer.consume(n);
            written += n as u64;
        }
        if sealer.is_finished() {
            break;
        }
        match read(&mut reader, sealer.space()).await.map_err(SealStreamError::Read)? {
            0 => sealer.finish()?,
            n => sealer.filled(n)?,
        }
    }
    flush(&mut writer).await.map_err(SealStreamError::Write)?;
    Ok(written)
}

/// Opens the stream that `reader` returns, and writes the plaintext to `writer`. Returns how many
/// bytes were written.
///
/// `context` must be the one that the stream was sealed for. `writer` is flushed but not shut down.
///
/// # Security
///
/// The plaintext of a chunk is written as soon as the chunk has proved authentic, **before the end
/// of the stream was read**. The plaintext is known to be complete only when this function returns
/// `Ok`. After an error, [`OpenStreamError::released_bytes`] says how many bytes were written, and
/// the caller must discard them. The same holds if the future is dropped. So write to a place where
/// nobody reads yet, and publish the object afterwards: rename a temporary file
/// ([`open_to_file`](crate::open_to_file) does that), complete an upload, or commit a transaction.
///
/// # Errors
///
/// If the bytes are not a stream, if they were changed, truncated or sealed for another context, if
/// the provider does not unwrap the data key, or if reading or writing fails.
pub async fn open_stream(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    context: &Context<'_>,
    provider: &(impl UnwrapKey + ?Sized),
) -> Result<u64, OpenStreamError> {
    let header = UntrustedStreamHeader::read_async(&mut reader).await?;
    let mut opener = header.open(context, provider).await?;
    while !opener.is_finished() {
        let released = opener.released_bytes();
        let read = read(&mut reader, opener.space()).await;
        match read
            .map_err(|error| OpenStreamError::after(OpenStreamErrorKind::Read(error), released))?
        {
            0 => opener.finish()?,
            n => opener.filled(n)?,
        }
        while !opener.output().is_empty() {
            let released = opener.released_bytes();
            let n = write(&mut writer, opener.output()).await.map_err(|error| {
                OpenStreamError::after(OpenStreamErrorKind::Write(error), released)
            })?;
            opener.consume(n);
        }
    }
    let released = opener.released_bytes();
    flush(&mut writer)
        .await
        .map_err(|error| OpenStreamError::after(OpenStreamErrorKind::Write(error), released))?;
    Ok(released)
}

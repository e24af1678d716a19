//! From an asynchronous reader to an asynchronous writer, whole objects.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::context::Context;
use crate::provider::{UnwrapKey, WrapKey};
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind, SealStreamError};
use crate::stream::header::UntrustedStreamHeader;
use crate::stream::poll::{flush, read, write};
use crate::stream::seal::StreamSealer;

/// Seals all that `reader` gives, under a new data key of `provider`, bound to `context`, and
/// writes it to `writer`, which is flushed but not shut down. Returns how many bytes were written.
///
/// Memory does not grow with the object: it holds one chunk of 64 KiB.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use envelope_core::{LocalKeyProvider, RootKey};
/// use envelope_core::{Context, open_stream, seal_stream};
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
/// When no data key is to be had, or reading or writing fails. What was written by then does not
/// open, and neither does what was written when the future is dropped.
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

/// Opens all that `reader` gives, for the context it was sealed for, and writes the plaintext to
/// `writer`, which is flushed but not shut down. Returns how many bytes were written.
///
/// # Security
///
/// Plaintext is written as soon as its chunk has proved authentic, **before the end is seen**: that
/// the object is whole is known only when this returns `Ok`. On an error,
/// [`OpenStreamError::released_bytes`] says how much was written, and the caller must discard it;
/// when the future is dropped, likewise. So write to a place that nobody looks at yet, and
/// move it when this has returned: a temporary file renamed ([`open_to_file`](crate::open_to_file)
/// does that), an upload completed, a transaction committed.
///
/// # Errors
///
/// When the stream is none, was sealed for another context, changed or cut short; when no data key
/// is to be had; when reading or writing fails.
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

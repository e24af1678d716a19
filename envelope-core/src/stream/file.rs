//! Opening a stream into a file that appears only when it is complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::random;
use crate::stream::error::{OpenStreamError, OpenStreamErrorKind};
use crate::stream::open::StreamOpener;

/// Opens a stream into the file `path`. The file appears, or is replaced, only when the whole
/// stream has proved authentic. Returns the length of the plaintext.
///
/// `reader` continues behind the header, which the caller has read.
///
/// Until the end, the plaintext is in a temporary file in the same folder, named `.`, 16
/// hexadecimal digits and `.part`. It is removed on failure; only a process that is killed leaves
/// it behind. On Unix, only the owner may read either file, and the file and its folder are synced
/// to the disk when this function returns. The function blocks: in an asynchronous program, call it
/// in `tokio::task::spawn_blocking`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # use std::io::Read;
/// # use envelope_core::{Context, LocalKeyProvider, RootKey, SealReader, StreamSealer};
/// # use envelope_core as envelope_dynamo;
/// use envelope_dynamo::stream::{UntrustedStreamHeader, open_to_file};
///
/// # let provider = LocalKeyProvider::new(RootKey::generate()?);
/// # let context = Context::new("invoices");
/// # let mut sealed = Vec::new();
/// # let sealer = StreamSealer::new(&context, &provider).await?;
/// # SealReader::new(sealer, &b"%PDF-2.0"[..]).read_to_end(&mut sealed)?;
/// # let path = std::env::temp_dir().join(format!("envelope-{}.pdf", std::process::id()));
/// let mut sealed = &sealed[..];
/// let header = UntrustedStreamHeader::read(&mut sealed)?;
/// open_to_file(header.open(&context, &provider).await?, sealed, &path)?;
/// assert_eq!(std::fs::read(&path)?, b"%PDF-2.0");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
///
/// If the stream was changed or truncated, or if reading, writing or renaming fails. No plaintext
/// is left behind, so [`released_bytes`](OpenStreamError::released_bytes) is 0. If only the sync of
/// the folder fails, that is an error of writing too, but the complete file is at `path`.
pub fn open_to_file(
    opener: StreamOpener,
    reader: impl Read,
    path: impl AsRef<Path>,
) -> Result<u64, OpenStreamError> {
    open_and_sync(opener, reader, path.as_ref(), sync_folder)
}

fn open_and_sync(
    mut opener: StreamOpener,
    reader: impl Read,
    path: &Path,
    sync_folder: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<u64, OpenStreamError> {
    let mut part = Part::beside(path).map_err(OpenStreamErrorKind::Write)?;
    let bytes =
        copy(&mut opener, reader, &mut part.file).map_err(OpenStreamError::nothing_released)?;
    let written =
        part.file.sync_all().and_then(|()| part.rename(path)).and_then(|()| sync_folder(path));
    written.map_err(OpenStreamErrorKind::Write)?;
    Ok(bytes)
}

/// Syncs the folder of `path` to the disk. Without it, the new file may be missing after a power
/// failure.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Other systems cannot sync a folder.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn copy(
    opener: &mut StreamOpener,
    mut reader: impl Read,
    file: &mut File,
) -> Result<u64, OpenStreamError> {
    while !opener.is_finished() {
        match reader.read(opener.space()) {
            Ok(0) => opener.finish()?,
            Ok(n) => opener.filled(n)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(OpenStreamErrorKind::Read(error).into()),
        }
        file.write_all(opener.output()).map_err(OpenStreamErrorKind::Write)?;
        opener.consume(opener.output().len());
    }
    Ok(opener.released_bytes())
}

/// A file that is removed when it is dropped, unless it has been renamed.
struct Part {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Part {
    fn beside(path: &Path) -> io::Result<Self> {
        if path.file_name().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        }
        let mut number = [0; 8];
        random::fill(&mut number).map_err(io::Error::other)?;
        // A name of its own: the name of the file may have the maximum length already, so that
        // nothing can be added to it.
        let path = path.with_file_name(format!(".{:016x}.part", u64::from_be_bytes(number)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: options.open(&path)?, path, renamed: false })
    }

    fn rename(&mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.renamed {
            // A failure is ignored: the caller gets the error that led here.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::{self, Read as _};
    use std::path::Path;

    use super::{open_and_sync, sync_folder};
    use crate::context::Context;
    use crate::provider::{LocalKeyProvider, RootKey};
    use crate::stream::error::OpenStreamErrorKind;
    use crate::stream::header::UntrustedStreamHeader;
    use crate::stream::read::SealReader;
    use crate::stream::seal::StreamSealer;

    #[tokio::test]
    async fn the_folder_is_synced_after_the_file_was_renamed() {
        let provider = LocalKeyProvider::new(RootKey::generate().expect("a root key"));
        let context = Context::new("invoices");
        let sealer = StreamSealer::new(&context, &provider).await.expect("a sealer");
        let mut sealed = Vec::new();
        SealReader::new(sealer, &b"%PDF-2.0"[..]).read_to_end(&mut sealed).expect("it is sealed");
        let mut sealed = &sealed[..];
        let header = UntrustedStreamHeader::read(&mut sealed).expect("a header");
        let opener = header.open(&context, &provider).await.expect("an opener");

        let path = std::env::temp_dir().join(format!("envelope-synced-{}", std::process::id()));
        let opened = open_and_sync(opener, sealed, &path, |synced| {
            assert_eq!((synced, std::fs::read(synced)?), (path.as_path(), b"%PDF-2.0".to_vec()));
            Err(io::Error::other("the disk is gone"))
        });
        std::fs::remove_file(&path).expect("the file is there");
        let error = opened.expect_err("the folder was not synced");
        assert!(matches!(error.kind(), OpenStreamErrorKind::Write(_)), "{error}");
    }

    #[test]
    fn the_folder_is_synced_and_not_the_file() {
        assert!(sync_folder(Path::new("file")).is_ok(), "the working directory");
        assert!(sync_folder(&std::env::temp_dir().join("no such file")).is_ok());
        assert!(sync_folder(Path::new("no such folder/file")).is_err());
    }
}

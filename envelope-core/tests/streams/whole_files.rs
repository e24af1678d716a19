//! Files that appear only when they are complete.

use std::fs;
use std::io;
use std::path::PathBuf;

use envelope_core::{Fault, OpenStreamErrorKind, open_to_file};

use crate::lengths::Choppy;
use crate::{CHUNK, context, is_authentication, opener, plaintext, sealed};

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("streams-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn files(folder: &PathBuf) -> Vec<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_complete_stream_becomes_a_file() {
    let (folder, stream) = (folder("whole"), sealed(&plaintext(5000)));
    let mut bytes = &stream[..];
    let opener = opener(&mut bytes, &context()).unwrap();
    assert_eq!(open_to_file(opener, bytes, folder.join("invoice.pdf")).unwrap(), 5000);
    assert_eq!(fs::read(folder.join("invoice.pdf")).unwrap(), plaintext(5000));
    assert_eq!(files(&folder), ["invoice.pdf"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.join("invoice.pdf")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// The longest name that Unix file systems allow. The temporary file has a shorter one.
#[test]
fn a_file_may_have_the_longest_possible_name() {
    let (folder, stream) = (folder("names"), sealed(b"text"));
    for length in [232, 233, 255] {
        let mut bytes = &stream[..];
        let opener = opener(&mut bytes, &context()).unwrap();
        let path = folder.join("n".repeat(length));
        assert_eq!(open_to_file(opener, bytes, &path).unwrap(), 4);
        assert_eq!(fs::read(path).unwrap(), b"text");
    }
    assert_eq!(files(&folder).len(), 3);
}

#[test]
fn a_path_without_a_folder_is_allowed() {
    let (folder, stream) = (folder("working"), sealed(b"text"));
    let name = format!("envelope-{}.txt", std::process::id());
    let mut bytes = &stream[..];
    open_to_file(opener(&mut bytes, &context()).unwrap(), bytes, &name).unwrap();
    fs::rename(&name, folder.join(&name)).unwrap();
    assert_eq!(files(&folder), [name]);
}

#[test]
fn interruptions_by_signals_are_retried() {
    let (folder, stream) = (folder("interrupted"), sealed(&plaintext(5000)));
    let mut bytes = &stream[..];
    let opener = opener(&mut bytes, &context()).unwrap();
    let reader = Choppy::new(bytes, vec![0, 300, 0, 0, 2000]);
    assert_eq!(open_to_file(opener, reader, folder.join("invoice.pdf")).unwrap(), 5000);
    assert_eq!(fs::read(folder.join("invoice.pdf")).unwrap(), plaintext(5000));
}

#[test]
fn a_truncated_stream_leaves_the_old_file_unchanged() {
    let (folder, stream) = (folder("cut"), sealed(&plaintext(5 * CHUNK)));
    for old in [None, Some("the old file")] {
        if let Some(old) = old {
            fs::write(folder.join("invoice.pdf"), old).unwrap();
        }
        let mut bytes = &stream[..stream.len() - 1];
        let opener = opener(&mut bytes, &context()).unwrap();
        let error = open_to_file(opener, bytes, folder.join("invoice.pdf")).unwrap_err();
        assert!(is_authentication(&error));
        assert_eq!((error.released_bytes(), error.fault()), (0, Fault::Data));
        assert_eq!(files(&folder).len(), usize::from(old.is_some()));
        assert_eq!(fs::read_to_string(folder.join("invoice.pdf")).ok().as_deref(), old);
    }
}

#[test]
fn a_reader_that_fails_leaves_nothing() {
    struct Fails;
    impl io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let (folder, stream) = (folder("reader"), sealed(b"text"));
    let opener = opener(&mut &stream[..], &context()).unwrap();
    let error = open_to_file(opener, Fails, folder.join("invoice.pdf")).unwrap_err();
    assert!(matches!(error.kind(), OpenStreamErrorKind::Read(_)), "{error:?}");
    assert!(files(&folder).is_empty());
}

#[test]
fn a_path_that_cannot_be_written_is_an_error_of_writing() {
    let (folder, stream) = (folder("path"), sealed(b"text"));
    for path in [folder.join("missing").join("invoice.pdf"), PathBuf::from("..")] {
        let mut bytes = &stream[..];
        let opener = opener(&mut bytes, &context()).unwrap();
        let error = open_to_file(opener, bytes, path).unwrap_err();
        assert!(matches!(error.kind(), OpenStreamErrorKind::Write(_)), "{error:?}");
        assert_eq!(error.fault(), Fault::Operator);
    }
    assert!(files(&folder).is_empty());
}

//! The test vectors that need KMS or a whole item: `vectors/kms-v1` and `vectors/item-v1`.

mod items;
mod kms;
mod played_kms;

use std::fs;
use std::path::Path;

use envelope_dynamo::error::{KeyError, KeyErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Bytes in hexadecimal.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let byte = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes = (0..text.len()).step_by(2).map(byte).collect::<Option<_>>();
        bytes.map(Self).ok_or(format!("not hexadecimal: {text}"))
    }
}

/// Every vector in a folder of `vectors/`, by name; there must be some.
fn in_folder<V: DeserializeOwned>(folder: &str) -> Vec<(String, V)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let read = |path: &std::path::PathBuf| {
        let json = fs::read_to_string(path).expect("the vector is text");
        let vector = serde_json::from_str(&json)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), vector)
    };
    paths.iter().map(read).collect()
}

/// The name under which a vector knows an error about a key.
fn key_failure(error: &KeyError) -> &'static str {
    match error.kind() {
        KeyErrorKind::WrongKey => "key-wrong",
        KeyErrorKind::ContextMismatch => "key-mismatch",
        KeyErrorKind::InvalidResponse => "key-invalid-answer",
        KeyErrorKind::AccessDenied => "key-denied",
        KeyErrorKind::KeyDisabled => "key-disabled",
        KeyErrorKind::PendingDeletion => "key-pending-deletion",
        KeyErrorKind::KeyNotFound => "key-not-found",
        KeyErrorKind::Unreachable => "key-unavailable",
        other => panic!("no vector expects {other:?}: {error}"),
    }
}

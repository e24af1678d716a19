//! The test vectors, which a target compares its input with.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(name)
}

fn read(path: &Path) -> Json {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// One vector of a folder.
pub(crate) fn vector(of: &str, name: &str) -> Json {
    read(&folder(of).join(name).with_extension("json"))
}

/// All vectors of a folder.
pub(crate) fn vectors(of: &str) -> Vec<Json> {
    fs::read_dir(folder(of)).unwrap().map(|entry| read(&entry.unwrap().path())).collect()
}

/// The bytes of a hexadecimal text of a vector.
pub(crate) fn hex(text: &Json) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

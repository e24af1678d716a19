//! Root keys from the environment and from files.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use envelope_core::{
    Context, EncryptionContext, LocalKeyProvider, RootKey, RootKeyError, UnwrapKey, WrapKey,
};

const VARIABLE: &str = "ENVELOPE_TEST_ROOT_KEY";
const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn context() -> EncryptionContext {
    Context::new("letters").encryption_context()
}

/// Asserts that `root` is the key of the bytes 0 to 31: it unwraps what that key wraps.
async fn assert_is_the_key(root: RootKey) {
    let bytes: Vec<u8> = (0..32).collect();
    let expected = LocalKeyProvider::new(RootKey::from_bytes(&bytes).unwrap());
    let generated = expected.generate(&context()).await.unwrap();
    let unwrapped =
        LocalKeyProvider::new(root).unwrap_key(&generated.wrapped, &context()).await.unwrap();
    assert_eq!(unwrapped.expose(), generated.data_key.expose());
}

fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn a_file_holds_raw_bytes_hexadecimal_digits_or_base64() {
    let raw: Vec<u8> = (0..32).collect();
    assert_is_the_key(RootKey::from_file(file("raw", raw)).unwrap()).await;
    assert_is_the_key(RootKey::from_file(file("hex", format!("{HEX}\n"))).unwrap()).await;
    assert_is_the_key(RootKey::from_file(file("base64", format!("{BASE64}\r\n"))).unwrap()).await;
    assert!(matches!(RootKey::from_file(file("short", [7; 31])), Err(RootKeyError::Malformed)));
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    assert!(matches!(RootKey::from_file(nowhere), Err(RootKeyError::File { .. })));
}

/// A process cannot safely change its own environment, so this test starts itself as another
/// process.
#[tokio::test]
async fn the_environment_holds_hexadecimal_digits_or_base64() {
    if env::var_os(VARIABLE).is_some() {
        assert_is_the_key(RootKey::from_env(VARIABLE).unwrap()).await;
        return;
    }
    let error = RootKey::from_env(VARIABLE).unwrap_err();
    assert!(
        error.to_string().contains(VARIABLE) && error.to_string().contains("openssl rand -hex 32"),
        "{error}"
    );
    for text in [HEX, BASE64] {
        let test = "the_environment_holds_hexadecimal_digits_or_base64";
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test])
            .env(VARIABLE, text)
            .output();
        let child = child.unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        assert!(
            String::from_utf8_lossy(&child.stdout).contains("1 passed"),
            "the other process ran this test"
        );
    }
}

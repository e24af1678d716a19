//! Data keys that are wrapped by a root key in this process.

use std::error::Error;
use std::path::PathBuf;

use envelope_core::{
    DataKey, KeyErrorKind, LocalKeyProvider, Recipient, RootKey, RootKeyError, Value,
};

use super::*;

fn local(byte: u8) -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::from_bytes(&[byte; 32]).unwrap())
}

/// The wrapped key of `provider` for letters to grandmother.
async fn wrap(data_key: &DataKey, provider: &LocalKeyProvider) -> WrappedKey {
    let mut wrapped =
        provider.wrap_data_key(data_key, &letters().encryption_context()).await.unwrap();
    assert_eq!(wrapped.len(), 1);
    wrapped.remove(0)
}

async fn unwrap(wrapped: &[WrappedKey], provider: &LocalKeyProvider) -> Result<DataKey, KeyError> {
    provider.unwrap_key(wrapped, &letters().encryption_context()).await
}

/// FORMAT 6.1: a salt of 24 bytes, a data key of 32 and a tag of 16.
#[tokio::test]
async fn a_wrapped_key_names_the_root_key_and_is_randomized() {
    let provider = local(7);
    let data_key = DataKey::generate().unwrap();
    let [first, second] = [wrap(&data_key, &provider).await, wrap(&data_key, &provider).await];
    let id = &hkdf(&[7; 32], &[], b"envelope local root key id")[..8];
    for key in [&first, &second] {
        assert_eq!((key.kind(), key.id(), key.bytes().len()), (KeyKind::LOCAL, id, 24 + 32 + 16));
        assert_eq!(
            unwrap(std::slice::from_ref(key), &provider).await.unwrap().expose(),
            data_key.expose()
        );
    }
    assert_ne!(first.bytes()[..24], second.bytes()[..24]);
    assert_ne!(first.bytes()[24..56], second.bytes()[24..56]);
    assert_ne!(first.bytes()[24..56], data_key.expose()[..]);
}

#[tokio::test]
async fn each_record_has_its_own_data_key() {
    let provider = local(7);
    let context = letters().encryption_context();
    let [one, other] =
        [provider.generate(&context).await.unwrap(), provider.generate(&context).await.unwrap()];
    assert_ne!(one.data_key.expose(), other.data_key.expose());
    assert_eq!(unwrap(&one.wrapped, &provider).await.unwrap().expose(), one.data_key.expose());
    assert_eq!((one.wrapped.len(), other.wrapped.len()), (1, 1));
}

#[tokio::test]
async fn only_a_provider_with_the_same_root_key_opens() {
    let sealed = seal(b"dear", &letters(), &local(7)).await.unwrap();
    assert_opens(&sealed, &letters(), &local(7)).await;
    let error = refusal(&sealed, &letters(), &local(8)).await;
    assert_eq!(
        error.to_string(),
        "wrong key: the data key is not wrapped by the local root key of this provider"
    );
}

#[tokio::test]
async fn a_data_key_opens_only_for_its_context() {
    let provider = local(7);
    let keyed = letters().partition_key("id", Value::string("7"));
    let generated = provider.generate(&keyed.encryption_context()).await.unwrap();
    for other in [
        letters(),
        letters().partition_key("id", Value::string("8")),
        letters().sort_key("id", Value::string("7")),
        letter_to("grandfather").partition_key("id", Value::string("7")),
        keyed.clone().pair("purpose", "pii").unwrap(),
        Context::new("parcels")
            .pair("to", "grandmother")
            .unwrap()
            .partition_key("id", Value::string("7")),
    ] {
        let error =
            provider.unwrap_key(&generated.wrapped, &other.encryption_context()).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch, "{other:?}");
    }
    assert!(provider.unwrap_key(&generated.wrapped, &keyed.encryption_context()).await.is_ok());
}

#[tokio::test]
async fn a_changed_or_resized_wrapped_key_does_not_open() {
    let provider = local(7);
    let good = wrap(&DataKey::generate().unwrap(), &provider).await;
    let cut = [1, 23, 24, 55, 56, 71].map(|length| good.bytes()[..length].to_vec());
    let longer = [good.bytes(), &[0]].concat();
    for bytes in each_byte_changed(good.bytes()).chain(cut).chain([longer]) {
        let changed = WrappedKey::new(KeyKind::LOCAL, good.id(), bytes).unwrap();
        let error = unwrap(&[changed], &provider).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::ContextMismatch);
        assert_eq!(
            error.to_string(),
            "wrapped for another context, or changed: the local root key could not unwrap this \
             wrapped key"
        );
    }
}

#[tokio::test]
async fn a_provider_finds_its_wrapped_key_by_kind_and_id() {
    let provider = local(7);
    let data_key = DataKey::generate().unwrap();
    let own = wrap(&data_key, &provider).await;
    let others = [
        WrappedKey::new(KeyKind::AWS_KMS, own.id(), own.bytes()).unwrap(),
        WrappedKey::new(KeyKind::LOCAL, [0; 8], own.bytes()).unwrap(),
        WrappedKey::new(KeyKind::LOCAL, &own.id()[..7], own.bytes()).unwrap(),
        wrap(&data_key, &local(8)).await,
    ];
    for other in &others {
        let error = unwrap(std::slice::from_ref(other), &provider).await.unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::WrongKey, "{other:?}");
    }
    let all = [&others[..], &[own]].concat();
    assert_eq!(unwrap(&all, &provider).await.unwrap().expose(), data_key.expose());
    assert_eq!(unwrap(&[], &provider).await.unwrap_err().kind(), KeyErrorKind::WrongKey);
}

#[test]
fn debug_does_not_show_a_root_key() {
    assert_eq!(format!("{:?}", local(7)), "LocalKeyProvider(..)");
    assert_eq!(format!("{:?}", RootKey::generate().unwrap()), "RootKey(..)");
}

// --- root keys

fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("local-{name}"));
    std::fs::write(&path, content).unwrap();
    path
}

/// Whether `root` is the key of these bytes: it unwraps what the other wraps.
async fn assert_is(root: RootKey, bytes: &[u8]) {
    let sealed = seal(b"dear", &letters(), &LocalKeyProvider::new(root)).await.unwrap();
    assert_opens(&sealed, &letters(), &LocalKeyProvider::new(RootKey::from_bytes(bytes).unwrap()))
        .await;
}

#[tokio::test]
async fn a_file_of_32_bytes_is_the_key_as_it_stands_and_any_other_is_text() {
    let ends_in_a_line_break = [&[7; 31][..], b"\n"].concat();
    assert_is(
        RootKey::from_file(file("line-break", &ends_in_a_line_break)).unwrap(),
        &ends_in_a_line_break,
    )
    .await;
    let digits = b"0123456789abcdef0123456789abcdef";
    assert_is(RootKey::from_file(file("digits", digits)).unwrap(), digits).await;
    let upper_and_lower = "0aF0".repeat(16);
    assert_is(RootKey::from_file(file("hex", upper_and_lower)).unwrap(), &[0x0a, 0xf0].repeat(16))
        .await;
    let base64 = base64_simd::STANDARD.encode_to_string([7; 32]);
    assert_is(RootKey::from_file(file("base64", format!("\t{base64} \n"))).unwrap(), &[7; 32])
        .await;
}

#[test]
fn malformed_root_keys_are_refused_from_every_source() {
    for (i, text) in [
        String::new(),
        "7".repeat(31),
        "7".repeat(33),
        "ab".repeat(31),
        "a".repeat(63),
        "a".repeat(65),
        "ab".repeat(33),
        "zz".repeat(32),
        "+f".repeat(32),
        "\u{e9}".repeat(32),
        base64_simd::STANDARD.encode_to_string([7; 31]),
        base64_simd::STANDARD.encode_to_string([7; 33]),
        base64_simd::STANDARD.encode_to_string([7; 32]).replace('=', ""),
    ]
    .into_iter()
    .enumerate()
    {
        let error = RootKey::from_file(file(&format!("malformed-{i}"), &text)).unwrap_err();
        assert!(matches!(error, RootKeyError::Malformed), "{text}: {error}");
    }
    for length in [0, 31, 33, 64] {
        assert!(
            matches!(RootKey::from_bytes(&vec![7; length]), Err(RootKeyError::Malformed)),
            "{length}"
        );
    }
    // Cargo sets this variable for every test.
    assert!(matches!(RootKey::from_env("CARGO_PKG_NAME"), Err(RootKeyError::Malformed)));
}

#[test]
fn an_unreadable_root_key_names_its_source_and_remedy() {
    let error = RootKey::from_env("ENVELOPE_TEST_NO_SUCH_KEY").unwrap_err();
    assert!(
        matches!(&error, RootKeyError::Environment(name) if name == "ENVELOPE_TEST_NO_SUCH_KEY"),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "the environment variable `ENVELOPE_TEST_NO_SUCH_KEY` is not set or is not UTF-8: set it \
         to 64 hexadecimal digits (`openssl rand -hex 32`)"
    );
    assert!(error.source().is_none());

    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("local-nowhere");
    let error = RootKey::from_file(&nowhere).unwrap_err();
    let RootKeyError::File { path, source } = &error else { panic!("{error:?}") };
    assert_eq!((path, source.kind()), (&nowhere, std::io::ErrorKind::NotFound));
    assert_eq!(
        error.to_string(),
        format!("could not read the root key file `{}`: {source}", nowhere.display())
    );

    let error = RootKey::from_bytes(&[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "not a root key: expected 32 bytes, 64 hexadecimal digits, or 32 bytes in base64"
    );
    assert!(error.source().is_none());
}

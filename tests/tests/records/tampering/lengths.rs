//! Every wrong length.

use super::*;

/// `bytes` cut at every length, and with up to 40 bytes added after or before them.
fn of_other_lengths(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let shorter = (0..bytes.len())
        .flat_map(|length| [bytes[..length].to_vec(), bytes[bytes.len() - length..].to_vec()]);
    let longer = (1..=40).flat_map(move |more| {
        let (zeros, own) = (vec![0; more], bytes[..more.min(bytes.len())].to_vec());
        [[bytes, &zeros].concat(), [bytes, &own].concat(), [&zeros, bytes].concat()]
    });
    shorter.chain(longer)
}

#[tokio::test]
async fn a_payload_of_any_other_length_is_refused() {
    let servers = Servers::from_env().await.unwrap();
    for keys in everybody(&servers).await.into_iter().map(Keys::remembering) {
        let item = keys.write(&secret("zoe", "4111")).await;
        for bytes in of_other_lengths(&bytes_of(&item, "encrypted_payload")) {
            let (length, item) = (bytes.len(), with(&item, "encrypted_payload", binary(bytes)));
            assert!(keys.read::<Secret>(&item).await.is_err(), "{}: {length} bytes", keys.name);
        }
    }
}

/// A wrapped key that is cut or lengthened is malformed for every reader, and no provider is
/// called.
#[tokio::test]
async fn a_dek_of_any_other_length_is_refused() {
    let servers = Servers::from_env().await.unwrap();
    for keys in everybody(&servers).await {
        let item = keys.write(&secret("zoe", "4111")).await;
        for bytes in of_other_lengths(&bytes_of(&item, "encrypted_dek")) {
            let (length, item) = (bytes.len(), with(&item, "encrypted_dek", binary(bytes)));
            let error = keys.read::<Secret>(&item).await.unwrap_err();
            assert!(error.key_error().is_none(), "{}: {length} bytes: {error}", keys.name);
        }
    }
}

/// The wrapped key inside is cut or lengthened, and the lengths around it are correct.
#[tokio::test]
async fn a_wrapped_key_of_any_other_length_is_refused() {
    use envelope_dynamo::keys::WrappedKey;
    let servers = Servers::from_env().await.unwrap();
    for keys in [local("local", 1), rsa(), kms(&servers), hierarchical(&servers).await] {
        let item = keys.write(&secret("zoe", "4111")).await;
        let dek = EncryptedDek::parse(&bytes_of(&item, "encrypted_dek")).unwrap();
        let entry = &dek.keys()[0];
        let other_bytes = of_other_lengths(entry.bytes()).filter(|bytes| !bytes.is_empty());
        let others = other_bytes.map(|bytes| WrappedKey::new(entry.kind(), entry.id(), bytes));
        let ids =
            of_other_lengths(entry.id()).map(|id| WrappedKey::new(entry.kind(), id, entry.bytes()));
        for other in others.chain(ids).map(Result::unwrap) {
            let dek = EncryptedDek::new(dek.form(), vec![other.clone()]).unwrap();
            let read =
                keys.read::<Secret>(&with(&item, "encrypted_dek", binary(dek.to_bytes()))).await;
            assert!(read.is_err(), "{}: {other:?}", keys.name);
        }
    }
}

//! An attacker who can write the table of branch keys, or the records.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::DataError;
use envelope_dynamo::keys::{
    BranchKey, BranchKeyStore, BranchName, KeyFuture, KeyKind, WrappedKey,
};
use envelope_dynamo::message::ContextForm;

use super::*;

#[tokio::test]
async fn a_pointer_to_another_branchs_version_leads_nowhere() {
    let bench = Bench::with(&["alice", "mallory"]).await;
    bench.point("alice", bench.active("mallory").await).await;
    bench.faults.forget_calls();
    let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::KeyNotFound);
    assert_eq!(bench.kms_calls(), 0);
}

#[tokio::test]
async fn a_key_that_was_copied_to_another_branch_does_not_unwrap() {
    let bench = Bench::with(&["alice", "mallory"]).await;
    let version = bench.active("mallory").await;
    let mut copied = bench.stored("mallory", version).await;
    copied.insert("branch".into(), text("alice"));
    bench.store(copied).await;
    bench.point("alice", version).await;
    let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::ContextMismatch);
    let message = error.key_error().unwrap().to_string();
    assert!(
        message.contains("branch `alice`") && message.contains("put there from elsewhere"),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_that_was_put_in_place_of_another_version_does_not_unwrap() {
    let bench = Bench::with(&["alice"]).await;
    let old = bench.active("alice").await;
    let new = bench.keys().rotate("alice").await.unwrap();
    let mut swapped = bench.stored("alice", old).await;
    swapped.insert("version".into(), text(new));
    bench.store(swapped).await;
    let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::ContextMismatch);
}

#[tokio::test]
async fn a_key_of_another_store_does_not_unwrap() {
    let bench = Bench::with(&["alice"]).await;
    let other = HierarchicalKeyProvider::per_pair(bench.keys_of("staging-keys"), "patient", TTL);
    let error = to_item(&visit(1, "alice"), &other).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::ContextMismatch);
}

/// Returns the key of another branch.
#[derive(Debug)]
struct Confused(Keys);

impl BranchKeyStore for Confused {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { self.0.active(&BranchName::new("mallory")?).await })
    }

    fn branch_key<'a>(
        &'a self,
        _: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move { self.0.branch_key(&BranchName::new("mallory")?, version).await })
    }
}

#[tokio::test]
async fn a_store_that_gives_another_branchs_key_is_not_believed() {
    let bench = Bench::with(&["alice", "mallory"]).await;
    let provider = HierarchicalKeyProvider::per_pair(Confused(bench.keys()), "patient", TTL);
    let error = to_item(&visit(1, "alice"), &provider).await.unwrap_err();
    assert_eq!(kind(&error), KeyErrorKind::InvalidResponse);
}

/// Not prevented; the threat model says so.
#[tokio::test]
async fn a_pointer_that_was_turned_back_makes_an_older_key_of_the_same_branch_active() {
    let bench = Bench::with(&["alice"]).await;
    let old = bench.active("alice").await;
    bench.keys().rotate("alice").await.unwrap();
    bench.point("alice", old).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;
    assert_eq!(version(&item), old);
    assert_eq!(read(&item, &provider).await, Ok(visit(1, "alice")));
}

#[tokio::test]
async fn items_that_make_no_sense_are_refused_as_such() {
    let bench = Bench::with(&["alice"]).await;
    let pointer = bench.stored("alice", "active").await;
    let key = bench.stored("alice", bench.active("alice").await).await;
    let uuid = key["version"].as_s().unwrap();
    let hashed =
        EncryptedDek::new(ContextForm::Hashed, wrapped_keys(&key).keys().to_vec()).unwrap();
    for (item, name, value) in [
        (&pointer, "active_version", text("active")),
        (&pointer, "active_version", text(uuid.to_uppercase())),
        (&pointer, "active_version", AttributeValue::N("1".into())),
        (&pointer, "active_version", AttributeValue::Null(true)),
        (&key, "encrypted_dek", text("AQID")),
        (&key, "encrypted_dek", binary(vec![])),
        (&key, "encrypted_dek", binary(hashed.to_bytes())),
    ] {
        let mut changed = item.clone();
        changed.insert(name.into(), value.clone());
        bench.store(changed).await;
        let error = to_item(&visit(1, "alice"), &bench.provider(TTL)).await.unwrap_err();
        assert_eq!(kind(&error), KeyErrorKind::InvalidResponse, "{name}: {value:?}");
        bench.store(item.clone()).await;
    }
    write("alice", &bench.provider(TTL)).await;
}

#[tokio::test]
async fn a_record_moved_to_another_branch_or_key_does_not_open() {
    let bench = Bench::with(&["alice", "bob"]).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;

    let mut other_branch = item.clone();
    other_branch.insert("patient".into(), text("bob"));
    assert_eq!(read(&other_branch, &provider).await, Err(KeyErrorKind::KeyNotFound));

    let mut other_key = item.clone();
    other_key.insert("id".into(), text("2"));
    let error = from_item::<Visit>(other_key, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");

    let mut other_table = to_item(&letter(1, "alice"), &provider).await.unwrap();
    for name in ["id", "patient"] {
        other_table.insert(name.into(), item[name].clone());
    }
    let mut form = other_table["encrypted_dek"].as_b().unwrap().as_ref().to_vec();
    form[1] = item["encrypted_dek"].as_b().unwrap().as_ref()[1];
    other_table.insert("encrypted_dek".into(), binary(form));
    let error = from_item::<Visit>(other_table, &provider).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");
}

fn with_keys(item: &Item, keys: Vec<WrappedKey>) -> Item {
    let mut item = item.clone();
    item.insert(
        "encrypted_dek".into(),
        binary(EncryptedDek::new(wrapped_keys(&item).form(), keys).unwrap().to_bytes()),
    );
    item
}

#[tokio::test]
async fn an_entry_that_was_changed_does_not_open_the_record() {
    let bench = Bench::with(&["alice", "bob"]).await;
    let provider = bench.provider(TTL);
    let item = write("alice", &provider).await;
    let entry = wrapped_keys(&item).keys()[0].clone();
    let entry_of = |kind, id: &[u8], bytes: &[u8]| WrappedKey::new(kind, id, bytes).unwrap();
    let salt = entry.bytes();
    let bobs = *bench.active("bob").await.as_bytes();
    let mut flipped = salt.to_vec();
    flipped[0] ^= 1;

    let error = from_item::<Visit>(
        with_keys(&item, vec![entry_of(KeyKind::BRANCH, entry.id(), &flipped)]),
        &provider,
    );
    let error = error.await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })), "{error}");

    bench.faults.forget_calls();
    for (key, expected) in [
        (entry_of(KeyKind::BRANCH, &bobs, salt), KeyErrorKind::KeyNotFound),
        (entry_of(KeyKind::BRANCH, &[0; 16], salt), KeyErrorKind::KeyNotFound),
        (entry_of(KeyKind::BRANCH, &entry.id()[..15], salt), KeyErrorKind::WrongKey),
        (entry_of(KeyKind::BRANCH, entry.id(), &salt[..23]), KeyErrorKind::ContextMismatch),
        (
            entry_of(KeyKind::BRANCH, entry.id(), &[salt, &[0]].concat()),
            KeyErrorKind::ContextMismatch,
        ),
        (entry_of(KeyKind::AWS_KMS, entry.id(), salt), KeyErrorKind::WrongKey),
    ] {
        assert_eq!(
            read(&with_keys(&item, vec![key.clone()]), &provider).await,
            Err(expected),
            "{key:?}"
        );
    }
    assert_eq!(bench.kms_calls(), 0, "no record makes a reader use another branch's key");

    let beside = vec![
        entry_of(KeyKind::AWS_KMS, &[0; 4], &[7; 184]),
        entry_of(KeyKind::BRANCH, &[0; 16], salt),
        entry,
    ];
    assert_eq!(
        read(&with_keys(&item, beside), &provider).await,
        Ok(visit(1, "alice")),
        "what others can use is passed over"
    );
}

//! The hints in a record only choose among the configured keys.

use aws_sdk_kms::primitives::Blob;
use envelope_dynamo::error::KeyErrorKind;
use envelope_dynamo::keys::{KeyKind, KmsKeyHint, WrappedKey};
use envelope_dynamo::{Error, from_item, to_item};
use envelope_examples::Fault as Injected;
use envelope_examples::servers::{create_kms_key, disable_kms_key};

use super::{Bench, Item, User, key_error, user, with_wrapped_keys, wrapped_keys};

/// A wrapped key of another KMS key, which that key would unwrap for this record.
async fn foreign_entry(bench: &Bench) -> WrappedKey {
    let theirs = create_kms_key(bench.servers.kms()).await.unwrap();
    let item = to_item(&user("alice"), &bench.provider(&theirs)).await.unwrap();
    wrapped_keys(&item).keys()[0].clone()
}

/// A wrapped key of a kind that no version of this library knows.
fn unknown_entry() -> WrappedKey {
    WrappedKey::new(KeyKind::private(200).unwrap(), *b"somebody else's", [7; 40]).unwrap()
}

fn local_entry() -> WrappedKey {
    WrappedKey::new(KeyKind::LOCAL, [7; 8], [7; 72]).unwrap()
}

/// The wrapped key with one bit of its hint flipped.
fn with_another_hint(entry: &WrappedKey) -> WrappedKey {
    let mut hint = entry.id().to_vec();
    hint[3] ^= 1;
    WrappedKey::new(entry.kind(), hint, entry.bytes()).unwrap()
}

async fn sealed(bench: &Bench) -> (Item, WrappedKey) {
    let item = to_item(&user("alice"), &bench.provider(&bench.key)).await.unwrap();
    let entry = wrapped_keys(&item).keys()[0].clone();
    assert_eq!((entry.kind(), entry.id().len()), (KeyKind::AWS_KMS, KmsKeyHint::BYTES));
    bench.faults.forget_calls();
    (item, entry)
}

#[track_caller]
fn assert_wrong_key(outcome: Result<User, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(key_error(&error).kind(), KeyErrorKind::WrongKey, "{}", key_error(&error));
}

#[tokio::test]
async fn a_changed_hint_is_refused_without_a_call() {
    let bench = Bench::new().await;
    let (item, entry) = sealed(&bench).await;
    let changed = with_wrapped_keys(&item, vec![with_another_hint(&entry)]);
    let (_, id) = bench.key.split_once(":key/").unwrap();
    for name in [&bench.key, id] {
        assert_wrong_key(from_item(changed.clone(), &bench.provider(name)).await);
    }
    assert_eq!(bench.faults.calls("Decrypt"), 0);
}

#[tokio::test]
async fn a_changed_hint_is_refused_under_an_alias_as_well() {
    let bench = Bench::new().await;
    let (item, entry) = sealed(&bench).await;
    let changed = with_wrapped_keys(&item, vec![with_another_hint(&entry)]);
    let provider = bench.provider(&bench.alias(&bench.key).await);
    assert_wrong_key(from_item(changed.clone(), &provider).await);
    assert_eq!(bench.faults.calls("Decrypt"), 1, "an alias that is not resolved can be any key");
    assert_wrong_key(from_item(changed, &provider).await);
    assert_eq!(bench.faults.calls("Decrypt"), 1, "now it is one");
    assert_eq!(from_item::<User>(item, &provider).await.unwrap(), user("alice"));
}

#[tokio::test]
async fn a_record_of_several_wrapped_keys_opens_by_the_one_that_is_ours() {
    let bench = Bench::new().await;
    let (item, ours) = sealed(&bench).await;
    let several =
        with_wrapped_keys(&item, vec![unknown_entry(), foreign_entry(&bench).await, ours]);
    let (_, id) = bench.key.split_once(":key/").unwrap();
    for name in [&bench.key, id] {
        bench.faults.forget_calls();
        assert_eq!(
            from_item::<User>(several.clone(), &bench.provider(name)).await.unwrap(),
            user("alice")
        );
        assert_eq!(bench.faults.calls("Decrypt"), 1, "{name}");
    }
}

/// A reader that has never written knows only its alias, so it cannot choose a wrapped key by the
/// hint.
#[tokio::test]
async fn an_alias_that_is_not_resolved_is_tried_with_each_entry() {
    let bench = Bench::new().await;
    let (item, ours) = sealed(&bench).await;
    let (theirs, others) = (foreign_entry(&bench).await, foreign_entry(&bench).await);
    let several = with_wrapped_keys(&item, vec![unknown_entry(), theirs, others, ours]);
    let provider = bench.provider(&bench.alias(&bench.key).await);
    bench.faults.forget_calls();
    assert_eq!(from_item::<User>(several.clone(), &provider).await.unwrap(), user("alice"));
    assert_eq!(bench.faults.calls("Decrypt"), 3);
    assert_eq!(from_item::<User>(several, &provider).await.unwrap(), user("alice"));
    assert_eq!(bench.faults.calls("Decrypt"), 4, "resolved, it finds its own entry");
}

#[tokio::test]
async fn several_aliases_that_are_not_resolved_are_each_tried() {
    let bench = Bench::new().await;
    let (item, _) = sealed(&bench).await;
    let new = create_kms_key(bench.servers.kms()).await.unwrap();
    let provider = bench
        .provider(&bench.alias(&new).await)
        .also_decrypts(bench.alias(&bench.key).await)
        .also_decrypts(&new);
    bench.faults.forget_calls();
    assert_eq!(from_item::<User>(item.clone(), &provider).await.unwrap(), user("alice"));
    assert_eq!(bench.faults.calls("Decrypt"), 2);
    assert_eq!(from_item::<User>(item, &provider).await.unwrap(), user("alice"));
    assert_eq!(bench.faults.calls("Decrypt"), 3);
}

#[tokio::test]
async fn a_record_of_foreign_entries_alone_is_refused_after_each_was_tried() {
    let bench = Bench::new().await;
    let (item, _) = sealed(&bench).await;
    let foreign = with_wrapped_keys(&item, vec![foreign_entry(&bench).await; 16]);
    let provider = bench.provider(&bench.alias(&bench.key).await);
    bench.faults.forget_calls();
    assert_wrong_key(from_item(foreign, &provider).await);
    assert_eq!(bench.faults.calls("Decrypt"), 16);
}

#[tokio::test]
async fn a_refusal_that_is_about_our_key_ends_the_search() {
    let bench = Bench::new().await;
    let (item, ours) = sealed(&bench).await;
    let several = with_wrapped_keys(&item, vec![ours, foreign_entry(&bench).await]);
    let alias = bench.alias(&bench.key).await;
    for (fault, kind, calls) in [
        (Injected::error("ThrottlingException"), KeyErrorKind::Throttled, 3),
        (Injected::error("DisabledException"), KeyErrorKind::KeyDisabled, 1),
        (Injected::Io, KeyErrorKind::Unreachable, 3),
    ] {
        bench.faults.forget_calls();
        bench.faults.fail_always("Decrypt", fault);
        let error = from_item::<User>(several.clone(), &bench.provider(&alias)).await.unwrap_err();
        assert_eq!(
            (key_error(&error).kind(), bench.faults.calls("Decrypt")),
            (kind, calls),
            "{}",
            key_error(&error)
        );
    }
    bench.faults.recover("Decrypt");
    disable_kms_key(bench.servers.kms(), &bench.key).await.unwrap();
    let error = from_item::<User>(several, &bench.provider(&alias)).await.unwrap_err();
    assert_eq!(key_error(&error).kind(), KeyErrorKind::KeyDisabled, "{}", key_error(&error));
}

/// KMS may refuse a foreign blob with any error. For a blob of another region: invalid, or too
/// long.
#[tokio::test]
async fn the_most_specific_error_is_returned_if_no_wrapped_key_opens() {
    let bench = Bench::new().await;
    let (item, ours) = sealed(&bench).await;
    let several = with_wrapped_keys(&item, vec![foreign_entry(&bench).await, ours]);
    let alias = bench.alias(&bench.key).await;
    let (wrong, mismatch, denied) =
        ("IncorrectKeyException", "InvalidCiphertextException", "AccessDeniedException");
    for (answers, kind) in [
        ([wrong, wrong], KeyErrorKind::WrongKey),
        ([mismatch, wrong], KeyErrorKind::ContextMismatch),
        ([wrong, mismatch], KeyErrorKind::ContextMismatch),
        ([denied, mismatch], KeyErrorKind::ContextMismatch),
        ([denied, wrong], KeyErrorKind::AccessDenied),
        ([wrong, denied], KeyErrorKind::AccessDenied),
    ] {
        bench.faults.forget_calls();
        for code in answers {
            bench.faults.fail_next("Decrypt", Injected::error(code));
        }
        let error = from_item::<User>(several.clone(), &bench.provider(&alias)).await.unwrap_err();
        assert_eq!(
            (key_error(&error).kind(), bench.faults.calls("Decrypt")),
            (kind, 2),
            "{answers:?}"
        );
    }
    bench.faults.fail_next("Decrypt", Injected::error(denied));
    assert_eq!(from_item::<User>(several, &bench.provider(&alias)).await.unwrap(), user("alice"));
}

#[tokio::test]
async fn a_record_without_a_kms_wrapped_key_is_refused_without_a_call() {
    let bench = Bench::new().await;
    let (item, _) = sealed(&bench).await;
    let without = with_wrapped_keys(&item, vec![unknown_entry(), local_entry()]);
    for name in [bench.key.clone(), bench.alias(&bench.key).await] {
        let error = from_item::<User>(without.clone(), &bench.provider(&name)).await.unwrap_err();
        let error = key_error(&error);
        assert_eq!(error.kind(), KeyErrorKind::WrongKey);
        assert!(error.to_string().contains("not wrapped by KMS"), "{error}");
    }
    assert_eq!(bench.faults.calls("Decrypt"), 0);
}

/// The key that the record names would open it. KMS is asked only for the configured key, which
/// does not.
#[tokio::test]
async fn decrypt_never_names_the_key_in_the_record() {
    let bench = Bench::new().await;
    let (_, ours) = sealed(&bench).await;
    let theirs = create_kms_key(bench.servers.kms()).await.unwrap();
    let item = to_item(&user("alice"), &bench.provider(&theirs)).await.unwrap();
    let forged =
        WrappedKey::new(KeyKind::AWS_KMS, ours.id(), wrapped_keys(&item).keys()[0].bytes())
            .unwrap();
    let alias = bench.alias(&bench.key).await;
    bench.faults.forget_calls();
    for name in [&bench.key, &alias] {
        from_item::<User>(with_wrapped_keys(&item, vec![forged.clone()]), &bench.provider(name))
            .await
            .unwrap_err();
        from_item::<User>(item.clone(), &bench.provider(name)).await.unwrap_err();
    }
    let asked: Vec<_> =
        bench.faults.requests("Decrypt").iter().map(|r| super::json(r)["KeyId"].clone()).collect();
    assert_eq!(asked, [bench.key.as_str(), &alias, &alias]);
    // A reader that may use the other key opens the record.
    let blob = Blob::new(forged.bytes());
    let context =
        [("table", "users"), ("partition_key", "alice"), ("tenant", "t1"), ("purpose", "pii")];
    let context = context.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let decrypt = bench.servers.kms().decrypt().key_id(&theirs).ciphertext_blob(blob);
    decrypt.set_encryption_context(Some(context)).send().await.unwrap();
}

//! The KMS keys of a table: named, disabled, replaced, and forged.

use super::*;

fn key_id(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn a_disabled_key_is_reported_as_such() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    let provider = KmsKeyProvider::new(kms.clone(), &key);
    let item = to_item(&user("alice"), &provider).await.unwrap();
    assert_eq!(from_item::<User>(item.clone(), &provider).await.unwrap(), user("alice"));
    disable_kms_key(kms, &key).await.unwrap();
    for error in [
        from_item::<User>(item, &provider).await.unwrap_err(),
        to_item(&user("bob"), &provider).await.unwrap_err(),
    ] {
        let key_error = error.key_error().unwrap();
        assert_eq!(key_error.kind(), KeyErrorKind::KeyDisabled, "{error}");
        assert_eq!(error.fault(), Fault::Operator);
        assert!(!error.is_retryable());
        assert!(key_error.request_id().is_some(), "{key_error}");
    }
}

#[tokio::test]
async fn a_key_pending_deletion_and_a_key_that_does_not_exist_are_reported_as_such() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let key = create_kms_key(kms).await.unwrap();
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.unwrap();
    let error = to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), &key)).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::PendingDeletion, "{error}");
    let nobody = KmsKeyProvider::new(kms.clone(), format!("alias/{}", unique_name("nobody")));
    let error = to_item(&user("alice"), &nobody).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::KeyNotFound, "{error}");
}

#[tokio::test]
async fn a_key_can_be_named_by_id_arn_and_alias() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let arn = create_kms_key(kms).await.unwrap();
    let id = key_id(&arn);
    let alias = format!("alias/{}", unique_name("users"));
    kms.create_alias().alias_name(&alias).target_key_id(id).send().await.unwrap();
    let alias_arn = arn.replace(&format!("key/{id}"), &alias);
    let names = [id, &arn, &alias, &alias_arn];
    for writer in names {
        let item =
            to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), writer)).await.unwrap();
        for reader in names {
            let provider = KmsKeyProvider::new(kms.clone(), reader);
            assert_eq!(
                from_item::<User>(item.clone(), &provider).await.unwrap(),
                user("alice"),
                "{writer} {reader}"
            );
        }
    }
}

#[tokio::test]
async fn records_open_after_their_alias_has_moved_if_the_earlier_key_is_listed() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let (old, new) = (create_kms_key(kms).await.unwrap(), create_kms_key(kms).await.unwrap());
    let alias = format!("alias/{}", unique_name("users"));
    kms.create_alias().alias_name(&alias).target_key_id(&old).send().await.unwrap();
    let before = KmsKeyProvider::new(kms.clone(), &alias);
    let old_item = to_item(&user("alice"), &before).await.unwrap();

    // By its id: LocalStack accepts an ARN here, but then does not find the key.
    kms.update_alias().alias_name(&alias).target_key_id(key_id(&new)).send().await.unwrap();
    let after = KmsKeyProvider::new(kms.clone(), &alias);
    let error = from_item::<User>(old_item.clone(), &after).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");

    let after = KmsKeyProvider::new(kms.clone(), &alias).also_decrypts(&old);
    assert_eq!(from_item::<User>(old_item.clone(), &after).await.unwrap(), user("alice"));
    let new_item = to_item(&user("bob"), &after).await.unwrap();
    assert_eq!(from_item::<User>(new_item.clone(), &after).await.unwrap(), user("bob"));
    assert_eq!(
        from_item::<User>(old_item, &after).await.unwrap(),
        user("alice"),
        "once the alias is resolved, too"
    );

    // A process that resolved the alias before it moved continues with the key that it knows.
    let item = to_item(&user("carol"), &before).await.unwrap();
    assert_eq!(from_item::<User>(item, &before).await.unwrap(), user("carol"));
    let error = from_item::<User>(new_item, &before).await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");
}

/// The confused deputy: the attacker wraps with a key of their own, which the reader may use as
/// well.
#[tokio::test]
async fn a_record_wrapped_by_a_key_that_is_not_configured_does_not_open() {
    let setup = users().await;
    let kms = setup.servers.kms();
    let theirs = create_kms_key(kms).await.unwrap();
    let mut item =
        to_item(&user("alice"), &KmsKeyProvider::new(kms.clone(), &theirs)).await.unwrap();
    setup.plant(item.clone()).await;
    let error = setup.table.get("alice").send().await.unwrap_err();
    assert_eq!(error.key_error().unwrap().kind(), KeyErrorKind::WrongKey, "{error}");
    assert_eq!(setup.faults.calls("Decrypt"), 0, "the hint already says that it is another key's");

    // The hint of the configured key, from an honest record, before the attacker's blob.
    setup.table.put(&user("bob")).send().await.unwrap();
    let honest = setup.stored(user_key("bob")).await.unwrap();
    let (honest, forged) =
        (honest["encrypted_dek"].as_b().unwrap(), item["encrypted_dek"].as_b().unwrap());
    let mut bytes = forged.as_ref().to_vec();
    bytes[5..9].copy_from_slice(&honest.as_ref()[5..9]);
    item.insert("encrypted_dek".into(), AttributeValue::B(Blob::new(bytes)));
    setup.plant(item).await;
    let error = setup.table.get("alice").send().await.unwrap_err();
    let kind = error.key_error().unwrap().kind();
    assert!(
        matches!(
            kind,
            KeyErrorKind::WrongKey | KeyErrorKind::ContextMismatch | KeyErrorKind::AccessDenied
        ),
        "{error}"
    );
}

/// FORMAT 3.2: what an auditor does with `tail -c +16` and `aws kms decrypt`.
#[tokio::test]
async fn the_blob_of_kms_can_be_cut_out_and_decrypted_by_hand() {
    let setup = users().await;
    setup.table.put(&user("alice")).send().await.unwrap();
    let item = setup.stored(user_key("alice")).await.unwrap();
    let blob = &item["encrypted_dek"].as_b().unwrap().as_ref()[15..];
    let output = setup
        .servers
        .kms()
        .decrypt()
        .key_id(setup.servers.kms_key_id())
        .ciphertext_blob(Blob::new(blob))
        .encryption_context("table", "users")
        .encryption_context("partition_key", "alice")
        .encryption_context("tenant", "t1")
        .encryption_context("purpose", "pii")
        .send()
        .await
        .unwrap();
    assert_eq!(output.plaintext.unwrap().as_ref().len(), 32);
}

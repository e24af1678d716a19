//! A record names the key material of its KMS key. The name does not influence whether the record
//! opens.

use envelope_dynamo::item::item_context;
use envelope_dynamo::keys::{EncryptedDek, KmsKeyHint, MultiKeyWrapper, WrappedKey};
use envelope_dynamo::{KmsKeyWrapper, from_item, to_item};
use envelope_examples::servers::create_kms_key;
use envelope_examples::{Fault as Injected, Servers};
use serde_json::json;

use super::{Bench, Item, User, base64, user, with_wrapped_keys, wrapped_keys};

const MATERIAL: &str = "0b7fd7ddbac6eef27907413567cad8c810e2883dc8a7534067a82ee1142fc1e6";

fn hint(entry: &WrappedKey) -> KmsKeyHint {
    KmsKeyHint::parse(entry.id()).unwrap()
}

fn hint_of(item: &Item) -> KmsKeyHint {
    hint(&wrapped_keys(item).keys()[0])
}

/// The hint of the KMS key of `bench`.
fn named(bench: &Bench, material: Option<&str>) -> KmsKeyHint {
    let (_, id) = bench.key.split_once(":key/").unwrap();
    KmsKeyHint::of(id).with_material(material)
}

#[tokio::test]
async fn a_record_names_the_key_material_that_kms_answered_with() {
    let bench = Bench::new().await;
    let provider = bench.provider(&bench.key);
    for material in [Some(MATERIAL), None] {
        let body = json!({ "KeyId": bench.key, "KeyMaterialId": material, "Plaintext": base64(&[7; 32]),
            "CiphertextBlob": base64(&[7; 184]) });
        let answer = || Injected::Reply { status: 200, body: body.to_string() };
        bench.faults.fail_next("GenerateDataKey", answer());
        let item = to_item(&user("alice"), &provider).await.unwrap();
        assert_eq!(hint_of(&item), named(&bench, material));

        bench.faults.fail_next("GenerateDataKeyWithoutPlaintext", answer());
        let context = item_context::<User>(&item).unwrap();
        let provisioned = provider.generate_without_plaintext(&context).await.unwrap();
        assert_eq!(
            hint(&EncryptedDek::parse(&provisioned).unwrap().keys()[0]),
            named(&bench, material)
        );
    }
}

#[tokio::test]
async fn a_rewrapped_record_names_the_material_of_the_new_key() {
    let bench = Bench::new().await;
    let new = create_kms_key(bench.servers.kms()).await.unwrap();
    let (provider, to) =
        (bench.provider(&bench.key), KmsKeyWrapper::new(bench.servers.kms().clone(), &new));
    let item = to_item(&user("alice"), &provider).await.unwrap();
    let context = item_context::<User>(&item).unwrap();
    let body = json!({ "SourceKeyId": bench.key, "KeyId": new, "CiphertextBlob": base64(&[8; 184]),
        "SourceKeyMaterialId": "f".repeat(64), "DestinationKeyMaterialId": MATERIAL });
    bench.faults.fail_next("ReEncrypt", Injected::Reply { status: 200, body: body.to_string() });
    let dek = item["encrypted_dek"].as_b().unwrap().as_ref();
    let dek = provider.rewrap(dek, &context, &to, &context).await.unwrap();
    let (_, id) = new.split_once(":key/").unwrap();
    let named = KmsKeyHint::of(id).with_material(Some(MATERIAL));
    assert_eq!(hint(&EncryptedDek::parse(&dek).unwrap().keys()[0]), named);
}

/// Encrypt returns no key material, so the wrapped key of a further recipient names none.
#[tokio::test]
async fn an_entry_made_by_encrypt_names_no_key_material() {
    let bench = Bench::new().await;
    let further = KmsKeyWrapper::new(bench.servers.kms().clone(), &bench.key);
    let wrapper = MultiKeyWrapper::new(bench.provider(&bench.key)).with(further);
    let item = to_item(&user("alice"), &wrapper).await.unwrap();
    let dek = wrapped_keys(&item);
    let [_, second] = dek.keys() else { panic!("{dek:?}") };
    assert_eq!(hint(second), named(&bench, None));
}

#[tokio::test]
async fn the_material_in_a_hint_is_ignored_by_every_reader() {
    let bench = Bench::new().await;
    let item = to_item(&user("alice"), &bench.provider(&bench.key)).await.unwrap();
    let entry = wrapped_keys(&item).keys()[0].clone();
    let new = create_kms_key(bench.servers.kms()).await.unwrap();
    for material in [None, Some(MATERIAL)] {
        let id = named(&bench, material);
        let changed = with_wrapped_keys(
            &item,
            vec![WrappedKey::new(entry.kind(), id, entry.bytes()).unwrap()],
        );
        for name in [bench.key.clone(), bench.alias(&bench.key).await] {
            assert_eq!(
                from_item::<User>(changed.clone(), &bench.provider(&name)).await.unwrap(),
                user("alice")
            );
        }
        let (context, to) = (
            item_context::<User>(&changed).unwrap(),
            KmsKeyWrapper::new(bench.servers.kms().clone(), &new),
        );
        let dek = changed["encrypted_dek"].as_b().unwrap().as_ref();
        bench.provider(&bench.key).rewrap(dek, &context, &to, &context).await.unwrap();
    }
}

/// The table alone suffices to count records by key material. The embedded KMS names the material
/// as AWS does.
#[tokio::test]
async fn records_from_before_and_after_a_rotation_can_be_counted_and_all_open() {
    let bench = Bench { servers: Servers::embedded().await.unwrap(), ..Bench::new().await };
    let key = bench.servers.kms_key_id();
    let provider = bench.provider(key);
    let mut items = Vec::new();
    for rotation in 0..3 {
        if rotation > 0 {
            bench.servers.kms().rotate_key_on_demand().key_id(key).send().await.unwrap();
        }
        for name in ["alice", "bob"] {
            items.push(to_item(&user(name), &provider).await.unwrap());
        }
    }
    let hints: Vec<_> = items.iter().map(hint_of).collect();
    assert!(hints.chunks(2).all(|same| same[0] == same[1] && same[0].material().is_some()));
    assert!(hints[0] != hints[2] && hints[2] != hints[4] && hints[4] != hints[0]);
    assert!(hints.iter().all(|hint| hint.key() == hints[0].key()));
    for item in items {
        from_item::<User>(item, &provider).await.unwrap();
    }
}

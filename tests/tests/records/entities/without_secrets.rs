//! Records with authenticated fields and no encrypted one.

use aws_sdk_dynamodb::types::ScalarAttributeType::S;
use envelope_dynamo::error::DataError;
use envelope_dynamo::{Envelope, ErrorKind, KmsKeyProvider, Table, from_item, to_item};
use envelope_examples::servers::{create_table, unique_name};
use envelope_tests::{bytes_of, names_of, number, servers, text, with};

use super::composed::{is_moved, provider};
use crate::shop::{Profile, profile};

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "shop",
    index(
        name = "by-actor",
        partition_key(name = "gsi1pk", format = "ACTOR#{actor}"),
        sort_key(name = "gsi1sk", format = "{at:020}"),
    )
)]
#[partition_key(name = "pk", format = "USER#{user_id}")]
#[sort_key(name = "sk", format = "AUDIT#{at:020}")]
struct Audit {
    #[key]
    user_id: String,
    #[key]
    at: u64,
    #[authenticated]
    actor: String,
    #[authenticated]
    reason: Option<String>,
    #[plaintext]
    seen: bool,
    #[authenticated]
    #[version]
    version: u64,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Shop {
    Profile(Profile),
    Audit(Audit),
}

fn audit(at: u64) -> Audit {
    Audit { user_id: "u_1".into(), at, actor: "ana".into(), reason: None, seen: false, version: 0 }
}

#[tokio::test]
async fn the_payload_is_an_empty_map() {
    let provider = provider();
    let item = to_item(&audit(5), &provider).await.unwrap();
    let stored = ["actor", "encrypted_dek", "encrypted_payload", "gsi1pk", "gsi1sk", "pk"];
    assert_eq!(names_of(&item), [&stored[..], &["reason", "seen", "sk", "version"]].concat());
    let names = ["actor", "reason", "version"].iter().map(|name| name.len() + 1).sum::<usize>();
    // FORMAT 4.2: 75 bytes, one of them the head of the list of names; and the map `a0`.
    assert_eq!(bytes_of(&item, "encrypted_payload").len(), 75 + names + 1);
    assert_eq!(from_item::<Audit>(item, &provider).await.unwrap(), audit(5));
}

#[tokio::test]
async fn nobody_can_change_remove_add_or_move_anything_protected() {
    let provider = provider();
    let item = to_item(&audit(5), &provider).await.unwrap();
    let changes = [
        ("actor", Some(text("eve"))),
        ("actor", None),
        ("reason", Some(text("planted"))),
        ("reason", None),
        ("version", Some(number(7))),
        ("sk", Some(text("AUDIT#00000000000000000006"))),
        ("pk", Some(text("USER#u_2"))),
    ];
    for (name, value) in changes {
        let error = from_item::<Audit>(with(&item, name, value), &provider).await.unwrap_err();
        assert!(is_moved(&error), "{name}: {error}");
    }
    let seen = with(&item, "seen", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
    assert!(from_item::<Audit>(seen, &provider).await.unwrap().seen, "plaintext is not bound");
}

#[tokio::test]
async fn an_item_without_the_payload_is_refused_though_it_lacks_no_value() {
    let provider = provider();
    let item = to_item(&audit(5), &provider).await.unwrap();
    let bare = with(&with(&item, "encrypted_payload", None), "encrypted_dek", None);
    for read in [
        from_item::<Audit>(bare.clone(), &provider).await.map(Shop::Audit),
        from_item::<Shop>(bare, &provider).await,
    ] {
        let error = read.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Data(DataError::NotSealed)), "{error}");
    }
    // A payload of another kind does not take its place.
    let profile = to_item(&profile(), &provider).await.unwrap();
    let mut pasted = item.clone();
    for name in ["encrypted_payload", "encrypted_dek"] {
        pasted.insert(name.into(), profile[name].clone());
    }
    assert!(is_moved(&from_item::<Shop>(pasted, &provider).await.unwrap_err()));
}

#[tokio::test]
async fn every_call_takes_such_a_record() {
    let (servers, name) = (servers().await, unique_name("shop"));
    create_table(servers.dynamodb(), &name, ("pk", S), Some(("sk", S))).await.unwrap();
    let provider = KmsKeyProvider::new(servers.kms().clone(), servers.kms_key_id());
    let shop: Table<Shop> = Table::new(servers.dynamodb().clone(), provider).named(name);
    let audits = shop.of::<Audit>();
    shop.put(&Shop::Profile(profile())).send().await.unwrap();
    let mut entry = audit(5);
    audits.put_mut(&mut entry).send().await.unwrap();
    assert_eq!(entry.version, 1);
    assert_eq!(audits.get(("u_1", 5)).send().await.unwrap(), Some(entry.clone()));

    audits.update(("u_1", 5)).set(|entry| entry.seen, true).send().await.unwrap();
    let changed = audits
        .update(("u_1", 5))
        .modify(|entry| entry.reason = Some("asked".into()))
        .send()
        .await
        .unwrap()
        .unwrap();
    let expected = Audit { reason: Some("asked".into()), seen: true, version: 2, ..entry };
    assert_eq!(changed, expected);
    let everything = shop.query("u_1").send().await.unwrap();
    assert_eq!(everything, [Shop::Audit(expected.clone()), Shop::Profile(profile())]);
    assert_eq!(audits.delete(("u_1", 5)).returning_old().send().await.unwrap(), Some(expected));
}

//! Keys composed of fields, without servers.

use envelope_dynamo::error::{DataError, KeyErrorKind, UsageError};
use envelope_dynamo::item::item_context;
use envelope_dynamo::record::{Composite, IntoKey, Partition, Parts};
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{
    Envelope, Error, ErrorKind, Fault, LocalKeyProvider, RootKey, from_item, to_item,
};
use envelope_tests::{Item, names_of, number, text};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::shop::{Order, Profile, order, profile};

pub(crate) fn provider() -> LocalKeyProvider {
    LocalKeyProvider::new(RootKey::generate().unwrap())
}

async fn refusal<T: Envelope>(record: T) -> String {
    let error = to_item(&record, &provider()).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Caller, "{error}");
    error.to_string()
}

async fn opened<T: Envelope + std::fmt::Debug>(item: Item, provider: &LocalKeyProvider) -> Error {
    from_item::<T>(item, provider).await.unwrap_err()
}

/// Whether the record was refused because it stands under another key.
pub(crate) fn is_moved(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. }))
        || error.key_error().is_some_and(|error| error.kind() == KeyErrorKind::ContextMismatch)
}

#[tokio::test]
async fn keys_are_made_of_fields_and_the_fields_come_back_from_them() {
    let provider = provider();
    let item = to_item(&order(1_700_000_000, "o_1"), &provider).await.unwrap();
    assert_eq!(item["pk"], text("USER#u_1"));
    assert_eq!(item["sk"], text("ORDER#00000000001700000000#o_1"));
    assert_eq!(item["kind"], text("order"));
    assert_eq!(
        names_of(&item),
        ["encrypted_dek", "encrypted_payload", "kind", "order_id", "pk", "sk", "state"],
        "what is in the key alone is stored nowhere else"
    );
    assert_eq!(from_item::<Order>(item, &provider).await.unwrap(), order(1_700_000_000, "o_1"));

    let item = to_item(&profile(), &provider).await.unwrap();
    assert_eq!((&item["pk"], &item["sk"]), (&text("USER#u_1"), &text("PROFILE")));
    assert_eq!(names_of(&item), ["encrypted_dek", "encrypted_payload", "logins", "pk", "sk"]);
    assert_eq!(from_item::<Profile>(item, &provider).await.unwrap(), profile());
}

#[test]
fn a_key_is_typed_by_the_parts_that_vary() {
    let key: <Order as Envelope>::Key = ("u_1", (1_700_000_000, "o_1")).into_key();
    assert_eq!(
        key,
        Composite { partition: "u_1".to_owned(), sort: Parts((1_700_000_000, "o_1".to_owned())) }
    );
    let key: <Profile as Envelope>::Key = "u_1".into_key();
    assert_eq!(key, Partition { partition: "u_1".to_owned() });
    let key: <Settings as Envelope>::Key = ().into_key();
    assert_eq!(key, Partition { partition: Parts(()) });
}

#[test]
fn only_the_composed_key_is_stored_not_its_parts() {
    let attributes = Order::attributes();
    assert_eq!((attributes.pk.name(), attributes.sk.name()), ("pk", "sk"));
    let condition = attributes.sk.begins_with("ORDER#").and(attributes.state.eq("paid"));
    assert_eq!(format!("{condition:?}"), "begins_with(sk, _) AND state = _");
}

#[tokio::test]
async fn ambiguous_key_parts_are_refused_without_their_value() {
    let message = refusal(order(1, "o#s3cr3t")).await;
    let expected = "shop: `order_id` is a part of a composed key, but contains a separator: no part may contain `#`, `|`, `/` or `:`";
    assert_eq!(message, expected);
    let message = refusal(Profile { user_id: String::new(), ..profile() }).await;
    assert_eq!(message, "shop: `user_id` is a part of a composed key, but empty");
    for first in ["a#", "#", "a|b", "a/b", "a:b"] {
        let message = refusal(Pair { first: first.into(), second: "c".into(), value: 1 }).await;
        assert!(
            message.contains("`first` is a part of a composed key, but contains a separator"),
            "{message}"
        );
    }
    // Parts may contain what identifiers, dates and addresses contain.
    for id in ["2026-11-21T10.00", "a_b", "zoe+1@example.com", "ä 秘密"] {
        let provider = provider();
        let item = to_item(&order(1, id), &provider).await.unwrap();
        assert_eq!(from_item::<Order>(item, &provider).await.unwrap(), order(1, id));
    }
}

#[tokio::test]
async fn values_that_would_not_sort_are_not_padded() {
    let message = refusal(Event { at: -5, id: 1, value: 1 }).await;
    assert!(
        message.contains("`at` is padded with zeros") && message.contains("negative"),
        "{message}"
    );
    let message = refusal(Event { at: 10_000, id: 1, value: 1 }).await;
    assert!(message.contains("`at` has more digits than its composed key"), "{message}");
}

#[tokio::test]
async fn a_part_that_reads_back_as_another_value_is_refused() {
    let message = refusal(Lossy { name: Lowercase("Zoe".into()), value: 1 }).await;
    assert_eq!(
        message,
        "lossy[pk=Zoe]: `pk` is a composed key with a part that does not read back as the value that was written"
    );
    let provider = provider();
    let fine = Lossy { name: Lowercase("zoe".into()), value: 1 };
    assert_eq!(
        from_item::<Lossy>(to_item(&fine, &provider).await.unwrap(), &provider).await.unwrap(),
        fine
    );
}

#[tokio::test]
async fn an_item_of_another_entity_type_is_refused_before_any_key_is_asked_for() {
    let provider = TestKeyProvider::new(RootKey::generate().unwrap());
    let profile_item = to_item(&profile(), &provider).await.unwrap();
    let order_item = to_item(&order(5, "o_1"), &provider).await.unwrap();
    let error = from_item::<Order>(profile_item, &provider).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "shop[pk=USER#u_1, sk=PROFILE]: the item is not of type `Order`: its `sk` is not `ORDER#{created:020}#{order_id}`"
    );
    assert_eq!(error.fault(), Fault::Data);
    let error = from_item::<Profile>(order_item.clone(), &provider).await.unwrap_err();
    assert!(
        error.to_string().ends_with("the item is not of type `Profile`: its `sk` is not `PROFILE`"),
        "{error}"
    );
    for kind in [Some(text("profile")), Some(number("1")), None] {
        let mut item = order_item.clone();
        item.remove("kind");
        item.extend(kind.map(|kind| ("kind".to_owned(), kind)));
        let error = from_item::<Order>(item, &provider).await.unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("the item is not of type `Order`: its `kind` is not `order`"),
            "{error}"
        );
    }
    assert_eq!(provider.unwrap_calls(), 0);
}

#[tokio::test]
async fn a_record_does_not_open_under_another_key_nor_with_another_part() {
    let provider = provider();
    let item = to_item(&order(5, "o_1"), &provider).await.unwrap();
    for (name, forged) in [
        ("sk", "ORDER#00000000000000000006#o_1"),
        ("sk", "ORDER#5#o_1"),
        ("pk", "USER#u_2"),
        ("order_id", "o_2"),
    ] {
        let mut moved = item.clone();
        moved.insert(name.into(), text(forged));
        let error = opened::<Order>(moved, &provider).await;
        assert!(is_moved(&error), "{name}={forged}: {error}");
    }
}

#[tokio::test]
async fn an_attribute_named_like_a_key_part_is_ignored() {
    let provider = provider();
    let mut item = to_item(&order(5, "o_1"), &provider).await.unwrap();
    item.insert("user_id".into(), text("u_2"));
    item.insert("created".into(), number("9"));
    assert_eq!(from_item::<Order>(item, &provider).await.unwrap(), order(5, "o_1"));
}

/// The shop's table for a program that fills in the keys by hand.
#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "shop")]
struct ByHand {
    #[partition_key]
    pk: String,
    #[sort_key]
    sk: String,
    #[authenticated]
    kind: String,
    #[authenticated]
    order_id: String,
    #[encrypted]
    card: String,
    #[plaintext]
    state: String,
}

fn by_hand(sk: &str, order_id: &str) -> ByHand {
    ByHand {
        pk: "USER#u_1".into(),
        sk: sk.into(),
        kind: "order".into(),
        order_id: order_id.into(),
        card: "s3cr3t 4111 o_1".into(),
        state: "paid".into(),
    }
}

#[tokio::test]
async fn an_authentic_key_that_its_fields_do_not_make_is_an_error() {
    let provider = provider();
    let item = to_item(&by_hand("ORDER#00000000000000000005#o_1", "o_1"), &provider).await.unwrap();
    assert_eq!(from_item::<Order>(item, &provider).await.unwrap(), order(5, "o_1"));
    for (sk, order_id) in [
        ("ORDER#5#o_1", "o_1"),
        ("ORDER#+0000000000000000005#o_1", "o_1"),
        ("ORDER#00000000000000000005#o_2", "o_1"),
    ] {
        let item = to_item(&by_hand(sk, order_id), &provider).await.unwrap();
        let error = opened::<Order>(item, &provider).await;
        assert!(
            matches!(error.kind(), ErrorKind::Data(DataError::KeyMismatch { attribute: "sk" })),
            "{sk}: {error}"
        );
        assert!(
            error.to_string().contains("is stored under another `sk` than its fields make"),
            "{error}"
        );
        assert_eq!(error.fault(), Fault::Data);
    }
    let item = to_item(&by_hand("ORDER#s3cr3t#o_1", "o_1"), &provider).await.unwrap();
    let error = opened::<Order>(item, &provider).await;
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::Deserialize { .. })), "{error}");
    assert!(error.to_string().contains("`created` cannot be read as its field's type"), "{error}");
}

#[tokio::test]
async fn a_record_written_before_its_entity_type_had_a_name_does_not_pass_for_one_with_it() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "t")]
    struct Before {
        #[partition_key]
        id: String,
        #[encrypted]
        value: u8,
    }
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "t", entity(kind = "after"))]
    struct After {
        #[partition_key]
        id: String,
        #[encrypted]
        value: u8,
    }
    let provider = provider();
    let mut item = to_item(&Before { id: "x".into(), value: 1 }, &provider).await.unwrap();
    item.insert("kind".into(), text("after"));
    let error = opened::<After>(item, &provider).await;
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::Marks(_))), "{error}");
    let item = to_item(&After { id: "x".into(), value: 1 }, &provider).await.unwrap();
    assert_eq!(
        from_item::<Before>(item, &provider).await.unwrap().value,
        1,
        "one that does not ask is not told"
    );
}

#[tokio::test]
async fn a_hashed_composed_key_is_shown_as_a_digest() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "mail", kms_context = "hashed")]
    #[partition_key(name = "pk", format = "MAIL#{address}")]
    struct Mail {
        #[key]
        address: String,
        #[encrypted]
        body: String,
    }
    let provider = provider();
    let mail = Mail { address: "zoe@example.com".into(), body: "s3cr3t".into() };
    let mut item = to_item(&mail, &provider).await.unwrap();
    let context = item_context::<Mail>(&item).unwrap();
    assert!(!format!("{:?}", context.encryption_context()).contains("zoe"));
    assert_eq!(from_item::<Mail>(item.clone(), &provider).await.unwrap(), mail);
    item.insert("pk".into(), text("MAIL#eve@example.com"));
    let error = opened::<Mail>(item, &provider).await;
    assert!(!format!("{error} {error:?}").contains("eve"), "{error:?}");
}

#[tokio::test]
async fn a_part_can_stand_in_the_encryption_context() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "t", kms_context = "table")]
    #[partition_key(name = "pk", format = "TENANT#{tenant}#{number:04}")]
    struct Tenant {
        #[key]
        #[encryption_context]
        tenant: String,
        #[key]
        number: u16,
        #[encrypted]
        value: u8,
    }
    let provider = provider();
    let record = Tenant { tenant: "acme".into(), number: 7, value: 1 };
    let item = to_item(&record, &provider).await.unwrap();
    let context = item_context::<Tenant>(&item).unwrap();
    assert_eq!(context.encryption_context().get("tenant"), Some("acme"));
    assert_eq!(from_item::<Tenant>(item, &provider).await.unwrap(), record);
}

#[tokio::test]
async fn parts_are_written_as_serde_writes_them() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Region {
        EuWest,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Number(u32);
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "t")]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[partition_key(name = "pk", format = "{region}#{uuid}")]
    #[sort_key(name = "sk-1", format = "{{{uuid}}}/{at:012}/{is_open}/{r#type:06}")]
    struct Parts {
        #[key]
        #[serde(rename(serialize = "area", deserialize = "region"))]
        region: Region,
        #[key]
        uuid: Uuid,
        #[authenticated]
        #[serde(with = "time::serde::timestamp", rename = "placedAt")]
        at: time::OffsetDateTime,
        #[key]
        is_open: bool,
        #[key]
        r#type: Number,
        #[encrypted]
        value: u8,
    }
    let provider = provider();
    let record = Parts {
        region: Region::EuWest,
        uuid: Uuid::from_u128(7),
        at: time::OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap(),
        is_open: true,
        r#type: Number(42),
        value: 1,
    };
    let item = to_item(&record, &provider).await.unwrap();
    assert_eq!(item["pk"], text("eu-west#00000000-0000-0000-0000-000000000007"));
    assert_eq!(
        item["sk-1"],
        text("{00000000-0000-0000-0000-000000000007}/001700000000/true/000042")
    );
    assert_eq!(item["placedAt"], number("1700000000"));
    assert_eq!(Parts::attributes().sk_1.name(), "sk-1");
    assert_eq!(from_item::<Parts>(item, &provider).await.unwrap(), record);
}

#[tokio::test]
async fn a_part_of_both_keys_is_asked_for_once() {
    #[derive(Debug, PartialEq, Envelope)]
    #[envelope(table = "shop")]
    #[partition_key(name = "pk", format = "USER#{user_id}")]
    #[sort_key(name = "sk", format = "USER#{user_id}")]
    struct Same {
        #[key]
        user_id: String,
        #[encrypted]
        value: u8,
    }
    let key: <Same as Envelope>::Key = "u_1".into_key();
    assert_eq!(key, Partition { partition: "u_1".to_owned() });
    let provider = provider();
    let record = Same { user_id: "u_1".into(), value: 1 };
    let mut item = to_item(&record, &provider).await.unwrap();
    assert_eq!(item["sk"], item["pk"]);
    assert_eq!(from_item::<Same>(item.clone(), &provider).await.unwrap(), record);
    item.insert("sk".into(), text("USER#u_2"));
    assert!(is_moved(&opened::<Same>(item, &provider).await));
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "settings")]
#[partition_key(name = "pk", format = "SETTINGS")]
#[sort_key(name = "sk", format = "SETTINGS")]
struct Settings {
    #[encrypted]
    token: String,
}

#[tokio::test]
async fn a_record_may_be_the_only_one_of_its_kind() {
    let provider = provider();
    let settings = Settings { token: "s3cr3t".into() };
    let item = to_item(&settings, &provider).await.unwrap();
    assert_eq!(names_of(&item), ["encrypted_dek", "encrypted_payload", "pk", "sk"]);
    assert_eq!(from_item::<Settings>(item, &provider).await.unwrap(), settings);
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "pairs")]
#[partition_key(name = "pk", format = "{first}-#-{second}")]
pub(crate) struct Pair {
    #[key]
    pub(crate) first: String,
    #[key]
    pub(crate) second: String,
    #[encrypted]
    pub(crate) value: u8,
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "events")]
#[partition_key(name = "pk", format = "{id}")]
#[sort_key(name = "sk", format = "{at:04}")]
pub(crate) struct Event {
    #[key]
    pub(crate) at: i64,
    #[key]
    pub(crate) id: u8,
    #[encrypted]
    pub(crate) value: u8,
}

/// Writes text as it is, and reads it in lower case.
#[derive(Debug, PartialEq, Serialize)]
struct Lowercase(String);

impl<'de> Deserialize<'de> for Lowercase {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.to_lowercase()))
    }
}

#[derive(Debug, PartialEq, Envelope)]
#[envelope(table = "lossy")]
#[partition_key(name = "pk", format = "{name}")]
struct Lossy {
    #[key]
    name: Lowercase,
    #[encrypted]
    value: u8,
}

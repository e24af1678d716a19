//! Tables that were stored in plaintext, backfills, and maintenance that knows no struct.

use envelope_dynamo::item::PlaintextItems::{Read, ReadAndWrite};
use envelope_dynamo::item::to_plaintext_item;
use envelope_dynamo::maintain::inspect::Inspection;
use envelope_dynamo::maintain::{Converted, Counts, SchemaFile, StoredTable, Target};
use envelope_dynamo::{KmsKeyProvider, KmsKeyWrapper};
use envelope_examples::servers::create_kms_key;
use envelope_tests::{binary, names_of, with};

use super::*;

#[track_caller]
fn assert_tagged(item: &Item) {
    assert_eq!(bytes_of(item, "blind_email"), email_tag(1, "zoe@example.com"));
    assert_eq!(listed_tags(item), TAGS);
}

#[tokio::test]
async fn plain_items_have_no_tags_and_sealing_computes_them() {
    let bench = Bench::new().await;
    let plain = bench.users().plaintext_items(ReadAndWrite);
    plain.put(&user("zoe")).send().await.unwrap();
    plain.batch_put([user("ana")]).send().await.unwrap();
    let change = |user: &mut User| user.email = "zoe@example.com".into();
    plain.update("zoe").modify(change).send().await.unwrap();
    for id in ["zoe", "ana"] {
        let item = bench.stored(id).await;
        assert!(!names_of(&item).iter().any(|name| name.starts_with("blind_")), "{item:?}");
        assert!(item.contains_key("email"));
    }
    let sealing = bench.users().plaintext_items(Read);
    sealing.update("zoe").modify(|user| user.plan = "free".into()).send().await.unwrap();
    assert_tagged(&bench.stored("zoe").await);
    // A sealed record stands there, so the put is sealed too.
    plain.put(&user("zoe")).send().await.unwrap();
    assert_tagged(&bench.stored("zoe").await);
    // Without search keys a plain item cannot be sealed.
    let without = bench.without_keys::<User>().plaintext_items(Read);
    let error = without.update("ana").modify(|user| user.plan = "free".into()).send().await;
    assert!(error.unwrap_err().to_string().contains("with_search_keys"));
    assert!(bench.stored("ana").await.contains_key("email"));
}

/// Somebody put tags into a plain item: nobody reads them, and sealing replaces them.
#[tokio::test]
async fn planted_tags_of_a_plain_item_do_not_survive_sealing() {
    let bench = Bench::new().await;
    let plain = to_plaintext_item(&user("zoe")).unwrap();
    let planted = with(&with(&plain, "blind_email", binary("x")), "blind_plan", text("y"));
    bench.plant(with(&planted, "blind_phone+2", text("z"))).await;
    let users = bench.users().plaintext_items(Read);
    assert_eq!(users.get("zoe").send().await.unwrap(), Some(user("zoe")));
    users.update("zoe").modify(|user| user.logins += 1).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_tagged(&item);
    assert!(!item.contains_key("blind_plan") && !item.contains_key("blind_phone+2"));
}

#[tokio::test]
async fn a_backfill_computes_the_tags_that_are_due() {
    let bench = Bench::new().await;
    bench.plant(to_plaintext_item(&user("plain")).unwrap()).await;
    bench.past::<unmarked::User>().put(&user("before").into()).send().await.unwrap();
    bench.users().put(&user("tagged")).send().await.unwrap();
    let tagged = bench.stored("tagged").await;

    let error = bench.without_keys::<User>().backfill().send().await.unwrap_err();
    assert!(error.to_string().contains("with_search_keys"), "{error}");
    assert_eq!(bench.faults.calls("UpdateItem"), 0);

    let Counts { changed, already, failed, .. } = bench.users().backfill().send().await.unwrap();
    assert_eq!((changed, already, failed), (2, 1, 0));
    for id in ["plain", "before"] {
        assert_tagged(&bench.stored(id).await);
        assert_eq!(bench.users().get(id).send().await.unwrap(), Some(user(id)));
    }
    assert_eq!(bench.stored("tagged").await, tagged);
    let Counts { changed, already, .. } = bench.users().backfill().send().await.unwrap();
    assert_eq!((changed, already), (0, 3));
}

#[tokio::test]
async fn a_backfill_of_items_of_another_program_computes_tags() {
    let bench = Bench::new().await;
    bench.plant(Item::from([("user_id".to_owned(), text("zoe"))])).await;
    let read =
        |_: Item| async { Ok::<_, std::convert::Infallible>(Some(Converted::new(user("zoe")))) };
    let counts = bench.users().backfill_from(read).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    assert_tagged(&bench.stored("zoe").await);
}

/// A dry run seals under keys that nobody wrapped, and knows the size with the tags.
#[tokio::test]
async fn a_rehearsed_backfill_writes_nothing() {
    let bench = Bench::new().await;
    bench.plant(to_plaintext_item(&user("zoe")).unwrap()).await;
    bench.users().backfill().estimate().send().await.unwrap();
    assert!(bench.stored("zoe").await.contains_key("email"));
}

#[tokio::test]
async fn new_data_keys_keep_the_tags() {
    let servers = servers().await;
    let [old, new] = [create_kms_key(servers.kms()).await, create_kms_key(servers.kms()).await];
    let (old, new) = (old.unwrap(), new.unwrap());
    let keys = |key: &str| KmsKeyProvider::new(servers.kms().clone(), key);
    let name = envelope_examples::servers::unique_name("users");
    let users = |key: &str| Table::<User>::new(servers.dynamodb().clone(), keys(key)).named(&name);
    users(&old).create_table().send().await.unwrap();
    let writer = users(&old).with_search_keys(search_keys(1));
    writer.put(&user("zoe")).send().await.unwrap();
    let key = || Item::from([("user_id".to_owned(), text("zoe"))]);
    let before = stored(&servers, &name, key()).await.unwrap();

    let schema = SchemaFile::new().with::<User>();
    let table = StoredTable::new(servers.dynamodb().clone(), &schema, "users").unwrap();
    let table = table.named(&name);
    let target = Target::kms_key(servers.kms().clone(), &new);
    let counts = table.reseal(keys(&old), keys(&new), target).send().await.unwrap();
    assert_eq!((counts.changed, counts.failed), (1, 0));
    let resealed = stored(&servers, &name, key()).await.unwrap();
    assert_ne!(resealed["encrypted_payload"], before["encrypted_payload"]);
    assert_tagged(&resealed);
    assert_eq!(users(&new).get("zoe").send().await.unwrap(), Some(user("zoe")));

    users(&new)
        .rewrap("zoe")
        .re_encrypt(&keys(&new), &KmsKeyWrapper::new(servers.kms().clone(), &old))
        .send()
        .await
        .unwrap();
    let rewrapped = stored(&servers, &name, key()).await.unwrap();
    assert_ne!(rewrapped["encrypted_dek"], resealed["encrypted_dek"]);
    assert_eq!(rewrapped["encrypted_payload"], resealed["encrypted_payload"]);
    assert_tagged(&rewrapped);
}

#[tokio::test]
async fn an_inspection_names_tags_and_their_generations() {
    let bench = Bench::new().await;
    bench.users().put(&User { phone: None, ..user("zoe") }).send().await.unwrap();
    let item = bench.stored("zoe").await;
    let schema = SchemaFile::new().with::<User>();
    let found = Inspection::of(&item, &schema, "users").unwrap();
    let generation = |name: &str| found.search_tags[name].clone();
    let hexadecimal = |name: &str| {
        let tag = bytes_of(&item, name);
        Some(tag[1..5].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    };
    assert_eq!(found.search_tags.keys().collect::<Vec<_>>(), TAGS);
    for name in ["blind_email", "blind_number"] {
        assert_eq!(generation(name), hexadecimal(name));
    }
    assert_eq!((generation("blind_phone"), found.problems.len()), (None, 0));

    let planted = with(&item, "blind_email+2", item["blind_email"].clone());
    let planted = with(&planted, "blind_number", binary([2; 21]));
    let found = Inspection::of(&planted, &schema, "users").unwrap();
    let problems: Vec<_> = found.problems.iter().map(|found| found.attribute.as_str()).collect();
    assert_eq!(problems, ["blind_email+2", "blind_number"], "{:?}", found.problems);
}

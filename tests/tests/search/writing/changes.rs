//! `modify` of records with search tags.

use envelope_dynamo::keys::LocalSearchKeys;
use envelope_dynamo::{ErrorKind, error::UsageError};

use super::*;

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    bench
}

#[tokio::test]
async fn a_changed_value_gets_its_tag() {
    let bench = bench().await;
    let before = bench.stored("zoe").await;
    let users = bench.users();
    users.update("zoe").modify(|user| user.email = "Ana@example.com".into()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "ana@example.com"));
    assert_eq!(item["blind_phone"], before["blind_phone"]);
    assert_eq!(listed_tags(&item), TAGS);

    users.update("zoe").modify(|user| user.phone = None).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert!(!item.contains_key("blind_phone"));
    assert_eq!(listed_tags(&item), TAGS, "its absence is listed");
    users.update("zoe").modify(|user| user.phone = Some("079".into())).send().await.unwrap();
    assert!(bench.stored("zoe").await.contains_key("blind_phone"));
    let read = users.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!((read.email.as_str(), read.phone.as_deref()), ("Ana@example.com", Some("079")));
}

/// The spelling changes, and the tag does not.
#[tokio::test]
async fn a_value_that_is_the_same_after_the_steps_keeps_its_tag() {
    let bench = bench().await;
    let before = bench.stored("zoe").await;
    let change = |user: &mut User| user.email = "ZOE@example.com".into();
    bench.users().update("zoe").modify(change).send().await.unwrap();
    let after = bench.stored("zoe").await;
    assert_eq!(after["blind_email"], before["blind_email"]);
    assert_ne!(after["encrypted_payload"], before["encrypted_payload"]);
}

#[tokio::test]
async fn search_keys_are_needed_only_if_a_value_changes() {
    let bench = bench().await;
    let before = bench.stored("zoe").await;
    let users = bench.without_keys::<User>();
    let moved = |user: &mut User| user.address = "Marktgasse 1".into();
    users.update("zoe").modify(moved).send().await.unwrap();
    let after = bench.stored("zoe").await;
    assert_ne!(after["encrypted_payload"], before["encrypted_payload"]);
    for tag in TAGS {
        assert_eq!(after[tag], before[tag]);
    }
    assert_eq!(listed_tags(&after), TAGS);

    bench.faults.forget_calls();
    let change = |user: &mut User| user.email = "ana@example.com".into();
    let error = users.update("zoe").modify(change).send().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Usage(UsageError::NoSearchKeys { attribute, .. })
            if *attribute == "blind_email"),
        "{error}"
    );
    assert!(error.to_string().contains("`Table::with_search_keys`"), "{error}");
    assert_eq!(bench.faults.calls("UpdateItem"), 0);
    let update = users.update("zoe").add(|user| user.logins, 1).send().await;
    update.unwrap();
}

/// So a loop of them is a backfill, and an answer to a rotated search key.
#[tokio::test]
async fn a_record_whose_tags_are_not_current_is_written_again() {
    let bench = bench().await;
    let rotated = LocalSearchKeys::new(search_key(2)).also_previous(search_key(1));
    let users = bench.without_keys::<User>().with_search_keys(rotated);
    users.update("zoe").modify(|_| ()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(2, "zoe@example.com"));
    assert_eq!(listed_tags(&item), TAGS);

    bench.faults.forget_calls();
    users.update("zoe").modify(|_| ()).send().await.unwrap();
    assert_eq!(bench.faults.calls("UpdateItem"), 0, "they are current");
    bench.without_keys::<User>().update("zoe").modify(|_| ()).send().await.unwrap();
    assert_eq!(bench.faults.calls("UpdateItem"), 0, "nobody can tell without search keys");

    let past = bench.past::<unmarked::User>();
    past.put(&user("zoe").into()).send().await.unwrap();
    assert_eq!(listed_tags(&bench.stored("zoe").await), [""; 0]);
    users.update("zoe").modify(|_| ()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(2, "zoe@example.com"));
    assert_eq!(listed_tags(&item), TAGS);
    assert_eq!(users.get("zoe").send().await.unwrap(), Some(user("zoe")));
}

/// A record of before the mark stays as it is, so that it shows that its tags are due.
#[tokio::test]
async fn a_record_of_before_the_mark_gets_no_list_without_search_keys() {
    let bench = Bench::new().await;
    bench.past::<unmarked::User>().put(&user("zoe").into()).send().await.unwrap();
    let users = bench.without_keys::<User>();
    users.update("zoe").modify(|user| user.plan = "free".into()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert!(listed(&item).contains(&"plan".to_owned()));
    assert_eq!(listed_tags(&item), [""; 0]);
    let change = |user: &mut User| user.phone = None;
    let error = users.update("zoe").modify(change).send().await.unwrap_err();
    assert!(error.to_string().contains("blind_"), "{error}");
}

/// A version counts changes of the record. A new search key changes no value.
#[tokio::test]
async fn a_new_tag_alone_does_not_count_the_version() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    struct Versioned {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable]
        email: String,
        #[authenticated]
        #[version]
        version: u64,
    }
    let bench = Bench::new().await;
    let mut zoe = Versioned { user_id: "zoe".into(), email: "zoe@example.com".into(), version: 0 };
    bench.table::<Versioned>(1).put_mut(&mut zoe).send().await.unwrap();
    let rotated = bench.table::<Versioned>(2);
    let before = bench.stored("zoe").await;
    let read = rotated.update("zoe").modify(|_| ()).send().await.unwrap().unwrap();
    assert_eq!(read.version, 1);
    let after = bench.stored("zoe").await;
    assert_ne!(after["blind_email"], before["blind_email"]);
    assert_eq!(after["version"], before["version"]);
}

/// Whoever changes a field must know its tag by the field's own name.
#[tokio::test]
async fn a_renamed_field_gets_its_own_name_with_its_tag() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    struct Older {
        #[partition_key]
        user_id: String,
        #[encrypted]
        mail: String,
        #[encrypted]
        address: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    struct Newer {
        #[partition_key]
        user_id: String,
        #[encrypted]
        #[searchable]
        #[serde(alias = "mail")]
        email: String,
        #[encrypted]
        address: String,
    }
    let bench = Bench::new().await;
    let older = Older { user_id: "zoe".into(), mail: "zoe@x".into(), address: "a".into() };
    bench.past::<Older>().put(&older).send().await.unwrap();
    let newer = bench.table::<Newer>(1);
    newer.update("zoe").modify(|user| user.address = "b".into()).send().await.unwrap();
    let read = newer.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!((read.email.as_str(), read.address.as_str()), ("zoe@x", "b"));
    assert_eq!(listed_tags(&bench.stored("zoe").await), ["blind_email"]);
    bench.past::<Older>().get("zoe").send().await.unwrap_err(); // it has no `mail`
}

/// The handle of one type of an enum has the search keys of the enum's table.
#[tokio::test]
async fn types_of_an_enum_have_their_own_tags() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "shop", entity(kind = "person"), index(name = "by-mail", partition_key = mail))]
    struct Person {
        #[partition_key]
        id: String,
        #[encrypted]
        #[searchable]
        mail: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "shop", entity(kind = "order"))]
    struct Order {
        #[partition_key]
        id: String,
        #[encrypted]
        card: String,
    }
    #[derive(Clone, Debug, PartialEq, Envelope)]
    enum Shop {
        Person(Person),
        Order(Order),
    }
    let servers = servers().await;
    let name = envelope_examples::servers::unique_name("shop");
    let shop = Table::<Shop>::new(servers.dynamodb().clone(), local_keys(7)).named(&name);
    shop.create_table().send().await.unwrap();
    let order = Shop::Order(Order { id: "o".into(), card: "42".into() });
    shop.put(&order).send().await.unwrap(); // an order needs no search keys
    let person = Person { id: "p".into(), mail: "zoe@example.com".into() };
    let error = shop.put(&Shop::Person(person.clone())).send().await.unwrap_err();
    assert!(error.to_string().contains("blind_mail"), "{error}");

    let shop = shop.with_search_keys(search_keys(1));
    shop.put(&Shop::Person(person.clone())).send().await.unwrap();
    let people = shop.of::<Person>();
    people
        .update("p")
        .modify(|person| person.mail = "ana@example.com".into())
        .send()
        .await
        .unwrap();
    let key = Item::from([("id".to_owned(), text("p"))]);
    let item = stored(&servers, &name, key).await.unwrap();
    assert_eq!(listed_tags(&item), ["blind_mail"]);
    shop.batch_put([order, Shop::Person(person)]).send().await.unwrap();
}

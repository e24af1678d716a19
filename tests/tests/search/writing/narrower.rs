//! Programs that do not know a search tag: they never leave a tag of a former value, and they keep
//! the tags of values that they do not change.

use super::*;

/// Knows the address alone.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users")]
struct Billing {
    #[partition_key]
    user_id: String,
    #[encrypted]
    address: String,
}

/// Refuses attributes that it does not know.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts")]
#[serde(deny_unknown_fields)]
struct Strict {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "accounts", index(name = "by-email", partition_key = email))]
struct Account {
    #[partition_key]
    user_id: String,
    #[encrypted]
    #[searchable]
    email: String,
}

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.users().put(&user("zoe")).send().await.unwrap();
    bench
}

#[tokio::test]
async fn a_narrower_struct_keeps_the_tags_of_what_it_does_not_change() {
    let bench = bench().await;
    let before = bench.stored("zoe").await;
    let billing = bench.without_keys::<Billing>();
    let moved = |user: &mut Billing| user.address = "Marktgasse 1".into();
    billing.update("zoe").modify(moved).send().await.unwrap();
    let after = bench.stored("zoe").await;
    for tag in TAGS {
        assert_eq!(after[tag], before[tag]);
    }
    assert_eq!(listed_tags(&after), TAGS);
    let read = bench.users().get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!(read, User { address: "Marktgasse 1".into(), ..user("zoe") });
}

#[tokio::test]
async fn an_unmarked_struct_removes_the_tags_of_what_it_changes() {
    let bench = bench().await;
    let before = bench.stored("zoe").await;
    let older = bench.without_keys::<unmarked::User>();
    let change = |user: &mut unmarked::User| {
        user.email = "ana@example.com".into();
        user.number = None;
    };
    older.update("zoe").modify(change).send().await.unwrap();
    let after = bench.stored("zoe").await;
    assert!(!after.contains_key("blind_email") && !after.contains_key("blind_number"));
    assert_eq!(after["blind_phone"], before["blind_phone"]);
    assert_eq!(listed_tags(&after), ["blind_phone"], "it shows that two tags are due");
    let users = bench.users();
    let read = users.get("zoe").consistent_read().send().await.unwrap().unwrap();
    assert_eq!((read.email.as_str(), read.number), ("ana@example.com", None));

    // The next writer who knows them computes them.
    users.update("zoe").modify(|_| ()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(bytes_of(&item, "blind_email"), email_tag(1, "ana@example.com"));
    assert_eq!(listed_tags(&item), TAGS);
}

#[tokio::test]
async fn a_put_by_an_unmarked_struct_leaves_no_tag() {
    let bench = bench().await;
    bench.past::<unmarked::User>().put(&user("zoe").into()).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert!(TAGS.iter().all(|tag| !item.contains_key(*tag)));
    assert_eq!(listed_tags(&item), [""; 0]);
    assert_eq!(bench.users().get("zoe").send().await.unwrap(), Some(user("zoe")));
}

#[tokio::test]
async fn an_absent_tag_is_kept_and_removed_by_the_same_rule() {
    let bench = Bench::new().await;
    bench.users().put(&User { phone: None, ..user("zoe") }).send().await.unwrap();
    let older = bench.without_keys::<unmarked::User>();
    older.update("zoe").modify(|user| user.address = "x".into()).send().await.unwrap();
    assert_eq!(listed_tags(&bench.stored("zoe").await), TAGS);
    older.update("zoe").modify(|user| user.phone = Some("079".into())).send().await.unwrap();
    let item = bench.stored("zoe").await;
    assert_eq!(listed_tags(&item), ["blind_email", "blind_number"]);
    assert!(!item.contains_key("blind_phone"));
}

#[tokio::test]
async fn a_struct_that_denies_unknown_fields_does_not_see_tags() {
    let servers = servers().await;
    let name = envelope_examples::servers::unique_name("accounts");
    let accounts = Table::<Account>::new(servers.dynamodb().clone(), local_keys(7)).named(&name);
    accounts.create_table().send().await.unwrap();
    let accounts = accounts.with_search_keys(search_keys(1));
    let zoe = Account { user_id: "zoe".into(), email: "zoe@example.com".into() };
    accounts.put(&zoe).send().await.unwrap();
    let strict = Table::<Strict>::new(servers.dynamodb().clone(), local_keys(7)).named(&name);
    let read = strict.get("zoe").send().await.unwrap().unwrap();
    assert_eq!(read.email, zoe.email);
    strict.update("zoe").modify(|user| user.email = "ana@x".into()).send().await.unwrap();
    let key = Item::from([("user_id".to_owned(), text("zoe"))]);
    let item = stored(&servers, &name, key).await.unwrap();
    assert!(!item.contains_key("blind_email"));
    assert_eq!(accounts.get("zoe").send().await.unwrap().unwrap().email, "ana@x");
}

/// Nothing but the library writes a tag: neither by name nor through the SDK's builder.
#[tokio::test]
async fn no_expression_names_a_tag() {
    let bench = bench().await;
    let (users, billing) = (bench.users(), bench.without_keys::<Billing>());
    bench.faults.forget_calls();
    for name in ["blind_email", "blind_phone+2", "blind_"] {
        let tag = User::attribute::<String>(name);
        let error = users.update("zoe").set(|_| tag, "x").send().await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        let tag = Billing::attribute::<String>(name);
        let error = billing.update("zoe").remove(|_| tag).send().await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    assert_eq!(bench.faults.all_requests().len(), 0);
}

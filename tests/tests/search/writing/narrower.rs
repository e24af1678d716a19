//! Programs that do not know a search tag: they never leave a tag of a former value, and they keep
//! the tags of values that they do not change.

use envelope_dynamo::record::IntoKey;
use envelope_dynamo::to_item_with;

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

/// A person, found by both names together, and by the last name under two definitions.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(
    table = "people",
    index(name = "by-name", partition_key = last_first),
    index(name = "by-last", partition_key = last),
    index(name = "by-last-2", partition_key = last_2),
    index(name = "by-ward", partition_key = ward_last),
    searchable(fields(last(trim, ascii_lowercase), first)),
    searchable(fields(ward, last)),
)]
struct Person {
    #[partition_key]
    id: String,
    #[encrypted]
    #[searchable]
    #[searchable(name = "last_2", normalize(trim, ascii_lowercase))]
    last: String,
    #[encrypted]
    first: Option<String>,
    #[authenticated]
    ward: String,
    #[encrypted]
    address: String,
}

const PERSON_TAGS: [&str; 4] =
    ["blind_last", "blind_last+first", "blind_last+last_2", "blind_ward+last"];

/// A table of people, and the stored person after a change by another program.
async fn changed<T>(person: &Person, change: impl Fn(&mut T)) -> [Item; 2]
where
    T: Envelope,
    &'static str: IntoKey<T::Key>,
{
    let servers = servers().await;
    let name = envelope_examples::servers::unique_name("people");
    let people = Table::<Person>::new(servers.dynamodb().clone(), local_keys(7)).named(&name);
    people.create_table().send().await.unwrap();
    let people = people.with_search_keys(search_keys(1));
    people.put(person).send().await.unwrap();
    let item = || stored(&servers, &name, Item::from([("id".to_owned(), text("zoe"))]));
    let before = item().await.unwrap();
    let others = Table::<T>::new(servers.dynamodb().clone(), local_keys(7)).named(&name);
    others.update("zoe").modify(change).send().await.unwrap().unwrap();
    let after = item().await.unwrap();
    // Whoever knows the tags computes those that are missing.
    people.update("zoe").modify(|_| ()).send().await.unwrap();
    let repaired = item().await.unwrap();
    assert_eq!(listed_tags(&repaired), PERSON_TAGS);
    let read = people.get("zoe").consistent_read().send().await.unwrap().unwrap();
    let again = to_item_with(&read, &local_keys(7), &search_keys(1)).await.unwrap();
    for tag in PERSON_TAGS {
        assert_eq!(repaired.get(tag), again.get(tag), "{tag}");
    }
    [before, after]
}

fn person() -> Person {
    Person {
        id: "zoe".into(),
        last: "Quinn".into(),
        first: Some("Zoe".into()),
        ward: "west".into(),
        address: "Kramgasse 49".into(),
    }
}

/// The name of a tag says which fields it belongs to.
#[tokio::test]
async fn tags_of_several_fields_follow_their_fields() {
    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "people")]
    struct Older {
        #[partition_key]
        id: String,
        #[encrypted]
        last: String,
        #[encrypted]
        first: Option<String>,
        #[authenticated]
        ward: String,
        #[encrypted]
        address: String,
    }
    type Case = (fn(&mut Older), &'static [&'static str]);
    let cases: [Case; 4] = [
        (|it| it.address = "Marktgasse 1".into(), &PERSON_TAGS),
        (|it| it.last = "Q".into(), &[]),
        (|it| it.first = None, &["blind_last", "blind_last+last_2", "blind_ward+last"]),
        (|it| it.ward = "east".into(), &["blind_last", "blind_last+first", "blind_last+last_2"]),
    ];
    for (change, kept) in cases {
        let [before, after] = changed::<Older>(&person(), change).await;
        assert_eq!(listed_tags(&after), kept);
        for tag in PERSON_TAGS {
            let expected = before.get(tag).filter(|_| kept.contains(&tag));
            assert_eq!(after.get(tag), expected, "{tag}");
        }
    }
}

#[tokio::test]
async fn a_tag_of_several_fields_is_absent_if_one_value_is() {
    let absent = Person { first: None, ..person() };
    let item = to_item_with(&absent, &local_keys(7), &search_keys(1)).await.unwrap();
    assert!(!item.contains_key("blind_last+first") && item.contains_key("blind_ward+last"));
    assert_eq!(listed_tags(&item), PERSON_TAGS);
    let spelled = Person { last: " QUINN".into(), ..person() };
    let one = to_item_with(&person(), &local_keys(7), &search_keys(1)).await.unwrap();
    let other = to_item_with(&spelled, &local_keys(7), &search_keys(1)).await.unwrap();
    let is_same = PERSON_TAGS.map(|tag| one[tag] == other[tag]);
    assert_eq!(is_same, [false, true, true, false], "as their steps say");
}

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::{Fault, KeyProvider};

use super::*;

#[tokio::test]
async fn a_record_is_found_by_an_encrypted_field_in_each_spelling() {
    let bench = Bench::with(&[user("u_1", "zoe"), user("u_2", "ana")]).await;
    let users = bench.users();
    let by_email = users.index(|i| i.by_email);
    for spelling in ["zoe@example.com", "Zoe@Example.com ", "\tZOE@EXAMPLE.COM\r\n"] {
        let found = by_email.query(spelling).one().await.unwrap();
        assert_eq!(found, Some(user("u_1", "zoe")), "{spelling:?}");
        assert_eq!(by_email.query(spelling).send().await.unwrap(), [user("u_1", "zoe")]);
    }
    assert_eq!(by_email.query("zoé@example.com").one().await.unwrap(), None);
    assert_eq!(by_email.query("zoe@example.com").count().await.unwrap(), 1);
}

#[tokio::test]
async fn numbers_and_optional_fields_are_found() {
    let bench = Bench::new().await;
    let numbered = User { number: Some(-7), ..user("u_1", "zoe") };
    bench.put(1, &[numbered.clone(), user("u_2", "ana")]).await;
    let users = bench.users();
    let by_number = users.index(|i| i.by_number);
    assert_eq!(by_number.query(-7_i64).one().await.unwrap(), Some(numbered));
    assert_eq!(by_number.query(7_i64).one().await.unwrap(), None);
}

/// No record has a tag of an absent value, so there is nothing to ask for.
#[tokio::test]
async fn an_empty_value_finds_nothing_without_a_request() {
    let empty = User { email: " ".to_owned(), name: None, ..user("u_1", "") };
    let bench = Bench::with(&[empty]).await;
    let users = bench.users();
    let by_email = users.index(|i| i.by_email);
    for value in ["", " \t\n"] {
        assert_eq!(by_email.query(value).send().await.unwrap(), []);
        assert_eq!(by_email.query(value).one().await.unwrap(), None);
        assert_eq!(by_email.query(value).count().await.unwrap(), 0);
        let records = by_email.query(value).stream().unwrap();
        assert_eq!(records.resume_token(), None);
    }
    let by_name = users.index(|i| i.by_name);
    assert_eq!(by_name.query(None::<String>).send().await.unwrap(), []);
    assert_eq!(bench.faults.calls("Query"), 0);
}

#[tokio::test]
async fn one_fails_if_two_records_have_the_value() {
    let bench = Bench::with(&[user("u_1", "zoe"), user("u_2", "zoe")]).await;
    let users = bench.users();
    let error = users.index(|i| i.by_email).query("zoe@example.com").one().await.unwrap_err();
    let ErrorKind::Data(DataError::SeveralRecords { index, at_least: 2 }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(*index, Some("by-email"));
    assert!(!error.to_string().contains("zoe"), "{error}");
}

#[tokio::test]
async fn a_table_without_search_keys_is_refused_before_a_request() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let users = bench.without_keys::<User>();
    let by_email = users.index(|i| i.by_email);
    for value in ["zoe@example.com", ""] {
        let errors = [
            by_email.query(value).send().await.unwrap_err(),
            by_email.query(value).one().await.unwrap_err(),
            by_email.query(value).stream().unwrap_err(),
            by_email.query(value).count().await.unwrap_err(),
        ];
        for error in errors {
            let ErrorKind::Usage(UsageError::NoSearchKeys { attribute, .. }) = error.kind() else {
                panic!("{error}")
            };
            assert_eq!(*attribute, "blind_email");
            assert!(error.to_string().contains("`Table::with_search_keys`"), "{error}");
            assert_eq!(error.fault(), Fault::Caller);
        }
    }
    assert_eq!(bench.faults.calls("Query"), 0);
    let read = users.get("u_1").send().await.unwrap();
    assert_eq!(read, Some(user("u_1", "zoe")), "a read by primary key needs no search keys");
}

#[tokio::test]
async fn a_read_only_table_searches() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let client = bench.servers.dynamodb().clone();
    let users = Table::<User, _>::read_only(client, bench.keys.clone());
    let users = users.named(bench.name.clone()).with_search_keys(only(1));
    let found = users.index(|i| i.by_email).query("zoe@example.com").one().await.unwrap();
    assert_eq!(found, Some(user("u_1", "zoe")));
}

#[tokio::test]
async fn a_search_has_the_settings_of_a_query() {
    let bench = Bench::with(&namesakes(30)).await;
    let users = bench.users();
    let by_name = users.index(|i| i.by_name);
    let smiths = || by_name.query("Smith");
    assert_eq!(smiths().send().await.unwrap(), namesakes(30), "in the order of the sort key");
    let mut descending = namesakes(30);
    descending.reverse();
    assert_eq!(smiths().descending().page_size(7).send().await.unwrap(), descending);
    let middle = smiths().sort(|created| created.between(10_u64, 12_u64));
    assert_eq!(middle.send().await.unwrap(), namesakes(30)[10..=12]);
    let few = smiths().filter(|user| user.logins.gt(5)).send().await.unwrap();
    assert_eq!(few, []);
    assert_eq!(smiths().limit(4).send().await.unwrap(), namesakes(4));
    assert_eq!(smiths().count().await.unwrap(), 30);
    assert_eq!(smiths().limit(4).count().await.unwrap(), 4);
    assert_eq!(smiths().fetch_base_table().send().await.unwrap(), namesakes(30));
}

/// Each search sends one query, with the tag of the one key.
#[tokio::test]
async fn a_search_under_one_key_is_one_query() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let users = bench.users();
    users.index(|i| i.by_email).query("zoe@example.com").send().await.unwrap();
    let queries = bench.queries();
    assert_eq!(queries.len(), 1);
    let sent = queries[0]["ExpressionAttributeValues"].as_object().unwrap();
    assert_eq!(sent.len(), 1);
    let stored = bench.stored("u_1").await;
    let tag = envelope_tests::base64(&envelope_tests::bytes_of(&stored, "blind_email"));
    assert_eq!(sent.values().next().unwrap()["B"], tag.as_str());
}

#[tokio::test]
async fn a_changed_value_is_found_and_the_former_one_is_not() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let users = bench.users();
    let change = |user: &mut User| user.email = "new@example.com".to_owned();
    users.update("u_1").modify(change).send().await.unwrap();
    let by_email = users.index(|i| i.by_email);
    assert_eq!(by_email.query("zoe@example.com").one().await.unwrap(), None);
    let found = by_email.query("new@example.com").one().await.unwrap();
    assert_eq!(found.map(|user| user.user_id).as_deref(), Some("u_1"));
    users.delete("u_1").send().await.unwrap();
    assert_eq!(by_email.query("new@example.com").one().await.unwrap(), None);
}

/// An item of a stream or an export opens by itself.
#[tokio::test]
async fn a_tagged_item_opens_without_search_keys() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let item = bench.stored("u_1").await;
    assert!(item.contains_key("blind_email"));
    let read: User = envelope_dynamo::from_item(item, &bench.keys).await.unwrap();
    assert_eq!(read, user("u_1", "zoe"));
}

/// `views` and `count` believe the index.
#[tokio::test]
async fn views_and_counts_verify_nothing() {
    #[derive(Debug, PartialEq, envelope_dynamo::View)]
    #[view(of = User)]
    struct Plan {
        user_id: String,
        plan: String,
    }
    let bench = Bench::with(&[user("u_1", "zoe"), user("u_2", "ana")]).await;
    let tag = bench.stored("u_1").await["blind_email"].clone();
    bench.plant(envelope_tests::with(&bench.stored("u_2").await, "blind_email", tag)).await;
    let users = bench.users();
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    let views: Vec<Plan> = zoe().views().unwrap().try_collect().await.unwrap();
    assert_eq!(views.len(), 2);
    assert_eq!(zoe().count().await.unwrap(), 2);
    assert!(bench.keys.unwrap_calls() == 0, "nothing was opened");
    let (read, errors, _) = results(zoe().stream().unwrap()).await;
    assert_eq!((read, errors.len()), (vec![user("u_1", "zoe")], 1));
}

/// A handle that was made for another capability takes search keys too.
#[allow(dead_code)]
fn search_keys_need_no_capability<P: KeyProvider + ?Sized>(
    table: Table<User, P>,
) -> Table<User, P> {
    table.with_search_keys(only(1))
}

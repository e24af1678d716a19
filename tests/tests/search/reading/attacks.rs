//! Somebody who can write the table, but has no data key, cannot make a record an answer.

use envelope_dynamo::ErrorKind;
use envelope_dynamo::error::DataError;
use envelope_dynamo::item::PlaintextItems;
use envelope_tests::{names_of, with};

use super::*;

/// The record in a program of before its fields became searchable.
mod before {
    use envelope_dynamo::Envelope;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users")]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted]
        pub(super) email: String,
        #[authenticated]
        pub(super) created: u64,
        #[authenticated]
        pub(super) plan: String,
        #[plaintext]
        pub(super) logins: u64,
    }
}

/// The record while its address was being moved from plaintext to encrypted.
mod taking_in {
    use envelope_dynamo::Envelope;

    #[derive(Clone, Debug, PartialEq, Envelope)]
    #[envelope(table = "users", index(name = "by-email", partition_key = email))]
    pub(super) struct User {
        #[partition_key]
        pub(super) user_id: String,
        #[encrypted(accept = "plaintext")]
        #[searchable(normalize(trim, ascii_lowercase))]
        pub(super) email: String,
        #[authenticated]
        pub(super) created: u64,
        #[authenticated]
        pub(super) plan: String,
        #[plaintext]
        pub(super) logins: u64,
    }

    /// The record of before: its address was not protected.
    pub(super) mod before {
        use envelope_dynamo::Envelope;

        #[derive(Clone, Debug, PartialEq, Envelope)]
        #[envelope(table = "users")]
        pub(in super::super) struct User {
            #[partition_key]
            pub(in super::super) user_id: String,
            #[plaintext]
            pub(in super::super) email: String,
            #[authenticated]
            pub(in super::super) created: u64,
            #[authenticated]
            pub(in super::super) plan: String,
            #[plaintext]
            pub(in super::super) logins: u64,
        }
    }
}

async fn zoe_tag(bench: &Bench) -> aws_sdk_dynamodb::types::AttributeValue {
    bench.stored("u_zoe").await["blind_email"].clone()
}

/// What a search for Zoe's address returns.
async fn search<T: Envelope + 'static>(table: &Table<T>, found: Records<T>) -> (usize, usize, u64) {
    let _ = table;
    let (read, errors, passed_over) = results(found).await;
    (read.len(), errors.len(), passed_over)
}

#[tokio::test]
async fn a_copied_tag_makes_no_record_somebody_elses() {
    let bench = Bench::with(&[user("u_zoe", "zoe"), user("u_mallory", "mallory")]).await;
    let mallory = bench.stored("u_mallory").await;
    bench.plant(with(&mallory, "blind_email", zoe_tag(&bench).await)).await;
    let users = bench.users();
    let by_email = users.index(|i| i.by_email);
    for whole in [false, true] {
        let query = by_email.query("zoe@example.com");
        let query = if whole { query.fetch_base_table() } else { query };
        let (read, errors, _) = results(query.stream().unwrap()).await;
        assert_eq!(read, [user("u_zoe", "zoe")]);
        assert!(
            matches!(errors[..], [ref error] if matches!(
                error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })
            )),
            "{errors:?}"
        );
        assert!(errors[0].to_string().contains("u_mallory"), "{}", errors[0]);
    }
}

/// The worst case: the struct accepts the address in plaintext, since it was plaintext before. The
/// record with Mallory's data key is authentic. Only its address is not.
#[tokio::test]
async fn a_value_accepted_in_plaintext_is_no_answer() {
    let bench = Bench::with(&[]).await;
    let users = bench.table::<taking_in::User>(only(1));
    let zoe = |id: &str, email: &str| taking_in::User {
        user_id: id.to_owned(),
        email: email.to_owned(),
        created: 1,
        plan: "free".to_owned(),
        logins: 0,
    };
    users.put(&zoe("u_zoe", "zoe@example.com")).send().await.unwrap();
    let old = taking_in::before::User {
        user_id: "u_mallory".to_owned(),
        email: "mallory@example.com".to_owned(),
        created: 1,
        plan: "free".to_owned(),
        logins: 0,
    };
    bench.without_keys().put(&old).send().await.unwrap();
    let item = with(&bench.stored("u_mallory").await, "email", text("zoe@example.com"));
    bench.plant(item.clone()).await;
    let read = users.get("u_mallory").send().await.unwrap().unwrap();
    assert_eq!(read.email, "zoe@example.com", "a read by key accepts it");

    bench.plant(with(&item, "blind_email", zoe_tag(&bench).await)).await;
    let by_email = users.index(|i| i.by_email);
    for whole in [false, true] {
        let query = by_email.query("zoe@example.com");
        let query = if whole { query.fetch_base_table() } else { query };
        let found = results(query.stream().unwrap()).await;
        let (read, errors, passed_over) = found;
        assert_eq!(read, [zoe("u_zoe", "zoe@example.com")]);
        assert_eq!((errors.len(), passed_over), (0, 1));
        let one = by_email.query("zoe@example.com").one().await.unwrap();
        assert_eq!(one.map(|user| user.user_id).as_deref(), Some("u_zoe"));
    }
}

#[tokio::test]
async fn a_record_of_before_the_mark_is_no_answer_under_a_copied_tag() {
    let bench = Bench::with(&[user("u_zoe", "zoe")]).await;
    let old = before::User {
        user_id: "u_old".to_owned(),
        email: "old@example.com".to_owned(),
        created: 1,
        plan: "free".to_owned(),
        logins: 0,
    };
    bench.without_keys().put(&old).send().await.unwrap();
    let item = bench.stored("u_old").await;
    assert!(!names_of(&item).contains(&"blind_email"));
    bench.plant(with(&item, "blind_email", zoe_tag(&bench).await)).await;
    let users = bench.users();
    let zoe = users.index(|i| i.by_email).query("zoe@example.com");
    let (found, _, passed_over) = search(&users, zoe.stream().unwrap()).await;
    assert_eq!((found, passed_over), (1, 1));
}

/// A plain item has nothing authentic, in whatever state the table reads plain items.
#[tokio::test]
async fn a_plain_item_is_no_answer() {
    let bench = Bench::with(&[user("u_zoe", "zoe")]).await;
    let plain = Item::from([
        ("user_id".to_owned(), text("u_mallory")),
        ("email".to_owned(), text("zoe@example.com")),
        ("created".to_owned(), envelope_tests::number(1)),
        ("plan".to_owned(), text("free")),
        ("logins".to_owned(), envelope_tests::number(1)),
        ("blind_email".to_owned(), zoe_tag(&bench).await),
    ]);
    bench.plant(plain).await;
    for state in [PlaintextItems::Refuse, PlaintextItems::Read, PlaintextItems::ReadAndWrite] {
        let users = bench.users().plaintext_items(state);
        let by_email = users.index(|i| i.by_email);
        let query = by_email.query("zoe@example.com");
        let (read, errors, passed_over) = results(query.stream().unwrap()).await;
        assert_eq!(read, [user("u_zoe", "zoe")], "{state:?}");
        assert_eq!((errors.len(), passed_over), (0, 1), "{state:?}");
    }
}

/// An older version of a record is authentic, and so is its tag: a search for the former value
/// finds it. `one` fails if the value belongs to somebody else by now.
#[tokio::test]
async fn an_old_version_that_is_put_back_is_found_under_its_old_value() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let old = bench.stored("u_1").await;
    let users = bench.users();
    let moved_away = |user: &mut User| user.email = "new@example.com".to_owned();
    users.update("u_1").modify(moved_away).send().await.unwrap();
    users.put(&user("u_2", "zoe")).send().await.unwrap();
    let by_email = users.index(|i| i.by_email);
    let found = by_email.query("zoe@example.com").one().await.unwrap();
    assert_eq!(found.map(|user| user.user_id).as_deref(), Some("u_2"));

    bench.plant(old).await;
    let error = by_email.query("zoe@example.com").one().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::SeveralRecords { .. })), "{error}");
}

/// The old version under the tag of the new value does not open, since it lists its own tag.
#[tokio::test]
async fn an_old_version_does_not_open_under_a_new_tag() {
    let bench = Bench::with(&[user("u_1", "zoe")]).await;
    let old = bench.stored("u_1").await;
    let users = bench.users();
    let change = |user: &mut User| user.email = "new@example.com".to_owned();
    users.update("u_1").modify(change).send().await.unwrap();
    let new = bench.stored("u_1").await;
    bench.plant(with(&old, "blind_email", new["blind_email"].clone())).await;
    let query = users.index(|i| i.by_email).query("new@example.com");
    let (read, errors, passed_over) = results(query.stream().unwrap()).await;
    assert_eq!((read.len(), errors.len(), passed_over), (0, 1, 0));
}

/// Junk costs an error each, and hides nothing.
#[tokio::test]
async fn junk_under_a_tag_is_an_error_each() {
    let bench = Bench::with(&[user("u_zoe", "zoe")]).await;
    let item = bench.stored("u_zoe").await;
    let junk = [
        with(&item, "encrypted_payload", envelope_tests::binary([7; 40])),
        with(&item, "encrypted_dek", None),
        with(&item, "encrypted_dek", envelope_tests::binary([7; 40])),
        item.clone(),
    ];
    for (number, junk) in junk.iter().enumerate() {
        bench.plant(with(junk, "user_id", text(format!("u_{number}")))).await;
    }
    let users = bench.users();
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    let (read, errors, passed_over) = results(zoe().stream().unwrap()).await;
    assert_eq!((read, errors.len(), passed_over), (vec![user("u_zoe", "zoe")], 4, 0));
    for error in &errors {
        assert!(!envelope_tests::all_it_says(error).contains("example.com"), "{error}");
    }
    let (read, errors, _) = results(zoe().limit(3).stream().unwrap()).await;
    assert_eq!(read.len() + errors.len(), 3, "a record that does not open counts");
}

/// An index that lags, or lies, returns a record that has another value by now. With
/// `fetch_base_table` the record of the table is compared.
#[tokio::test]
async fn a_record_that_has_changed_meanwhile_is_passed_over() {
    let bench = Bench::with(&[user("u_1", "zoe"), user("u_2", "zoe")]).await;
    let users = bench.users();
    let mut records =
        users.index(|i| i.by_email).query("zoe@example.com").fetch_base_table().stream().unwrap();
    bench.faults.hold("BatchGetItem");
    let reading = tokio::spawn(async move {
        let first = records.next().await;
        (first, records)
    });
    envelope_tests::called(&bench.faults, "BatchGetItem", 1).await;
    let changed = User { email: "new@example.com".to_owned(), ..user("u_1", "zoe") };
    bench.put(1, &[changed]).await;
    bench.faults.release("BatchGetItem");
    let (first, mut records) = reading.await.unwrap();
    assert_eq!(first.unwrap().unwrap(), user("u_2", "zoe"));
    assert!(records.next().await.is_none());
    assert_eq!(records.passed_over(), 1);
}

/// Records that are passed over do not count: a limit is one of answers and errors.
#[tokio::test]
async fn a_limit_counts_no_record_that_is_passed_over() {
    let bench = Bench::with(&[]).await;
    let users = bench.table::<taking_in::User>(only(1));
    let of = |id: &str| taking_in::User {
        user_id: id.to_owned(),
        email: "zoe@example.com".to_owned(),
        created: 1,
        plan: "free".to_owned(),
        logins: 0,
    };
    for id in ["u_zoe", "v_zoe"] {
        users.put(&of(id)).send().await.unwrap();
    }
    for number in 0..30 {
        let old = taking_in::before::User {
            user_id: format!("u_{number}"),
            email: "zoe@example.com".to_owned(),
            created: 1,
            plan: "free".to_owned(),
            logins: 0,
        };
        bench.without_keys().put(&old).send().await.unwrap();
        let item = bench.stored(&format!("u_{number}")).await;
        bench.plant(with(&item, "blind_email", zoe_tag(&bench).await)).await;
    }
    let zoe = || users.index(|i| i.by_email).query("zoe@example.com");
    assert_eq!(zoe().limit(2).send().await.unwrap().len(), 2);
    let (found, errors, passed_over) = search(&users, zoe().page_size(3).stream().unwrap()).await;
    assert_eq!((found, errors, passed_over), (2, 0, 30));
}

//! Attacks on stored tags by somebody who can write the table.

use aws_sdk_dynamodb::types::AttributeValue;
use envelope_dynamo::error::DataError;
use envelope_dynamo::{Error, ErrorKind, from_item, to_item_with};
use envelope_tests::{binary, with};

use super::*;

async fn sealed(user: &User) -> Item {
    to_item_with(user, &local_keys(7), &search_keys(1)).await.unwrap()
}

async fn open(item: Item) -> Result<User, Error> {
    from_item(item, &local_keys(7)).await
}

async fn assert_refused(item: Item, what: &str) {
    match open(item).await {
        Ok(_) => panic!("{what}"),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::Data(DataError::NotAuthentic { .. })),
            "{what}: {error}"
        ),
    }
}

#[tokio::test]
async fn every_bit_of_a_tag_is_authenticated() {
    let item = sealed(&user("zoe")).await;
    for name in TAGS {
        let tag = bytes_of(&item, name);
        assert_eq!(tag.len(), 21);
        for bit in 0..tag.len() * 8 {
            let mut changed = tag.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_refused(with(&item, name, binary(changed)), &format!("{name} {bit}")).await;
        }
        for length in [0, 1, 20] {
            assert_refused(with(&item, name, binary(&tag[..length])), name).await;
        }
        let longer = [tag.as_slice(), &[0]].concat();
        assert_refused(with(&item, name, binary(longer)), name).await;
    }
}

#[tokio::test]
async fn a_tag_cannot_be_removed_added_or_replaced() {
    let item = sealed(&user("zoe")).await;
    let other = sealed(&User { email: "ana@example.com".into(), ..user("ana") }).await;
    for name in TAGS {
        assert_refused(with(&item, name, None::<AttributeValue>), "removed").await;
        assert_refused(with(&item, name, text("x")), "of another type").await;
    }
    assert_refused(with(&item, "blind_email", other["blind_email"].clone()), "of ana").await;
    assert_refused(with(&item, "blind_email", item["blind_phone"].clone()), "of a field").await;
    let absent = sealed(&User { phone: None, ..user("bea") }).await;
    assert_refused(with(&absent, "blind_phone", item["blind_phone"].clone()), "added").await;
    assert_refused(with(&absent, "blind_phone", AttributeValue::Null(true)), "null").await;
    assert_eq!(open(item).await.unwrap(), user("zoe"), "as it was sealed");
}

/// The record does not list the tag, so nobody knows who wrote it.
#[tokio::test]
async fn a_record_of_before_the_mark_takes_no_tag() {
    let bench = Bench::new().await;
    bench.past::<unmarked::User>().put(&user("zoe").into()).send().await.unwrap();
    let (old, new) = (bench.stored("zoe").await, sealed(&user("ana")).await);
    assert_eq!(open(old.clone()).await.unwrap(), user("zoe"));
    let error = open(with(&old, "blind_email", new["blind_email"].clone())).await.unwrap_err();
    assert!(error.to_string().contains("blind_email"), "{error}");
    // A program that does not know the tag ignores it.
    bench.plant(with(&old, "blind_email", new["blind_email"].clone())).await;
    let older = bench.past::<unmarked::User>();
    assert_eq!(older.get("zoe").send().await.unwrap(), Some(user("zoe").into()));
    older.update("zoe").modify(|user| user.plan = "free".into()).send().await.unwrap();
    bench.users().get("zoe").send().await.unwrap_err();
}

/// Tags of one value differ by table, field, definition and key.
#[tokio::test]
async fn tags_of_one_value_can_be_compared_in_one_place_alone() {
    #[derive(Envelope)]
    #[envelope(
        table = "users",
        index(name = "by-email", partition_key = email),
        index(name = "by-other", partition_key = other),
    )]
    struct Here {
        #[partition_key]
        id: String,
        #[encrypted]
        #[searchable]
        email: String,
        #[encrypted]
        #[searchable]
        other: String,
    }
    #[derive(Envelope)]
    #[envelope(table = "others", index(name = "by-email", partition_key = email))]
    struct There {
        #[partition_key]
        id: String,
        #[encrypted]
        #[searchable]
        email: String,
    }
    let value = || "zoe@example.com".to_owned();
    let here = Here { id: "1".into(), email: value(), other: value() };
    let there = There { id: "1".into(), email: value() };
    let (keys, provider) = (search_keys(1), local_keys(7));
    let here_item = to_item_with(&here, &provider, &keys).await.unwrap();
    let there_item = to_item_with(&there, &provider, &keys).await.unwrap();
    let other_key = to_item_with(&here, &provider, &search_keys(2)).await.unwrap();
    let steps = sealed(&User { email: value(), ..user("zoe") }).await;
    let tags = [
        &here_item["blind_email"],
        &here_item["blind_other"],
        &there_item["blind_email"],
        &other_key["blind_email"],
        &steps["blind_email"],
    ];
    for (i, tag) in tags.iter().enumerate() {
        assert!(tags[i + 1..].iter().all(|other| other != tag), "{i}");
    }
}

//! Partial reads of readable attributes: what they request and return, without a data key.

use envelope_dynamo::error::DataError;
use envelope_dynamo::item::view_item;
use envelope_dynamo::testing::TestKeyProvider;
use envelope_dynamo::{Envelope, ErrorKind, RootKey, Table, View, to_item};
use envelope_tests::{Item, TestTable, requests, text};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Plan {
    Free,
    Pro,
}

/// Seconds, written as text.
mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        seconds: &u64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{seconds}s"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.strip_suffix('s')
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| D::Error::custom("no seconds"))
    }
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "users", kms_context = "hashed")]
#[serde(rename_all = "camelCase")]
struct User {
    #[partition_key]
    user_id: String,
    #[encrypted]
    email: String,
    #[authenticated]
    plan: Plan,
    #[plaintext]
    #[serde(rename = "size", alias = "loginCount")]
    logins: u64,
    #[plaintext]
    #[serde(with = "as_text")]
    created: u64,
    #[plaintext]
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[plaintext]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[plaintext]
    large: String,
}

#[derive(Debug, PartialEq, View)]
#[view(of = User)]
struct Usage {
    created: u64,
    logins: u64,
    plan: Plan,
    nickname: Option<String>,
    tags: Vec<String>,
}

fn user() -> User {
    User {
        user_id: "u_1".into(),
        email: "zoe@example.com".into(),
        plan: Plan::Pro,
        logins: 3,
        created: 60,
        nickname: None,
        tags: Vec::new(),
        large: "x".repeat(1000),
    }
}

const fn usage() -> Usage {
    Usage { created: 60, logins: 3, plan: Plan::Pro, nickname: None, tags: Vec::new() }
}

fn provider() -> TestKeyProvider {
    TestKeyProvider::new(RootKey::generate().unwrap())
}

#[tokio::test]
async fn a_view_asks_only_for_its_attributes_and_for_no_data_key() {
    let keys = provider();
    let TestTable { servers, faults, table: users } = TestTable::with(|_, _| keys.clone()).await;
    users.put(&user()).send().await.unwrap();

    assert_eq!(users.view::<Usage>("u_1").send().await.unwrap(), Some(usage()));
    assert_eq!(users.view::<Usage>("u_1").consistent_read().send().await.unwrap(), Some(usage()));
    assert_eq!(users.view::<Usage>("u_2").send().await.unwrap(), None);
    assert_eq!(keys.unwrap_calls(), 0);

    let request = &requests(&faults, "GetItem")[0];
    let mut asked: Vec<_> = request["ExpressionAttributeNames"]
        .as_object()
        .unwrap()
        .values()
        .map(|name| name.as_str().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["created", "loginCount", "nickname", "plan", "size", "tags", "userId"]);

    // A write-only service cannot open records, and does not need to for a view.
    let writer =
        Table::<User, _>::write_only(servers.dynamodb().clone(), provider()).named(users.name());
    assert_eq!(writer.view::<Usage>("u_1").send().await.unwrap(), Some(usage()));
}

#[tokio::test]
async fn attributes_are_read_as_the_record_reads_them() {
    let full = User { nickname: Some("zo".into()), tags: vec!["a".into()], ..user() };
    let mut item = to_item(&full, &provider()).await.unwrap();
    let expected = Usage { nickname: Some("zo".into()), tags: vec!["a".into()], ..usage() };
    assert_eq!(view_item::<Usage>(item.clone()).unwrap(), expected);
    let value = item.remove("size").unwrap();
    item.insert("loginCount".into(), value);
    assert_eq!(view_item::<Usage>(item).unwrap(), expected, "by an alias");
}

#[tokio::test]
async fn a_missing_or_mistyped_attribute_is_named_in_the_error() {
    let item = to_item(&user(), &provider()).await.unwrap();
    let error_with = |change: &dyn Fn(&mut Item)| {
        let mut item = item.clone();
        change(&mut item);
        view_item::<Usage>(item).unwrap_err()
    };
    let error = error_with(&|item| drop(item.remove("plan")));
    assert!(matches!(error.kind(), ErrorKind::Data(DataError::Deserialize { .. })));
    let told = error.to_string();
    assert!(told.starts_with("users[userId=(sha256 "), "{told}");
    assert!(
        told.contains("`plan` cannot be read as its field's type: missing field `plan`"),
        "{told}"
    );

    let error = error_with(&|item| drop(item.insert("created".into(), text("a secret"))));
    assert!(
        error.to_string().contains("`created`")
            && !format!("{error:?}{error}").contains("a secret"),
        "{error}"
    );
}

/// As documented: a view shows what the table holds.
#[tokio::test]
async fn a_view_verifies_nothing() {
    let mut item = to_item(&user(), &provider()).await.unwrap();
    item.insert("plan".into(), text("free"));
    assert_eq!(view_item::<Usage>(item).unwrap().plan, Plan::Free);
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits", index(name = "by_ward", partition_key = ward, sort_key = day))]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    day: u32,
    #[encrypted]
    diagnosis: String,
    #[authenticated]
    ward: String,
    #[plaintext]
    seen: bool,
}

#[derive(Clone, Debug, PartialEq, View)]
#[view(of = Visit)]
struct Seen {
    day: u32,
    seen: bool,
}

#[tokio::test]
async fn views_of_queries_scans_and_indexes_resume() {
    let keys = provider();
    let TestTable { faults, table: visits, .. } = TestTable::with(|_, _| keys.clone()).await;
    let visit = |day: u32| Visit {
        patient: "p_1".into(),
        day,
        diagnosis: "gout".into(),
        ward: "west".into(),
        seen: day.is_multiple_of(2),
    };
    visits.batch_put((0..20).map(visit)).send().await.unwrap();
    let expected: Vec<_> = (0..20).map(|day| Seen { day, seen: day % 2 == 0 }).collect();

    let all: Vec<Seen> =
        visits.query("p_1").page_size(7).views::<Seen>().unwrap().try_collect().await.unwrap();
    assert_eq!(all, expected);
    let some =
        visits.query("p_1").sort(|day| day.lt(4)).descending().filter(|visit| visit.seen.eq(true));
    assert_eq!(
        some.views::<Seen>().unwrap().try_collect::<Vec<_>>().await.unwrap(),
        [expected[2].clone(), expected[0].clone()]
    );
    let by_ward = visits.index(|indexes| indexes.by_ward);
    assert_eq!(
        by_ward.query("west").views::<Seen>().unwrap().try_collect::<Vec<_>>().await.unwrap(),
        expected
    );
    let mut scanned: Vec<Seen> =
        visits.scan().segments(3).views::<Seen>().unwrap().try_collect().await.unwrap();
    scanned.sort_by_key(|seen| seen.day);
    assert_eq!(scanned, expected);

    let mut first = visits.query("p_1").limit(5).views::<Seen>().unwrap();
    assert_eq!(first.try_collect::<Vec<_>>().await.unwrap(), expected[..5]);
    let rest = visits.query("p_1").resume(first.resume_token()).views::<Seen>().unwrap();
    let mut rest = rest;
    assert_eq!(rest.try_collect::<Vec<_>>().await.unwrap(), expected[5..]);
    assert!(rest.resume_token().is_none());

    assert_eq!(keys.unwrap_calls(), 0);
    for request in requests(&faults, "Query").iter().chain(&requests(&faults, "Scan")) {
        let names = request["ExpressionAttributeNames"].as_object().unwrap();
        assert!(
            names.values().all(|name| !name.as_str().unwrap().starts_with("encrypted")),
            "{names:?}"
        );
        assert!(request["ProjectionExpression"].is_string(), "{request}");
    }
}

//! Several kinds of records in one table: which records a key, a query and a page token belong to.

use envelope_dynamo::error::{DataError, UsageError};
use envelope_dynamo::{Envelope, ErrorKind, Table};

use crate::setup::Setup;

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "jobs", entity(kind = "mail"))]
#[partition_key(name = "pk", format = "JOB#{id}")]
struct Mail {
    #[key]
    id: String,
    #[encrypted]
    body: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "jobs", entity(kind = "call"))]
#[partition_key(name = "pk", format = "JOB#{id}")]
struct Call {
    #[key]
    id: String,
    #[encrypted]
    body: String,
}

/// A kind without an entity type: in the queue `JOB`, its keys look like those of the other kinds.
#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "jobs")]
#[partition_key(name = "pk", format = "{queue}#{id}")]
struct Untold {
    #[key]
    queue: String,
    #[key]
    id: String,
    #[encrypted]
    body: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum Job {
    Mail(Mail),
    Call(Call),
}

#[derive(Clone, Debug, PartialEq, Envelope)]
enum AnyJob {
    Mail(Mail),
    Untold(Untold),
}

#[tokio::test]
async fn entity_types_tell_kinds_with_one_form_of_key_apart() {
    let setup = Setup::new().await;
    setup.table::<Mail>().await;
    let jobs: Table<Job> = Table::new(setup.dynamodb.clone(), setup.keys.clone());
    let mail = Mail { id: "1".into(), body: "b".into() };
    jobs.of::<Mail>().put(&mail).send().await.expect("the record is stored");
    assert_eq!(jobs.of::<Mail>().get("1").send().await.expect("the record opens"), Some(mail));
    let error = jobs.of::<Call>().get("1").send().await.expect_err("it is no call");
    assert!(
        matches!(error.kind(), ErrorKind::Data(DataError::WrongEntity { expected: "call", .. })),
        "{error}"
    );
    jobs.of::<Mail>().delete("1").send().await.expect("the record is deleted");
}

#[tokio::test]
async fn a_kind_without_entity_type_leaves_the_keys_of_others_ambiguous() {
    let setup = Setup::new().await;
    setup.table::<Mail>().await;
    let jobs: Table<AnyJob> = Table::new(setup.dynamodb.clone(), setup.keys.clone());
    setup.faults.forget_calls();
    let error = jobs.of::<Mail>().delete("1").send().await.expect_err("it may be of either kind");
    let ErrorKind::Usage(UsageError::AmbiguousKey { entities }) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!(entities, &["Mail", "Untold"]);
    assert!(setup.faults.all_requests().is_empty());
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders")]
#[partition_key(name = "pk", format = "USER#{user}")]
#[sort_key(name = "sk", format = "ORDER#{number}")]
struct Order {
    #[key]
    user: String,
    #[key]
    number: u32,
    #[encrypted]
    text: String,
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "orders")]
#[partition_key(name = "pk", format = "USER#{user}")]
#[sort_key(name = "sk", format = "NOTE#{number}")]
struct Note {
    #[key]
    user: String,
    #[key]
    number: u32,
    #[encrypted]
    text: String,
}

fn order(user: &str, number: u32) -> Order {
    Order { user: user.to_owned(), number, text: "o".to_owned() }
}

#[tokio::test]
async fn a_query_reads_only_the_records_of_its_own_kind() {
    let setup = Setup::new().await;
    let (orders, notes) = (setup.table::<Order>().await, setup.table::<Note>().await);
    orders.put(&order("u", 1)).send().await.expect("the record is stored");
    let note = Note { user: "u".into(), number: 2, text: "n".into() };
    notes.put(&note).send().await.expect("the record is stored");
    let read = orders.query("u").send().await.expect("no record of another kind is read");
    assert_eq!(read, [order("u", 1)]);
    assert_eq!(orders.query("u").count().await.expect("they are counted"), 1);
}

#[tokio::test]
async fn a_token_of_the_query_of_another_partition_is_refused() {
    let setup = Setup::new().await;
    let orders = setup.table::<Order>().await;
    for (user, number) in [("u", 1), ("u", 2), ("v", 1)] {
        orders.put(&order(user, number)).send().await.expect("the record is stored");
    }
    let mut records = orders.query("u").page_size(1).stream().expect("the query is in order");
    assert_eq!(records.next().await.expect("a record").expect("it opens"), order("u", 1));
    let token = records.resume_token();
    assert!(token.is_some());
    let rest = orders.query("u").resume(token.clone()).send().await.expect("it goes on");
    assert_eq!(rest, [order("u", 2)]);
    let error = orders.query("v").resume(token).send().await.expect_err("the token is of `u`");
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken)), "{error}");
}

#[derive(Clone, Debug, PartialEq, Envelope)]
#[envelope(table = "visits")]
struct Visit {
    #[partition_key]
    patient: String,
    #[sort_key]
    day: u32,
    #[encrypted]
    notes: String,
}

#[tokio::test]
async fn a_token_of_a_query_with_other_sort_keys_is_refused() {
    let setup = Setup::new().await;
    let visits = setup.table::<Visit>().await;
    for day in 1..4 {
        let visit = Visit { patient: "p".into(), day, notes: "n".into() };
        visits.put(&visit).send().await.expect("the record is stored");
    }
    let query = |most| visits.query("p").sort(move |day| day.lt(most)).page_size(1);
    let mut records = query(9).stream().expect("the query is in order");
    records.next().await.expect("a record").expect("it opens");
    let token = records.resume_token();
    let error = query(8).resume(token.clone()).send().await.expect_err("another condition");
    assert!(matches!(error.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken)), "{error}");
    assert_eq!(query(9).resume(token).send().await.expect("it goes on").len(), 2);
}

/// The parameter `Limit` of each scan request.
fn limits(setup: &Setup) -> Vec<Option<u64>> {
    let limit = |body: Vec<u8>| {
        let request: serde_json::Value = serde_json::from_slice(&body).expect("a request is JSON");
        request["Limit"].as_u64()
    };
    setup.faults.requests("Scan").into_iter().map(limit).collect()
}

#[tokio::test]
async fn a_scan_asks_for_no_more_items_than_its_limit() {
    let setup = Setup::new().await;
    let (visits, orders) = (setup.table::<Visit>().await, setup.table::<Order>().await);
    for day in 1..4 {
        let visit = Visit { patient: "p".into(), day, notes: "n".into() };
        visits.put(&visit).send().await.expect("the record is stored");
    }
    assert_eq!(visits.scan().limit(2).send().await.expect("they are read").len(), 2);
    assert_eq!(limits(&setup), [Some(2)]);
    setup.faults.forget_calls();
    // A page may hold items of other kinds, which the scan does not return.
    orders.scan().limit(2).send().await.expect("there are none");
    assert_eq!(limits(&setup), [None]);
}

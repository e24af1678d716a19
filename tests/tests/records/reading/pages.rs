use std::pin::Pin;
use std::task::Context;

use futures_core::Stream;

use super::*;

/// Several pages of 1 MB would take too long to write, so the pages are small.
fn many() -> Vec<Visit> {
    (0..1_200)
        .map(|number| visit("p_1", number))
        .chain((0..800).map(|number| visit("p_2", number)))
        .collect()
}

#[tokio::test]
async fn thousands_of_records_come_in_order_over_many_pages() {
    let setup = setup(&many()).await;
    let read: Vec<Visit> = setup.visits.query("p_1").page_size(70).send().await.unwrap();
    assert_eq!(read, p_1(0..1_200));
    assert_eq!(setup.faults.calls("Query"), 18); // 17 pages of 70, and one of 10

    let read = setup.visits.scan().page_size(333).send().await.unwrap();
    assert_eq!(sorted(read), sorted(many()));
    assert_eq!(setup.visits.query("p_1").page_size(500).count().await.unwrap(), 1_200);
    assert_eq!(setup.visits.scan().segments(3).count().await.unwrap(), 2_000);
}

#[tokio::test]
async fn a_query_reads_one_partition_and_the_sort_keys_of_its_condition() {
    let setup = setup(&few_visits()).await;
    let visits = &setup.visits;
    assert_eq!(visits.query("p_1").send().await.unwrap(), p_1(0..50));
    assert_eq!(visits.query(String::from("p_2")).send().await.unwrap().len(), 3);
    assert_eq!(visits.query("p_3").send().await.unwrap(), []);
    assert_eq!(visits.query("p_1").sort(|number| number.eq(7)).send().await.unwrap(), p_1([7]));
    assert_eq!(visits.query("p_1").sort(|number| number.lt(3)).send().await.unwrap(), p_1(0..3));
    assert_eq!(visits.query("p_1").sort(|number| number.le(3)).send().await.unwrap(), p_1(0..=3));
    assert_eq!(visits.query("p_1").sort(|number| number.gt(47)).send().await.unwrap(), p_1(48..50));
    assert_eq!(visits.query("p_1").sort(|number| number.ge(47)).send().await.unwrap(), p_1(47..50));
    assert_eq!(
        visits.query("p_1").sort(|number| number.between(10, 12)).send().await.unwrap(),
        p_1(10..=12)
    );
    assert_eq!(visits.query("p_1").descending().send().await.unwrap(), p_1((0..50).rev()));
    let consistent = visits.query("p_1").sort(|number| number.lt(2)).consistent_read().descending();
    assert_eq!(consistent.send().await.unwrap(), p_1([1, 0]));
    assert_eq!(setup.requests("Query").last().unwrap()["ConsistentRead"], true);
}

#[tokio::test]
async fn no_more_is_read_than_the_limit_needs() {
    let setup = setup(&few_visits()).await;
    assert_eq!(setup.visits.query("p_1").limit(10).send().await.unwrap(), p_1(0..10));
    let requests = setup.requests("Query");
    assert_eq!((requests.len(), &requests[0]["Limit"]), (1, &10.into()));

    setup.faults.forget_calls();
    assert_eq!(setup.visits.query("p_1").limit(10).page_size(4).send().await.unwrap(), p_1(0..10));
    let limits: Vec<_> =
        setup.requests("Query").iter().map(|request| request["Limit"].clone()).collect();
    assert_eq!(limits, [4, 4, 2]);

    assert_eq!(setup.visits.query("p_1").limit(0).send().await.unwrap(), []);
    assert_eq!(setup.visits.query("p_1").limit(1_000).send().await.unwrap(), p_1(0..50));
    assert_eq!(setup.visits.scan().limit(5).send().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_count_is_at_most_the_limit_and_reads_no_more_than_that() {
    let setup = setup(&few_visits()).await;
    let visits = &setup.visits;
    assert_eq!(visits.scan().limit(2).count().await.unwrap(), 2);
    assert_eq!(visits.query("p_1").limit(10).page_size(4).count().await.unwrap(), 10);
    let limits: Vec<_> =
        setup.requests("Query").iter().map(|request| request["Limit"].clone()).collect();
    assert_eq!(limits, [4, 4, 2]);
    assert_eq!(visits.query("p_1").limit(1_000).count().await.unwrap(), 50);
    assert_eq!(visits.scan().segments(3).limit(20).count().await.unwrap(), 20);
    let filtered = || visits.query("p_1").filter(|visit| visit.minutes.gt(60)).page_size(5);
    assert_eq!(filtered().limit(6).count().await.unwrap(), 6);
    assert_eq!(filtered().limit(1_000).count().await.unwrap(), filtered().count().await.unwrap());
    setup.faults.forget_calls();
    assert_eq!(visits.scan().limit(0).count().await.unwrap(), 0);
    assert_eq!(setup.faults.all_requests().len(), 0);
}

#[tokio::test]
async fn limits_count_the_records_that_pass_the_filter() {
    let setup = setup(&few_visits()).await;
    let long = |number: &u32| u64::from(number * 7 % 100) > 60;
    let query = setup.visits.query("p_1").filter(|visit| visit.minutes.gt(60));
    assert_eq!(query.send().await.unwrap(), p_1((0..50).filter(long)));

    let query =
        setup.visits.query("p_1").filter(|visit| visit.minutes.gt(60)).page_size(5).limit(6);
    assert_eq!(query.send().await.unwrap(), p_1((0..50).filter(long).take(6)));

    let both = setup
        .visits
        .query("p_1")
        .filter(|visit| visit.minutes.gt(60))
        .filter(|visit| visit.ward.eq("north"));
    let expected = p_1((0..50).filter(long).filter(|number| number.is_multiple_of(3)));
    assert_eq!(both.send().await.unwrap(), expected);

    let scan =
        setup.visits.scan().filter(|visit| visit.patient.eq("p_2").and(visit.doctor.not_exists()));
    assert_eq!(sorted(scan.send().await.unwrap()), [visit("p_2", 1), visit("p_2", 2)]);
    let count = setup.visits.query("p_1").filter(|visit| visit.minutes.gt(60)).page_size(7).count();
    assert_eq!(count.await.unwrap(), u64::try_from((0..50).filter(long).count()).unwrap());
}

#[tokio::test]
async fn a_stream_can_be_collected_or_polled() {
    let setup = setup(&few_visits()).await;
    let results: Vec<_> = setup.visits.query("p_1").stream().unwrap().collect().await;
    assert_eq!(results.into_iter().map(Result::unwrap).collect::<Vec<_>>(), p_1(0..50));
    let mut records = setup.visits.query("p_1").stream().unwrap();
    let mut polled = Vec::new();
    let poll = |context: &mut Context<'_>| Pin::new(&mut records).poll_next(context);
    let mut poll = Box::new(poll);
    while let Some(record) = std::future::poll_fn(&mut poll).await {
        polled.push(record.unwrap());
    }
    assert_eq!(polled, p_1(0..50));
    assert!(records.next().await.is_none());
    assert_eq!(records.resume_token(), None);
}

#[tokio::test]
async fn nothing_is_asked_before_the_stream_is_polled_and_one_page_ahead_at_most() {
    let setup = setup(&few_visits()).await;
    let mut records = setup.visits.query("p_1").page_size(10).concurrency(2).stream().unwrap();
    assert_eq!(setup.faults.calls("Query"), 0);
    take(&mut records, 1).await;
    assert_eq!(setup.faults.calls("Query"), 1);
    take(&mut records, 9).await;
    assert_eq!(setup.faults.calls("Query"), 2);
    take(&mut records, 1).await;
    assert_eq!(setup.faults.calls("Query"), 2);
}

#[tokio::test]
async fn a_future_that_is_dropped_loses_no_record() {
    let setup = setup(&few_visits()).await;
    let mut records = setup.visits.query("p_1").page_size(7).stream().unwrap();
    let mut read = Vec::new();
    let mut context = Context::from_waker(std::task::Waker::noop());
    for round in 0_u32.. {
        // Polled once and dropped.
        if let std::task::Poll::Ready(Some(record)) =
            std::pin::pin!(records.next()).poll(&mut context)
        {
            read.push(record.unwrap());
        } else if round.is_multiple_of(2) {
            let Some(record) = records.next().await else { break };
            read.push(record.unwrap());
        }
    }
    assert_eq!(read, p_1(0..50));
}

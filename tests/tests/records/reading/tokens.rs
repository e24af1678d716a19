use envelope_dynamo::error::UsageError;
use envelope_dynamo::{ErrorKind, Fault};

use super::*;

#[tokio::test]
async fn reading_resumes_after_any_record() {
    let setup = setup(&few_visits()).await;
    for taken in 0..=50 {
        let query = || setup.visits.query("p_1").page_size(7);
        let mut records = query().stream().unwrap();
        let mut read = take(&mut records, taken).await;
        let token = carried(records.resume_token());
        assert_eq!(token.is_none(), taken == 50, "{taken}");
        drop(records);
        if token.is_some() {
            read.extend(query().resume(token).send().await.unwrap());
        }
        assert_eq!(read, p_1(0..50), "{taken}");
    }
}

#[tokio::test]
async fn pages_for_a_client_are_a_limit_and_a_token() {
    let setup = setup(&few_visits()).await;
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let query = setup.visits.query("p_1").descending().filter(|visit| visit.minutes.gt(60));
        let mut records = query.limit(4).page_size(9).resume(token).stream().unwrap();
        pages.push(records.try_collect::<Vec<_>>().await.unwrap());
        token = carried(records.resume_token());
        if token.is_none() {
            break;
        }
    }
    assert!(pages.iter().rev().skip(1).all(|page| page.len() == 4), "{pages:?}");
    assert_eq!(pages.concat(), p_1((0..50).rev().filter(|number| number * 7 % 100 > 60)));
}

#[tokio::test]
async fn indexes_and_segments_are_resumed_at_every_record() {
    let setup = setup(&few_visits()).await;
    let by_ward = setup.visits.index(|indexes| indexes.by_ward);
    let whole = by_ward.query("south").send().await.unwrap();
    assert_eq!(whole.len(), 35);
    for taken in 0..35 {
        let mut records = by_ward.query("south").page_size(4).stream().unwrap();
        let mut read = take(&mut records, taken).await;
        read.extend(
            by_ward.query("south").resume(carried(records.resume_token())).send().await.unwrap(),
        );
        assert_eq!(read, whole);
    }
    for taken in [0, 1, 17, 40, 52] {
        let scan = || setup.visits.scan().segments(3).page_size(5);
        let mut records = scan().stream().unwrap();
        let mut read = take(&mut records, taken).await;
        read.extend(scan().resume(carried(records.resume_token())).send().await.unwrap());
        assert_eq!(sorted(read), sorted(few_visits()), "{taken}");
    }
}

#[tokio::test]
async fn resuming_skips_a_record_that_failed() {
    let setup = setup(&few_visits()).await;
    let mut bad = setup.item("p_1", 1).await;
    bad.insert("ward".into(), text("east"));
    setup.store(vec![bad]).await;
    let mut records = setup.visits.query("p_1").stream().unwrap();
    assert!(records.next().await.unwrap().is_ok());
    assert!(records.next().await.unwrap().is_err());
    let token = records.resume_token();
    assert_eq!(setup.visits.query("p_1").resume(token).send().await.unwrap(), p_1(2..50));
}

#[tokio::test]
async fn a_resume_token_of_another_query_is_refused_early() {
    let setup = setup(&few_visits()).await;
    let other = super::setup(&[]).await;
    let visits = &setup.visits;
    let mut records =
        visits.query("p_1").sort(|number| number.ge(2)).page_size(5).stream().unwrap();
    take(&mut records, 3).await;
    let token = records.resume_token();
    setup.faults.forget_calls();

    let by_ward = visits.index(|indexes| indexes.by_ward);
    for refused in [
        visits.query("p_2").sort(|number| number.ge(2)).resume(token.clone()).stream(),
        visits.query("p_1").resume(token.clone()).stream(),
        visits.query("p_1").sort(|number| number.ge(3)).resume(token.clone()).stream(),
        visits.query("p_1").sort(|number| number.gt(2)).resume(token.clone()).stream(),
        visits.query("p_1").sort(|number| number.ge(2)).descending().resume(token.clone()).stream(),
        by_ward.query("p_1").sort(|minutes| minutes.ge(2_u64)).resume(token.clone()).stream(),
        visits.scan().resume(token.clone()).stream(),
        other.visits.query("p_1").sort(|number| number.ge(2)).resume(token.clone()).stream(),
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken)),
            "{error}"
        );
        assert_eq!(error.fault(), Fault::Caller);
    }
    assert_eq!(setup.faults.all_requests().len() + other.faults.all_requests().len(), 0);

    let scans = [visits.scan().segment(0, 3), visits.scan().segments(2), visits.scan().segments(3)];
    let tokens: Vec<_> = scans.map(|scan| scan.stream().unwrap().resume_token()).into();
    for (i, token) in tokens.iter().enumerate() {
        for (j, scan) in
            [visits.scan().segment(0, 3), visits.scan().segments(2), visits.scan().segments(3)]
                .into_iter()
                .enumerate()
        {
            assert_eq!(scan.resume(token.clone()).send().await.is_ok(), i == j);
        }
    }
}

#[tokio::test]
async fn a_resume_token_of_another_filter_is_refused() {
    let setup = setup(&few_visits()).await;
    let visits = &setup.visits;
    let mut filtered = visits.query("p_1").filter(|visit| visit.minutes.gt(30)).stream().unwrap();
    take(&mut filtered, 3).await;
    let token = carried(filtered.resume_token());
    let mut scan = visits.scan().stream().unwrap();
    take(&mut scan, 3).await;
    let of_scan = carried(scan.resume_token());
    setup.faults.forget_calls();
    let query = || visits.query("p_1").resume(token.clone());
    for refused in [
        query().stream(),
        query().filter(|visit| visit.minutes.ge(30)).stream(),
        query().filter(|visit| !visit.minutes.gt(30)).stream(),
        query().filter(|visit| visit.doctor.eq("dr_5")).stream(),
        query()
            .filter(|visit| visit.minutes.gt(30))
            .filter(|visit| visit.ward.eq("north"))
            .stream(),
        visits.scan().filter(|visit| visit.minutes.gt(30)).resume(of_scan.clone()).stream(),
    ] {
        let error = refused.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken)),
            "{error}"
        );
    }
    let refused = query().count().await.unwrap_err();
    assert!(
        matches!(refused.kind(), ErrorKind::Usage(UsageError::ForeignResumeToken)),
        "{refused}"
    );
    assert_eq!(setup.faults.all_requests().len(), 0);
    visits.scan().resume(of_scan).stream().unwrap();
}

#[tokio::test]
async fn a_token_says_nothing_about_the_values_of_a_filter() {
    let setup = setup(&few_visits()).await;
    let token = |ward: &'static str, minutes: u64| {
        let query = setup
            .visits
            .query("p_1")
            .filter(|visit| visit.ward.eq(ward).and(visit.minutes.gt(minutes)));
        query.stream().unwrap().resume_token().unwrap().to_string()
    };
    assert_eq!(token("north", 30), token("south", 60));
}

#[tokio::test]
async fn resuming_may_change_limit_page_size_and_filter_values() {
    let setup = setup(&few_visits()).await;
    let query = |most: u64| setup.visits.query("p_1").filter(move |visit| visit.minutes.lt(most));
    let mut records = query(1_000).page_size(5).stream().unwrap();
    take(&mut records, 3).await;
    let query = query(30).resume(records.resume_token()).limit(2);
    assert_eq!(query.page_size(3).send().await.unwrap(), p_1([3, 4]));
}

#[tokio::test]
async fn a_token_goes_through_serde() {
    let setup = setup(&few_visits()).await;
    let mut records = setup.visits.query("p_1").stream().unwrap();
    take(&mut records, 3).await;
    let token = records.resume_token().unwrap();
    let json = serde_json::to_string(&token).unwrap();
    assert_eq!(json, format!("\"{token}\""));
    assert_eq!(serde_json::from_str::<ResumeToken>(&json).unwrap(), token);
    assert!(serde_json::from_str::<ResumeToken>("\"abc\"").is_err());
}

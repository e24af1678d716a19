use super::*;

#[tokio::test]
async fn segments_together_return_every_record_once() {
    let all: Vec<_> = (0..300).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    for total in [1, 2, 7] {
        let together = setup.visits.scan().segments(total).page_size(11).send().await.unwrap();
        assert_eq!(sorted(together), sorted(all.clone()), "{total}");
        let mut apart = Vec::new();
        for segment in 0..total {
            apart.extend(setup.visits.scan().segment(segment, total).send().await.unwrap());
        }
        assert_eq!(sorted(apart), sorted(all.clone()), "{total}");
    }
}

#[tokio::test]
async fn segments_are_read_side_by_side() {
    let all: Vec<_> = (0..100).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    setup.faults.hold("Scan");
    let mut records = setup.visits.scan().segments(4).stream().unwrap();
    let mut first = Box::pin(records.next());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    while setup.faults.calls("Scan") < 4 {
        assert!(first.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    setup.faults.release("Scan");
    assert!(first.await.unwrap().is_ok());
    assert_eq!(records.try_collect::<Vec<_>>().await.unwrap().len(), 99);
    let mut asked: Vec<_> =
        setup.requests("Scan").iter().map(|request| request["Segment"].as_i64().unwrap()).collect();
    asked.sort_unstable();
    assert_eq!(asked, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_limit_holds_over_all_segments() {
    let all: Vec<_> = (0..100).map(|i| visit(&format!("p_{i}"), i)).collect();
    let setup = setup(&all).await;
    let scan = || setup.visits.scan().segments(4);
    let mut records = scan().limit(30).stream().unwrap();
    let mut read: Vec<_> = records.try_collect().await.unwrap();
    assert_eq!(read.len(), 30);
    read.extend(scan().resume(records.resume_token()).send().await.unwrap());
    assert_eq!(sorted(read), sorted(all));
}

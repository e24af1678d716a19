use aws_sdk_dynamodb::primitives::Blob;
use envelope_dynamo::error::DataError;
use envelope_dynamo::{ErrorKind, Fault, LocalKeyProvider};
use envelope_tests::all_it_says;

use super::*;

#[tokio::test]
async fn each_bad_record_is_one_error_and_the_others_are_returned() {
    let setup = setup(&few_visits()).await;
    let mut bad = Vec::new();
    // Changed, moved, in plaintext, under another key, of another struct.
    let mut item = setup.item("p_1", 10).await;
    item.insert("ward".into(), text("east"));
    bad.push(item);
    let mut item = setup.item("p_1", 12).await;
    item.extend(key("p_1", 11));
    bad.push(item);
    let mut item = key("p_1", 20);
    item.extend([("notes".into(), text(SECRET)), ("day".into(), text("2026-01-01"))]);
    bad.push(item);
    let foreign = LocalKeyProvider::new(RootKey::generate().unwrap());
    bad.push(to_item(&visit("p_1", 30), &foreign).await.unwrap());
    let mut item = setup.item("p_1", 31).await;
    item.insert("encrypted_payload".into(), AttributeValue::B(Blob::new([7; 9])));
    bad.push(item);
    let mut item = setup.item("p_1", 40).await;
    item.insert("day".into(), text("soon"));
    item.remove("minutes");
    bad.push(item);
    setup.store(bad).await;

    for page_size in [3, 1_000] {
        let mut records = setup.visits.query("p_1").page_size(page_size).stream().unwrap();
        let (visits, errors) = parted(&mut records).await;
        assert_eq!(records.resume_token(), None);
        let bad = [10, 11, 20, 30, 31, 40];
        assert_eq!(visits, p_1((0..50).filter(|number| !bad.contains(number))));
        let named: Vec<_> = errors.iter().map(|error| error.record().to_string()).collect();
        assert_eq!(named, bad.map(|number| format!("visits[patient=p_1, number={number}]")));
        assert!(
            matches!(errors[0].kind(), ErrorKind::Data(DataError::NotAuthentic { .. })),
            "{}",
            errors[0]
        );
        assert!(matches!(errors[2].kind(), ErrorKind::Data(DataError::NotSealed)), "{}", errors[2]);
        assert!(
            matches!(errors[5].kind(), ErrorKind::Data(DataError::Deserialize { .. })),
            "{}",
            errors[5]
        );
        // A wrong data key may be the fault of whoever configured the provider.
        assert!(
            errors.iter().all(|error| error.fault() == Fault::Data || error.key_error().is_some())
        );
        for error in &errors {
            assert!(!all_it_says(error).contains(SECRET), "{error}");
        }
    }
    let error = setup.visits.query("p_1").send().await.unwrap_err();
    assert_eq!(error.record().to_string(), "visits[patient=p_1, number=10]");
}

#[tokio::test]
async fn a_bad_record_counts_for_the_limit() {
    let setup = setup(&few_visits()).await;
    let mut item = setup.item("p_1", 1).await;
    item.insert("ward".into(), text("east"));
    setup.store(vec![item]).await;
    let results: Vec<_> = setup.visits.query("p_1").limit(3).stream().unwrap().collect().await;
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
}

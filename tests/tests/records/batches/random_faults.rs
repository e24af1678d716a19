//! Random faults: the result reported for each record is true.

use std::collections::{HashMap, HashSet};

use envelope_dynamo::batch::BatchFailure;
use envelope_dynamo::transact_write;
use envelope_dynamo::transaction::TransactionErrorKind;

use super::{Bench, ids, set, user, users};

/// How many of a thousand calls fail: throttled, refused, or cut off before or after they were
/// executed.
const PER_MILLE: u64 = 800;

#[tokio::test]
async fn a_batch_write_reports_each_record_correctly() {
    let (mut in_doubt, mut refused) = (0, 0);
    for seed in 1..=12_u64 {
        let bench = Bench::new().await;
        let users = users(200);
        bench.faults.fail_randomly(PER_MILLE, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut rest = users.iter();
        let mut known = HashSet::new();
        let mut unknown = HashSet::new();
        let mut taken = 0;
        while rest.len() > 0 {
            let (all, failures) = match bench.users.batch_put(rest.by_ref()).send().await {
                Ok(all) => (all, Vec::new()),
                Err(error) => {
                    let failure = |failure: &BatchFailure| {
                        (taken + failure.position(), failure.error().is_in_doubt())
                    };
                    (error.taken(), error.failures().iter().map(failure).collect())
                }
            };
            let failed: HashMap<_, _> = failures.into_iter().collect();
            for (position, user) in users.iter().enumerate().skip(taken).take(all) {
                match failed.get(&position) {
                    None => known.insert(user.user_id.as_str()),
                    Some(true) => unknown.insert(user.user_id.as_str()),
                    Some(false) => false,
                };
            }
            refused += failed.len();
            taken += all;
        }
        bench.faults.stop_failing_randomly();
        assert_eq!(taken, users.len());
        let stored = bench.stored_ids().await;
        for id in ids(&users) {
            match (known.contains(id), unknown.contains(id), stored.contains(id)) {
                (true, false, true) | (false, true, _) | (false, false, false) => {}
                told => panic!("seed {seed}: {id} (done, in doubt, stored): {told:?}"),
            }
        }
        in_doubt += unknown.len();
        let found = bench.users.batch_get(ids(&users)).consistent_read().send().await.unwrap();
        assert!(found.into_iter().flatten().all(|found| found == user(&found.user_id)));
    }
    assert!(
        in_doubt > 0 && refused > in_doubt,
        "{in_doubt} in doubt, {refused} failed: too few to show anything"
    );
}

#[tokio::test]
async fn a_transaction_reports_its_outcome_correctly() {
    let bench = Bench::new().await;
    let mut outcomes = [0; 3];
    for seed in 1..=60_u64 {
        let pair = [user(format!("a_{seed}")), user(format!("b_{seed}"))];
        let [a, b] = &pair;
        let transaction =
            transact_write(bench.users.client()).put(bench.users.put(a).if_not_exists());
        let prepared = transaction.put(bench.users.put(b).if_not_exists()).prepare().await.unwrap();
        bench.faults.fail_randomly(PER_MILLE, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let sent = prepared.send().await;
        bench.faults.stop_failing_randomly();
        let stored = bench.stored_ids().await.intersection(&set(ids(&pair))).count();
        let outcome = match sent {
            Ok(()) => 0,
            Err(error) if error.is_in_doubt() => 1,
            Err(error) => {
                assert!(matches!(error.kind(), TransactionErrorKind::DynamoDb(_)), "{error}");
                2
            }
        };
        let possible: &[usize] = [&[2][..], &[0, 2], &[0]][outcome];
        assert!(
            possible.contains(&stored),
            "seed {seed}: {stored} of 2 are stored, outcome {outcome}"
        );
        outcomes[outcome] += 1;
        // Sent again, the transaction is executed. A third time, it is still executed only once.
        prepared.send().await.unwrap();
        prepared.send().await.unwrap();
        assert_eq!(bench.users.batch_get(ids(&pair)).send().await.unwrap(), pair.clone().map(Some));
    }
    assert!(outcomes[0] > 0 && outcomes[1] > 0, "done, in doubt, not done: {outcomes:?}");
}

#[tokio::test]
async fn a_batch_read_reports_each_record_correctly() {
    let bench = Bench::new().await;
    let users = users(150);
    bench.users.batch_put(&users).send().await.unwrap();
    let mut failed = 0;
    for seed in 1..=20_u64 {
        bench.faults.fail_randomly(PER_MILLE, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut answers = HashSet::new();
        let mut stream = bench.users.batch_get(ids(&users).into_iter().chain(["nobody"])).stream();
        while let Some((id, result)) = stream.next().await {
            assert!(answers.insert(id), "{id} was answered twice");
            match result {
                Ok(found) => assert_eq!(found, (id != "nobody").then(|| user(id))),
                Err(_) => failed += 1,
            }
        }
        bench.faults.stop_failing_randomly();
        assert_eq!(answers.len(), 151);
    }
    assert!(failed > 0);
}

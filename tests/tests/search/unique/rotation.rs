//! A search key is rotated while processes have caches of different ages.

use super::*;

/// A process before the rotation, in its phases, and after it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Process {
    /// Does not know of the new key yet.
    Before,
    /// Writes the old key, and knows the new one.
    Announced,
    /// Writes the new key, and knows the old one.
    Writing,
    /// Does not know the old key any more.
    After,
}

impl Process {
    /// Those that may run at the same time: the store keeps others apart by its times.
    const BESIDE: [[Self; 2]; 6] = [
        [Self::Before, Self::Announced],
        [Self::Announced, Self::Before],
        [Self::Announced, Self::Writing],
        [Self::Writing, Self::Announced],
        [Self::Writing, Self::After],
        [Self::After, Self::Writing],
    ];

    fn keys(self) -> SearchKeys {
        let (old, new) = (search_key(1), search_key(2));
        match self {
            Self::Before => LocalSearchKeys::new(old),
            Self::Announced => LocalSearchKeys::new(old).also_next(new),
            Self::Writing => LocalSearchKeys::new(new).also_previous(old),
            Self::After => LocalSearchKeys::new(new),
        }
        .into()
    }
}

#[tokio::test]
async fn processes_with_caches_of_different_ages_exclude_each_other() {
    for [first, second] in Process::BESIDE {
        let bench = Bench::new().await;
        let (one, two) = (bench.with_keys(first.keys()), bench.with_keys(second.keys()));
        one.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
        let error = two.put(&user("u_2", "zoe@example.com")).send().await.unwrap_err();
        assert_eq!(taken(&error), Some("email"), "{first:?}, {second:?}");
        for users in [&one, &two] {
            let found = users.unique(|u| u.email).get("zoe@example.com").send().await.unwrap();
            assert_eq!(found.map(|user| user.user_id).as_deref(), Some("u_1"));
        }
        // What one frees, the other gets.
        two.delete("u_1").send().await.unwrap();
        two.put(&user("u_2", "zoe@example.com")).send().await.unwrap();
        let error = one.put(&user("u_1", "zoe@example.com")).send().await.unwrap_err();
        assert_eq!(taken(&error), Some("email"), "{second:?}, {first:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_sign_ups_during_a_rotation_one_wins() {
    let bench = Bench::new().await;
    let processes = [Process::Announced, Process::Writing];
    let sign_ups: Vec<_> = (0..16)
        .zip(processes.into_iter().cycle())
        .map(|(number, process)| {
            let users = bench.with_keys(process.keys());
            let user = user(&format!("u_{number}"), "zoe@example.com");
            tokio::spawn(async move { users.put(&user).send().await })
        })
        .collect();
    let mut won = 0;
    for sign_up in sign_ups {
        match sign_up.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(taken(&error), Some("email"), "{error}"),
        }
    }
    assert_eq!((won, bench.records().await, bench.owners().await.len()), (1, 1, 2));
}

/// A record of before the rotation has one claim. Whoever moves its tag makes the other one.
#[tokio::test]
async fn a_record_that_moves_keeps_its_value() {
    let bench = Bench::new().await;
    let before = bench.with_keys(Process::Before.keys());
    before.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1"]);
    let writing = bench.with_keys(Process::Writing.keys());
    writing.update("u_1").modify(|user| user.address = "x".into()).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_1", "u_1"], "under both keys");
    let after = bench.with_keys(Process::After.keys());
    let error = after.put(&user("u_2", "zoe@example.com")).send().await.unwrap_err();
    assert_eq!(taken(&error), Some("email"));
    let found = after.unique(|u| u.email).get("zoe@example.com").send().await.unwrap();
    assert_eq!(found.map(|user| user.user_id).as_deref(), Some("u_1"));
}

/// Both claims of the value are left behind, and both are taken over.
#[tokio::test]
async fn both_claims_of_a_value_are_taken_over() {
    let bench = Bench::new().await;
    let users = bench.with_keys(Process::Writing.keys());
    users.put(&user("u_1", "zoe@example.com")).send().await.unwrap();
    bench.expire("u_1").await;
    users.put(&user("u_2", "zoe@example.com")).send().await.unwrap();
    assert_eq!(bench.owners().await, ["u_2", "u_2"]);
}

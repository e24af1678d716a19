//! Cached keys, requested by many tasks at a time, compared with hashing that shares nothing. See
//! `benches/README.md`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use envelope_core::{
    BranchKey, BranchKeyStore, BranchName, BranchVersion, CacheLimits, CachedKeyProvider, Context,
    DataKey, HierarchicalKeyProvider, KeyFuture, LocalKeyProvider, RootKey, UnwrapKey, WrapKey,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const CALLS: u32 = 20_000;
const ROUNDS: usize = 9;

#[derive(Debug)]
struct OneBranch(BranchVersion, DataKey);

impl BranchKeyStore for OneBranch {
    fn active<'a>(&'a self, _: &'a BranchName) -> KeyFuture<'a, BranchVersion> {
        Box::pin(async { Ok(self.0) })
    }

    fn branch_key<'a>(
        &'a self,
        branch: &'a BranchName,
        version: BranchVersion,
    ) -> KeyFuture<'a, BranchKey> {
        Box::pin(async move { Ok(BranchKey::new(branch.clone(), version, self.1.share())) })
    }
}

/// A cached key is returned without waiting, so one poll is the whole call, and threads can stand
/// in for tasks.
fn now<F: Future>(future: F) -> F::Output {
    let Poll::Ready(output) = pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) else {
        unreachable!("nothing waits")
    };
    output
}

/// Thousands of calls per second of all `tasks` callers.
fn throughput(tasks: u32, call: &(dyn Fn() + Sync)) -> f64 {
    let start = Barrier::new(tasks as usize);
    let run = || {
        start.wait();
        let begun = Instant::now();
        (0..CALLS).for_each(|_| call());
        begun.elapsed()
    };
    let longest = thread::scope(|scope| {
        let running: Vec<_> = (0..tasks).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|task| task.join().unwrap()).max().unwrap_or(Duration::ZERO)
    });
    f64::from(tasks * CALLS) / longest.as_secs_f64() / 1e3
}

fn main() {
    let limits = CacheLimits::new(Duration::from_secs(3_600));
    let context = Context::new("users").pair("tenant", "t_1").unwrap().encryption_context();
    let cached =
        CachedKeyProvider::new(LocalKeyProvider::new(RootKey::generate().unwrap()), limits);
    let wrapped = now(cached.generate(&context)).unwrap().wrapped;
    let store = OneBranch(BranchVersion::from_bytes([7; 16]), DataKey::generate().unwrap());
    let hierarchical = HierarchicalKeyProvider::per_table(store, limits);
    let derived = now(hierarchical.generate(&context)).unwrap().wrapped;

    let hit = || drop(black_box(now(cached.unwrap_key(&wrapped, &context)).unwrap()));
    let derive = || drop(black_box(now(hierarchical.unwrap_key(&derived, &context)).unwrap()));
    let hash = || {
        let mac = Hmac::<Sha256>::new_from_slice(black_box(&[7; 32])).unwrap();
        black_box(mac.chain_update([7; 150]).finalize());
    };
    let contenders: [(&str, &(dyn Fn() + Sync)); 3] =
        [("read cache", &hit), ("branch key", &derive), ("HMAC", &hash)];

    println!(
        "{} cores; medians of thousands of calls per second, and the ratio to one task",
        cores()
    );
    println!("{:<8}{:>24}{:>24}{:>24}", "tasks", contenders[0].0, contenders[1].0, contenders[2].0);
    let mut alone = [0.0; 3];
    for tasks in [1, 2, 4, 8, 16] {
        print!("{tasks:<8}");
        let mut rounds = [const { Vec::new() }; 3];
        for _ in 0..ROUNDS {
            rounds
                .iter_mut()
                .zip(contenders)
                .for_each(|(rounds, (_, call))| rounds.push(throughput(tasks, call)));
        }
        for (mut rounds, alone) in rounds.into_iter().zip(&mut alone) {
            rounds.sort_unstable_by(f64::total_cmp);
            let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default();
            if tasks == 1 {
                *alone = median;
            }
            print!("{:>16.0} {:>6.2}x", median, median / *alone);
        }
        println!();
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

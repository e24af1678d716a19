//! Shared code of the benchmarks: contenders that take turns, medians, and ratios.
//!
//! On a machine with other work, count instructions in place of microseconds. With the environment
//! variable `ONLY="put/0/50"`, a benchmark runs the first contender of the row `put` 50 times and
//! nothing else; `benches/count.sh` counts the instructions of these calls.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::{Duration, Instant};

const SAMPLES: usize = 301;
const LEAST_SAMPLES: usize = 11;
/// A row of slow contenders has fewer samples, so that it takes about this time at most.
const ROW_TIME: Duration = Duration::from_secs(60);
/// A sample has as many calls as take at least this time.
const SAMPLE_TIME: Duration = Duration::from_millis(2);

/// Calls are quick if a sample has more of them.
const QUICK_CALLS: u32 = 64;

/// Runs a number of times, and returns how long that took.
pub type Contender<'c> = &'c mut dyn FnMut(u32) -> Duration;

/// Calls `run` repeatedly. The time includes dropping the results, because callers drop them too
/// (and keys are wiped).
pub fn repeated<O>(mut run: impl FnMut() -> O) -> impl FnMut(u32) -> Duration {
    move |calls| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(run());
        }
        start.elapsed()
    }
}

/// As [`repeated`], with a prepared input for each call. The preparation is not measured.
///
/// Slow calls get their inputs one at a time, as in a program that handles one record after the
/// other: what the allocator does with freed memory depends on it. Quick calls share a reading of
/// the clock.
pub fn with_inputs<I, O>(
    mut input: impl FnMut() -> I,
    mut run: impl FnMut(I) -> O,
) -> impl FnMut(u32) -> Duration {
    move |calls| {
        let at_a_time = if calls > QUICK_CALLS { QUICK_CALLS } else { 1 };
        (0..calls)
            .step_by(at_a_time as usize)
            .map(|first| {
                let inputs: Vec<I> =
                    (first..calls.min(first + at_a_time)).map(|_| input()).collect();
                let start = Instant::now();
                for input in inputs {
                    black_box(run(black_box(input)));
                }
                start.elapsed()
            })
            .sum()
    }
}

/// Lets the contenders of a row take turns, and prints their medians and ratios. With `ONLY`, runs
/// one contender alone.
pub fn contest<const N: usize>(name: &str, contenders: [Contender<'_>; N]) {
    match env::var("ONLY") {
        Ok(only) => run_alone(&only, name, contenders),
        Err(_) => row(name, &medians(contenders)),
    }
}

fn run_alone<const N: usize>(only: &str, name: &str, contenders: [Contender<'_>; N]) {
    let mut parts = only.splitn(3, '/');
    let (row, contender, calls) = (parts.next(), parts.next(), parts.next());
    if row != Some(name) {
        return;
    }
    let number = |part: Option<&str>| part.unwrap_or_default().parse::<u32>().unwrap();
    let run = &mut *contenders[number(contender) as usize];
    const WARM_UP: u32 = 3;
    run(WARM_UP);
    counted(run, number(calls));
    std::process::exit(0);
}

/// A function of its own: `benches/count.sh` names it.
#[inline(never)]
fn counted(run: Contender<'_>, calls: u32) {
    run(black_box(calls));
}

/// Medians of contenders that took turns.
pub struct Medians<const N: usize> {
    /// Microseconds per call.
    pub microseconds: [f64; N],
    /// The time of the first contender divided by that of each other, sample by sample, so that a
    /// disturbance affects both.
    pub ratios: [f64; N],
}

/// Lets the contenders take turns, sample by sample, each time in another order: what a contender
/// leaves in caches and allocator must not always meet the same successor.
pub fn medians<const N: usize>(contenders: [Contender<'_>; N]) -> Medians<N> {
    let mut contenders = contenders.map(|run| {
        let calls = (1..=16)
            .map(|power| 1 << power)
            .find(|calls| run(*calls) >= SAMPLE_TIME)
            .unwrap_or(1 << 16);
        (run, calls)
    });
    let start = Instant::now();
    let shuffle = RandomState::new();
    let samples: Vec<[f64; N]> = (0..SAMPLES)
        .take_while(|sample| *sample < LEAST_SAMPLES || start.elapsed() < ROW_TIME)
        .map(|sample| {
            let mut order: [usize; N] = std::array::from_fn(|contender| contender);
            order.sort_by_cached_key(|contender| shuffle.hash_one((sample, contender)));
            let mut figures = [0.0; N];
            for contender in order {
                let (run, calls) = &mut contenders[contender];
                figures[contender] = run(*calls).as_secs_f64() * 1e6 / f64::from(*calls);
            }
            figures
        })
        .collect();
    let of_each = |figure: &dyn Fn(&[f64; N], usize) -> f64| {
        std::array::from_fn(|contender| {
            median(samples.iter().map(|sample| figure(sample, contender)).collect())
        })
    };
    Medians {
        microseconds: of_each(&|sample, contender| sample[contender]),
        ratios: of_each(&|sample, contender| sample[0] / sample[contender]),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Prints the heading of a table: the measured contender first, then those that it is compared
/// with.
pub fn heading(title: &str, contenders: &[&str]) {
    print!("\n{title:<28}");
    contenders.iter().for_each(|contender| print!("{contender:>16}"));
    contenders.iter().skip(1).for_each(|contender| print!("{:>18}", format!("to {contender}")));
    println!();
}

/// Prints a row: medians in microseconds, then ratios.
pub fn row<const N: usize>(name: &str, medians: &Medians<N>) {
    print!("{name:<28}");
    medians.microseconds.iter().for_each(|microseconds| print!("{microseconds:>16.2}"));
    medians.ratios.iter().skip(1).for_each(|ratio| print!("{ratio:>17.2}x"));
    println!();
}

//! What the benchmarks share: contenders that take turns, medians, and ratios to what each is
//! measured against.

use std::hint::black_box;
use std::time::{Duration, Instant};

const SAMPLES: usize = 301;
/// A sample is so many calls that it lasts about this long.
const SAMPLE_TIME: Duration = Duration::from_micros(200);

/// Runs so many times and says how long that took.
pub type Contender<'c> = &'c mut dyn FnMut(u32) -> Duration;

/// Calls `run` again and again; what it returns is dropped within the time, as callers drop it (and
/// keys are wiped).
pub fn repeated<O>(mut run: impl FnMut() -> O) -> impl FnMut(u32) -> Duration {
    move |calls| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(run());
        }
        start.elapsed()
    }
}

/// As [`repeated`], with an input at hand for each call: making it is not measured.
pub fn with_inputs<I, O>(
    mut input: impl FnMut() -> I,
    mut run: impl FnMut(I) -> O,
) -> impl FnMut(u32) -> Duration {
    move |calls| {
        let inputs: Vec<I> = (0..calls).map(|_| input()).collect();
        let start = Instant::now();
        for input in inputs {
            black_box(run(black_box(input)));
        }
        start.elapsed()
    }
}

/// Medians of contenders that took turns.
pub struct Medians<const N: usize> {
    /// Microseconds per call.
    pub microseconds: [f64; N],
    /// The first contender's time divided by each one's, sample by sample: what disturbs the
    /// machine disturbs both.
    pub ratios: [f64; N],
}

/// Lets the contenders take turns, sample by sample.
pub fn medians<const N: usize>(contenders: [Contender<'_>; N]) -> Medians<N> {
    let mut contenders = contenders.map(|run| {
        let calls = (1..=16)
            .map(|power| 1 << power)
            .find(|calls| run(*calls) >= SAMPLE_TIME)
            .unwrap_or(1 << 16);
        (run, calls)
    });
    let samples: Vec<[f64; N]> = (0..SAMPLES)
        .map(|_| {
            contenders
                .each_mut()
                .map(|(run, calls)| run(*calls).as_secs_f64() * 1e6 / f64::from(*calls))
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

/// Prints the heading of a table: what is measured first, then what it is measured against.
pub fn heading(title: &str, contenders: &[&str]) {
    print!("\n{title:<28}");
    contenders.iter().for_each(|contender| print!("{contender:>16}"));
    contenders.iter().skip(1).for_each(|contender| print!("{:>18}", format!("to {contender}")));
    println!();
}

/// Prints a row of it: medians in microseconds, then ratios.
pub fn row<const N: usize>(name: &str, medians: &Medians<N>) {
    print!("{name:<28}");
    medians.microseconds.iter().for_each(|microseconds| print!("{microseconds:>16.2}"));
    medians.ratios.iter().skip(1).for_each(|ratio| print!("{ratio:>17.2}x"));
    println!();
}

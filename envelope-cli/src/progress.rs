//! How far a run is, on stderr: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::figures::{count, duration, percent};

/// The progress of one run.
pub(crate) struct Progress {
    /// The items of the part, by DynamoDB's count, which is up to six hours old.
    about: u64,
    started: Instant,
    every: Duration,
    shown: Mutex<Instant>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For about so many items. Elsewhere than on a terminal a line is printed `every` so often.
    pub(crate) fn new(about: u64, every: Duration) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(about.max(1));
            match ProgressStyle::with_template("{bar:24} {msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        let now = Instant::now();
        Self { about, started: now, every, shown: Mutex::new(now), bar }
    }

    /// Shows how many items were seen so far, and how many of them failed.
    pub(crate) fn show(&self, seen: u64, failed: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(seen.min(self.about.max(1)));
            bar.set_message(self.line(seen, failed));
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.elapsed() >= self.every {
            *shown = Instant::now();
            eprintln!("{}", self.line(seen, failed));
        }
    }

    /// Prints with the bar out of the way.
    pub(crate) fn beside(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, seen: u64, failed: u64) -> String {
        line(seen, failed, self.about, self.started.elapsed())
    }
}

/// `61 %   306,417,217 of about 500,000,000   4,981/s   10 h 48 min left   failed 3`.
fn line(seen: u64, failed: u64, about: u64, elapsed: Duration) -> String {
    let rate = per_second(seen, elapsed);
    let mut parts = Vec::new();
    // DynamoDB's count is old: past it, nobody knows how much is left.
    if seen <= about && about > 0 {
        parts.push(format!("{} %", percent(seen, about)));
        parts.push(format!("{} of about {}", count(seen), count(about)));
    } else {
        parts.push(format!("{} items", count(seen)));
    }
    parts.push(format!("{}/s", count(rate)));
    if seen <= about && rate > 0 {
        let left = Duration::from_secs((about - seen) / rate);
        parts.push(format!("{} left", duration(left)));
    }
    if failed > 0 {
        parts.push(format!("failed {}", count(failed)));
    }
    parts.join("   ")
}

fn per_second(seen: u64, elapsed: Duration) -> u64 {
    let rate = u128::from(seen) * 1_000 / elapsed.as_millis().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::progress::line;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let hour = Duration::from_secs(3_600);
        assert_eq!(
            line(18_000_000, 0, 500_000_000, hour),
            "3 %   18,000,000 of about 500,000,000   5,000/s   1 d 2 h left"
        );
        assert_eq!(line(3_602, 2, 0, hour), "3,602 items   1/s   failed 2");
        assert_eq!(line(7_200, 0, 10, hour), "7,200 items   2/s");
        assert_eq!(line(0, 0, 10, Duration::ZERO), "0 %   0 of about 10   0/s");
    }
}

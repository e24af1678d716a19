//! Runs futures concurrently in one task, with a limit on how many run at a time.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// How many records are sealed or opened at a time, unless the caller sets another number.
pub(crate) const CONCURRENCY: usize = 16;

/// Runs all `futures`, at most `limit` at a time (at least one), and returns their outputs in the
/// order of the futures.
///
/// A slow future delays no other: the next one starts as soon as any has finished.
// `StreamExt::buffered` would count finished futures behind a slow one against the limit. And with
// a closure between the iterator and the futures, the compiler cannot prove that callers are
// `Send`.
pub(crate) async fn all<F: Future>(
    limit: usize,
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let mut waiting = futures.into_iter().enumerate();
    let (mut running, mut outputs) = (FuturesUnordered::new(), Vec::new());
    loop {
        while running.len() < limit.max(1)
            && let Some((position, future)) = waiting.next()
        {
            running.push(async move { (position, future.await) });
        }
        match running.next().await {
            Some(output) => outputs.push(output),
            None => break,
        }
    }
    outputs.sort_unstable_by_key(|(position, _)| *position);
    outputs.into_iter().map(|(_, output)| output).collect()
}

/// As [`all`], but the first error ends it: the futures that have not finished are dropped.
#[cfg(any(test, feature = "maintain"))]
pub(crate) async fn try_all<T, E, F: Future<Output = Result<T, E>>>(
    limit: usize,
    futures: impl IntoIterator<Item = F>,
) -> Result<Vec<T>, E> {
    let mut waiting = futures.into_iter().enumerate();
    let (mut running, mut outputs) = (FuturesUnordered::new(), Vec::new());
    loop {
        while running.len() < limit.max(1)
            && let Some((position, future)) = waiting.next()
        {
            running.push(async move { (position, future.await) });
        }
        match running.next().await {
            Some((position, output)) => outputs.push((position, output?)),
            None => break,
        }
    }
    outputs.sort_unstable_by_key(|(position, _)| *position);
    Ok(outputs.into_iter().map(|(_, output)| output).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;

    use tokio::task::yield_now;

    use crate::table::bounded::{all, try_all};

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn outputs_are_in_order_and_the_limit_holds() {
        for limit in [0, 1, 3, 100] {
            let (running, most) = (&Cell::new(0), &Cell::new(0));
            let futures = (0..20_usize).map(|i| async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..(20 - i) % 7 + 1 {
                    yield_now().await;
                }
                running.set(running.get() - 1);
                i
            });
            assert_eq!(block_on(all(limit, futures)), (0..20).collect::<Vec<_>>());
            assert_eq!(most.get(), limit.clamp(1, 20));
        }
    }

    #[test]
    fn a_slow_future_does_not_delay_the_others() {
        let finished = &Cell::new(0);
        let futures = (0..10_usize).map(|i| async move {
            // The first one waits until all the others have finished.
            while i == 0 && finished.get() < 9 {
                yield_now().await;
            }
            finished.set(finished.get() + 1);
        });
        assert_eq!(block_on(all(2, futures)).len(), 10);
    }

    #[test]
    fn the_first_error_ends_it_and_starts_no_other_future() {
        let started = &Cell::new(0);
        let futures = |bad: usize| {
            started.set(0);
            (0..100_usize).map(move |i| async move {
                started.set(started.get() + 1);
                yield_now().await;
                if i == bad { Err(i) } else { Ok(i) }
            })
        };
        assert_eq!(block_on(try_all(4, futures(10))), Err(10));
        assert!(started.get() < 16, "{} futures were started", started.get());
        assert_eq!(block_on(try_all(4, futures(100))), Ok((0..100).collect()));
    }
}

//! Futures that run side by side in one task, at most so many at a time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How many records are sealed or opened at a time where nothing else was asked for.
pub(crate) const CONCURRENCY: usize = 16;

/// Futures under way; their outputs come as they are ready.
struct SideBySide<F> {
    running: Vec<Pin<Box<F>>>,
    bound: usize,
}

impl<F: Future> SideBySide<F> {
    /// At least one at a time.
    fn at_most(bound: usize) -> Self {
        Self { running: Vec::new(), bound: bound.max(1) }
    }

    /// Whether another future may be added.
    const fn has_room(&self) -> bool {
        self.running.len() < self.bound
    }

    fn add(&mut self, future: F) {
        self.running.push(Box::pin(future));
    }

    /// The output of whichever future is ready first; `None` when there are none.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut ready = self.running.iter_mut().enumerate().filter_map(|(at, future)| match future
            .as_mut()
            .poll(context)
        {
            Poll::Ready(output) => Some((at, output)),
            Poll::Pending => None,
        });
        match ready.next() {
            Some((at, output)) => {
                drop(self.running.swap_remove(at));
                Poll::Ready(Some(output))
            }
            None if self.running.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// The outputs of all `futures`, in their order.
pub(crate) async fn all<F: Future>(
    bound: usize,
    futures: impl IntoIterator<Item = F>,
) -> Vec<F::Output> {
    let mut waiting = futures.into_iter().enumerate();
    let numbered = |(at, future): (usize, F)| async move { (at, future.await) };
    let (mut running, mut outputs) = (SideBySide::at_most(bound), Vec::new());
    loop {
        while running.has_room()
            && let Some(next) = waiting.next()
        {
            running.add(numbered(next));
        }
        match poll_fn(|context| running.poll_next(context)).await {
            Some(output) => outputs.push(output),
            None => break,
        }
    }
    outputs.sort_unstable_by_key(|(at, _)| *at);
    outputs.into_iter().map(|(_, output)| output).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::Cell;

    use tokio::task::yield_now;

    use crate::table::bounded::all;

    #[test]
    fn outputs_come_in_order_and_no_more_run_at_a_time_than_asked_for() {
        for bound in [0, 1, 3, 100] {
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
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            assert_eq!(runtime.block_on(all(bound, futures)), (0..20).collect::<Vec<_>>());
            assert_eq!(most.get(), bound.clamp(1, 20));
        }
    }
}

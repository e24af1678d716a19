//! Caching and sharing of keys, with every call counted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod ages;
mod cached;
mod counters;
mod given_up;
mod orders;
mod outages;
mod room;
mod shared;
mod testing;
mod waiting;
mod wakers;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Poll, Wake, Waker};
use std::time::Duration;

use envelope_core::testing::{TestClock, TestKeyProvider};
use envelope_core::{
    CacheLimits, CachedKeyProvider, Context, KeyCounters, KeyErrorKind, KeyEvent, OpenError,
    Sealed, UnwrapKey, open, seal,
};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);

struct Note {
    id: u64,
    sealed: Sealed,
}

fn place(id: u64) -> Context<'static> {
    Context::new("notes").pair("id", id.to_string()).unwrap()
}

fn text(id: u64) -> String {
    format!("note {id}")
}

async fn read_with(note: &Note, provider: &impl UnwrapKey) -> Result<(), KeyErrorKind> {
    match open(&note.sealed, &place(note.id), provider).await {
        Ok(plaintext) => {
            assert_eq!(plaintext.expose(), text(note.id).as_bytes());
            Ok(())
        }
        Err(OpenError::Key(error)) => Err(error.kind()),
        Err(other) => panic!("{other}"),
    }
}

/// A cache over a counted provider, with a clock and counters.
struct Cache {
    calls: TestKeyProvider,
    provider: CachedKeyProvider<TestKeyProvider>,
    clock: Arc<TestClock>,
    counters: Arc<KeyCounters>,
}

fn cache(limits: CacheLimits) -> Cache {
    let (calls, clock, counters) =
        (TestKeyProvider::default(), Arc::<TestClock>::default(), Arc::<KeyCounters>::default());
    let provider = CachedKeyProvider::new(calls.clone(), limits)
        .with_clock(Arc::clone(&clock) as _)
        .observed_by(Arc::clone(&counters) as _);
    Cache { calls, provider, clock, counters }
}

impl Cache {
    async fn write(&self, id: u64) -> Note {
        Note { id, sealed: seal(text(id).as_bytes(), &place(id), &self.provider).await.unwrap() }
    }

    async fn read(&self, note: &Note) -> Result<(), KeyErrorKind> {
        read_with(note, &self.provider).await
    }

    /// A note whose key was just fetched.
    async fn fetched(&self, id: u64) -> Note {
        let note = self.write(id).await;
        self.read(&note).await.unwrap();
        note
    }

    fn count(&self, event: KeyEvent) -> u64 {
        self.counters.count(event)
    }

    fn keys_held(&self) -> usize {
        format!("{:?}", self.provider).matches("DataKey(..)").count()
    }
}

fn poll<F: Future + ?Sized>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut task::Context::from_waker(Waker::noop()))
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: &mut Pin<&mut F>) -> Poll<F::Output> {
        future.as_mut().poll(&mut task::Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}
